/** The DNS server on a fake LAN with machines, a stranger and two upstream resolvers that do what a test says. */
import type { AskTcp } from '../../services/dns/forward.ts'
import { type DnsFact, startDns } from '../../services/dns/server.ts'
import type { Datagram } from '../../services/kit/datagram-port.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'
import { FakeMeter } from '../fake/meter.ts'
import { fleet, MACHINE, nameOctets, OTHER_MACHINE, recordingLog, site, STRANGER, TYPES } from './rig.ts'

export const SERVER = '10.77.0.1' as Ipv4
export const UPSTREAMS = ['10.77.0.53', '10.77.0.54'] as Ipv4[]
export const NAME = 'node1.rack7.example.org'

export async function rack(
  dns: Parameters<typeof site>[0] = {},
  view = fleet(),
  askUpstreamTcp: AskTcp = async () => undefined,
  dhcp: Parameters<typeof site>[1] = {},
) {
  const lan = new FakeLan({
    lan0: SERVER,
    one: MACHINE,
    two: OTHER_MACHINE,
    far: STRANGER,
    up1: UPSTREAMS[0]!,
    up2: UPSTREAMS[1]!,
  })
  const clock = new FakeClock()
  const log = recordingLog()
  const meter = new FakeMeter()
  const facts: DnsFact[] = []
  const udp = await lan.open({ device: 'lan0', address: SERVER, port: 53 })
  const server = await startDns({
    udp,
    openUpstream: lan.open,
    askUpstreamTcp,
    site: site(dns, dhcp),
    view,
    clock,
    log,
    meter,
    tell: fact => facts.push(fact),
  })
  const client = async (device = 'one') => {
    const port = await lan.open({ device, address: lan.addressOf(device), port: 0 })
    const heard: Uint8Array[] = []
    port.onDatagram(({ bytes }) => heard.push(bytes))
    return { heard, send: (bytes: Uint8Array) => port.send(bytes, { address: SERVER, port: 53 }) }
  }
  /** An upstream resolver that does with each question what the test says. */
  const upstream = async (device: string, answer: (question: Datagram, send: (bytes: Uint8Array) => void) => void) => {
    const port = await lan.open({ device, address: lan.addressOf(device), port: 53 })
    const heard: Datagram[] = []
    port.onDatagram(datagram => {
      heard.push(datagram)
      answer(datagram, bytes => port.send(bytes, datagram.from))
    })
    return heard
  }
  return { lan, clock, log, meter, facts, server, client, upstream }
}

/** The question sent back as a reply with one address; `change` spoils it. */
export function replyTo({ bytes }: Datagram, change: (reply: Uint8Array) => void = () => {}): Uint8Array {
  const end = bytes.length - 11
  const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 203, 0, 113, 80]
  const reply = Uint8Array.from([...bytes.subarray(0, end), ...record, ...bytes.subarray(end)])
  reply[2] = 0x81
  reply[3] = 0x80
  reply[7] = 1
  change(reply)
  return reply
}

/** A record with its names written out. */
export function record(owner: string, type: number, ttl: number, data: number[]): number[] {
  const head = [type >> 8, type & 255, 0, 1, ttl >>> 24, (ttl >> 16) & 255, (ttl >> 8) & 255, ttl & 255]
  return [...nameOctets(owner), ...head, data.length >> 8, data.length & 255, ...data]
}

export const address = (owner: string, ttl: number, text: string): number[] =>
  record(owner, TYPES.A, ttl, text.split('.').map(Number))
export const alias = (owner: string, ttl: number, target: string): number[] =>
  record(owner, TYPES.CNAME, ttl, nameOctets(target))
/** `minimum` in seconds. */
export const soa = (owner: string, ttl: number, minimum: number): number[] =>
  record(owner, TYPES.SOA, ttl, [
    ...nameOctets(`ns.${owner}`),
    ...nameOctets(`admin.${owner}`),
    ...[1, 2, 3, 4, minimum].flatMap(value => [0, 0, value >> 8, value & 255]),
  ])

export type Sections = {
  rcode?: number
  truncated?: boolean
  answers?: number[][]
  authorities?: number[][]
  additionals?: number[][]
}

/** What an upstream resolver says to these octets; the question is sent back as it came. */
export function respond(question: Uint8Array, sections: Sections): Uint8Array {
  const { rcode = 0, truncated = false, answers = [], authorities = [], additionals = [] } = sections
  let end = 12
  while (question[end] !== 0) end += question[end]! + 1
  const counts = [answers, authorities, additionals].flatMap(({ length }) => [length >> 8, length & 255])
  const head = [...question.subarray(0, 2), truncated ? 0x83 : 0x81, 0x80 | rcode, 0, 1, ...counts]
  return Uint8Array.from([
    ...head,
    ...question.subarray(12, end + 5),
    ...answers.flat(),
    ...authorities.flat(),
    ...additionals.flat(),
  ])
}
