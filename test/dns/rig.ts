/** A site, a view and messages for DNS tests; messages are read back by a small decoder of their own, not by the room's. */
import type { AnswerContext, DnsView } from '../../services/dns/answer.ts'
import { buildZones } from '../../services/dns/zone.ts'
import { type Ipv4, parsePrefix } from '../../services/kit/ipv4.ts'
import type { Log } from '../../services/kit/log.ts'
import type { DhcpSite, DnsSite, Site, StaticRecord } from '../../services/site/types.ts'

export const MACHINE = '10.77.0.11' as Ipv4
export const OTHER_MACHINE = '10.77.0.12' as Ipv4
export const STRANGER = '192.0.2.9' as Ipv4
export const URL = 'https://10.77.0.1/answer/0123456789abcdef'
export const FINGERPRINT = Array.from({ length: 32 }, () => 'AB').join(':')

export const TYPES = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
}

export const prefix = (text: string) => parsePrefix(text)!

/** MACHINE's installer is expected; node1 has MACHINE's address. */
export function fleet(change: Partial<DnsView> = {}): DnsView {
  return {
    answerFor: client => (client === MACHINE ? { url: URL, fingerprint: FINGERPRINT } : undefined),
    addressOf: name => (name === 'node1.rack7.example.org' ? MACHINE : undefined),
    nameOf: address => (address === MACHINE ? 'node1.rack7.example.org' : undefined),
    isAbove: () => false,
    ...change,
  }
}

export const RECORDS: StaticRecord[] = [
  { name: 'mirror.rack7.example.org', type: 'A', value: '10.77.0.5' },
  { name: 'packages.rack7.example.org', type: 'CNAME', value: 'mirror' },
  { name: 'deep.empty.rack7.example.org', type: 'TXT', value: 'hello' },
  { name: 'away.rack7.example.org', type: 'CNAME', value: 'www.example.com' },
  { name: 'broken.rack7.example.org', type: 'CNAME', value: 'nowhere' },
  { name: 'rack7.example.org', type: 'MX', value: '10 mirror' },
  { name: '_ldap._tcp.rack7.example.org', type: 'SRV', value: '0 5 389 mirror' },
]

export function context(change: Partial<AnswerContext> & { records?: StaticRecord[] } = {}): AnswerContext {
  const { records = RECORDS, ...rest } = change
  const domain = 'rack7.example.org'
  const prefixes = [prefix('10.77.0.0/24')]
  const zones = buildZones({
    domain,
    records,
    prefixes,
    serverName: 'ns',
    serverAddress: '10.77.0.1' as Ipv4,
    serial: 7,
  })
  return { domain, zones, served: prefixes, forwarding: [], hostTtl: 300, view: fleet(), ...rest }
}

export function site(
  dns: Partial<DnsSite> = {},
  dhcp: Partial<DhcpSite> = {},
): Pick<Site, 'domain' | 'network' | 'dns' | 'dhcp'> {
  const network = prefix('10.77.0.0/24')
  return {
    domain: 'rack7.example.org',
    network: { interface: 'lan0', address: '10.77.0.1' as Ipv4, prefix: network },
    dns: { forward: [], allow: [network], records: RECORDS, ...dns },
    dhcp: {
      mode: 'server',
      answerOptions: true,
      otherServers: [],
      leaseSeconds: 3600,
      authoritative: true,
      probe: false,
      proxyDelayMs: 0,
      subnetSelection: false,
      reservations: [],
      subnets: [{ prefix: network, pools: [], dns: [], ntp: [], relays: [], options: [] }],
      ...dhcp,
    },
  }
}

export function recordingLog(): Log & { lines: string[] } {
  const lines: string[] = []
  const write = (level: string) => (_: unknown, message: string) => void lines.push(`${level} ${message}`)
  return { lines, debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

const word = (value: number): number[] => [value >> 8, value & 255]

/** Labels as octets; text that holds a dot is cut into labels at dots. */
export function nameOctets(name: string | string[]): number[] {
  const labels = Array.isArray(name) ? name : name.split('.').filter(label => label !== '')
  return [...labels.flatMap(label => [label.length, ...Buffer.from(label, 'latin1')]), 0]
}

export type Ask = {
  name: string | string[]
  type?: number
  class?: number
  id?: number
  flags?: number
  edns?: { payload?: number; version?: number; dnssec?: boolean; options?: number[] }
}

export function ask(question: Ask): Uint8Array {
  const { name, type = TYPES.A, class: klass = 1, id = 0x1234, flags = 0x0100, edns } = question
  const options = edns?.options ?? []
  const opt = edns
    ? [
        0,
        ...word(TYPES.OPT),
        ...word(edns.payload ?? 1232),
        0,
        edns.version ?? 0,
        edns.dnssec ? 0x80 : 0,
        0,
        ...word(options.length),
        ...options,
      ]
    : []
  const head = [...word(id), ...word(flags), 0, 1, 0, 0, 0, 0, 0, edns ? 1 : 0]
  return Uint8Array.from([...head, ...nameOctets(name), ...word(type), ...word(klass), ...opt])
}

export type Told = {
  id: number
  flags: string[]
  opcode: number
  rcode: number
  question: string
  answers: string[]
  authorities: string[]
  opt?: { payload: number; version: number }
}

const TYPE_NAMES = new Map(Object.entries(TYPES).map(([name, code]) => [code, name]))

/** A reply as text, `name TTL TYPE data` per record. Throws for what is not a whole message. */
export function read(bytes: Uint8Array): Told {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 12
  const readName = (): string => {
    let text = ''
    let position = at
    let end: number | undefined
    for (let steps = 0; steps < 512; steps += 1) {
      const head = view.getUint8(position)
      if (head >= 0xc0) {
        end ??= position + 2
        position = view.getUint16(position) & 0x3fff
      } else if (head === 0) {
        at = end ?? position + 1
        return text === '' ? '.' : text
      } else {
        text += `${Buffer.from(bytes.subarray(position + 1, position + 1 + head)).toString('latin1')}.`
        position += head + 1
      }
    }
    throw new Error('a name without end')
  }
  const flagWord = view.getUint16(2)
  const flagNames: [string, number][] = [
    ['qr', 0x8000],
    ['aa', 0x400],
    ['tc', 0x200],
    ['rd', 0x100],
    ['ra', 0x80],
    ['z', 0x40],
    ['ad', 0x20],
    ['cd', 0x10],
  ]
  const told: Told = {
    id: view.getUint16(0),
    flags: flagNames.filter(([, bit]) => flagWord & bit).map(([name]) => name),
    opcode: (flagWord >> 11) & 15,
    rcode: flagWord & 15,
    question: '',
    answers: [],
    authorities: [],
  }
  for (let index = 0; index < view.getUint16(4); index += 1) {
    told.question = `${readName()} ${TYPE_NAMES.get(view.getUint16(at)) ?? view.getUint16(at)}`
    at += 4
  }
  const record = (): string => {
    const owner = readName()
    const type = view.getUint16(at)
    const klass = view.getUint16(at + 2)
    const ttl = view.getUint32(at + 4)
    const end = at + 10 + view.getUint16(at + 8)
    at += 10
    let data = ''
    if (type === TYPES.A) data = bytes.subarray(at, at + 4).join('.')
    else if (type === TYPES.TXT) {
      const strings: string[] = []
      for (let position = at; position < end; position += 1 + bytes[position]!) {
        strings.push(`"${Buffer.from(bytes.subarray(position + 1, position + 1 + bytes[position]!)).toString()}"`)
      }
      data = strings.join(' ')
    } else if (type === TYPES.NS || type === TYPES.CNAME || type === TYPES.PTR) data = readName()
    else if (type === TYPES.SOA)
      data = `${readName()} ${readName()} ${[0, 4, 8, 12, 16].map(offset => view.getUint32(at + offset)).join(' ')}`
    else if (type === TYPES.MX) {
      data = String(view.getUint16(at))
      at += 2
      data += ` ${readName()}`
    } else if (type === TYPES.SRV) {
      data = [0, 2, 4].map(offset => view.getUint16(at + offset)).join(' ')
      at += 6
      data += ` ${readName()}`
    } else data = Buffer.from(bytes.subarray(at, end)).toString('hex')
    at = end
    if (type === TYPES.OPT) {
      told.opt = { payload: klass, version: (ttl >> 16) & 255 }
      told.rcode |= (ttl >>> 24) << 4
      return ''
    }
    return `${owner} ${ttl} ${TYPE_NAMES.get(type) ?? type} ${data}`
  }
  for (let index = 0; index < view.getUint16(6); index += 1) told.answers.push(record())
  for (let index = 0; index < view.getUint16(8); index += 1) told.authorities.push(record())
  for (let index = 0; index < view.getUint16(10); index += 1) record()
  if (at !== bytes.length) throw new Error(`${bytes.length - at} octets behind the message`)
  return told
}
