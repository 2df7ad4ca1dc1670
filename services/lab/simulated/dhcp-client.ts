/** A machine's DHCP exchanges: one socket on port 68 for the whole rack, told apart by transaction id, with real retries. */
import { randomInt } from 'node:crypto'
import type { Clock } from '../../kit/clock.ts'
import type { DatagramPort, OpenDatagramPort } from '../../kit/datagram-port.ts'
import { ipv4FromBytes, LIMITED_BROADCAST, UNSPECIFIED, type Ipv4 } from '../../kit/ipv4.ts'
import { macFromBytes, type Mac } from '../../kit/mac.ts'
import { decodeReply, encodeRequest, OPTION, textOption, type Option, type Reply } from './dhcp-message.ts'
import { askToRenew, speak, wantsBroadcast, type Identity, type Speaker } from './dhcp-voice.ts'

const SERVER_PORT = 67
const CLIENT_PORT = 68
/** dhclient and iPXE both give up after a few refusals in a row. */
const NAK_LIMIT = 3

/** One exchange in flight. */
type Listener = { mac: Mac; receive(reply: Reply): void; complain(what: string): void }

/** The rack's port 68, shared by all simulated machines. */
export type DhcpWire = {
  listen(xid: number, listener: Listener): () => void
  send(bytes: Uint8Array): void
  close(): Promise<void>
}

export type Lease = { address: Ipv4; server: Ipv4; reply: Reply }

export type DhcpResult = { ok: true; lease: Lease } | { ok: false; reason: string }

function dispatch(listeners: Map<number, Listener>, bytes: Uint8Array, port: number): void {
  // The transaction id stands at a fixed place, so that the owner of even a broken reply can be told about it.
  if (bytes.length < 8) return
  const xid = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4)
  const listener = listeners.get(xid)
  if (!listener) return
  if (port !== SERVER_PORT) return listener.complain(`a reply came from port ${port} instead of ${SERVER_PORT}`)
  const reply = decodeReply(bytes)
  if (!reply) return listener.complain('a reply could not be decoded')
  if (macFromBytes(reply.chaddr) !== listener.mac)
    return listener.complain('a reply carried a foreign hardware address')
  listener.receive(reply)
}

/** Opens port 68 on the device of the simulated machines. Throws EnvironmentProblem. */
export async function openDhcpWire(openPort: OpenDatagramPort, device?: string): Promise<DhcpWire> {
  const port: DatagramPort = await openPort({ ...(device ? { device } : {}), address: UNSPECIFIED, port: CLIENT_PORT })
  const listeners = new Map<number, Listener>()
  port.onDatagram(({ bytes, from }) => dispatch(listeners, bytes, from.port))
  return {
    listen(xid, listener) {
      listeners.set(xid, listener)
      return () => void listeners.delete(xid)
    },
    send: bytes => port.send(bytes, { address: LIMITED_BROADCAST, port: SERVER_PORT }),
    close: () => port.close(),
  }
}

export type DhcpTools = {
  wire: DhcpWire
  clock: Clock
  /** How long each try waits for its reply; its length is the number of tries. */
  waitsMs: readonly number[]
  signal: AbortSignal
}

/** Who says something: a program of the machine, or its installed system. */
type Voice = Speaker | 'system'

/** The address that a client speaks from, once it has one. */
type Origin = { address: Ipv4; send(bytes: Uint8Array): void }

/** Sends, and sends again, until a reply is accepted, the tries are used up or the power goes. */
class Exchange {
  readonly complaints: string[] = []
  private readonly tools: DhcpTools
  private readonly who: Identity
  private readonly speaker: Voice
  private readonly origin: Origin | undefined
  private readonly xid = randomInt(1, 0xffff_ffff)
  private readonly startedAt: number

  constructor(tools: DhcpTools, speaker: Voice, who: Identity, origin?: Origin) {
    this.tools = tools
    this.speaker = speaker
    this.who = who
    this.origin = origin
    this.startedAt = tools.clock.now()
  }

  private send(options: readonly Option[]): void {
    const { clock, wire } = this.tools
    const secs = Math.min(Math.floor((clock.now() - this.startedAt) / 1000), 0xffff)
    const request = { xid: this.xid, secs, mac: this.who.mac, options }
    if (this.origin)
      return this.origin.send(encodeRequest({ ...request, broadcast: false, ciaddr: this.origin.address }))
    const broadcast = this.speaker !== 'system' && wantsBroadcast(this.speaker, this.who)
    wire.send(encodeRequest({ ...request, broadcast }))
  }

  /** The first reply that `accept` takes; undefined after the last try. */
  async ask(options: readonly Option[], accept: (reply: Reply) => boolean): Promise<Reply | undefined> {
    for (const wait of this.tools.waitsMs) {
      if (this.tools.signal.aborted) return undefined
      const reply = await this.tryOnce(options, accept, wait)
      if (reply) return reply
    }
    return undefined
  }

  private tryOnce(options: readonly Option[], accept: (reply: Reply) => boolean, wait: number) {
    const { wire, clock, signal } = this.tools
    return new Promise<Reply | undefined>(resolve => {
      const settle = (reply?: Reply) => {
        cancel()
        ignore()
        signal.removeEventListener('abort', powerLost)
        resolve(reply)
      }
      const powerLost = () => settle()
      const cancel = clock.after(wait, () => settle())
      const ignore = wire.listen(this.xid, {
        mac: this.who.mac,
        receive: reply => accept(reply) && settle(reply),
        complain: what => this.complaints.push(what),
      })
      signal.addEventListener('abort', powerLost, { once: true })
      this.send(options)
    })
  }

  failure(waitedFor: string): DhcpResult {
    const more = this.complaints.length > 0 ? `; ${[...new Set(this.complaints)].join('; ')}` : ''
    const tries = this.tools.waitsMs.length
    return { ok: false, reason: `DHCP (${this.speaker}): no ${waitedFor} after ${tries} tries${more}` }
  }
}

/** Checks of an OFFER that any client makes. */
function isUsableOffer(reply: Reply): boolean {
  return reply.type === 'offer' && reply.yiaddr !== UNSPECIFIED && serverOf(reply) !== undefined
}

function serverOf(reply: Reply): Ipv4 | undefined {
  return ipv4FromBytes(reply.options.get(OPTION.serverId) ?? new Uint8Array())
}

function isFinalFor(chosen: Lease): (reply: Reply) => boolean {
  return reply => serverOf(reply) === chosen.server && (reply.type === 'ack' || reply.type === 'nak')
}

/** DISCOVER, OFFER, REQUEST, ACK; a NAK begins again (RFC 2131 §3.1). */
export async function obtainLease(tools: DhcpTools, speaker: Speaker, who: Identity): Promise<DhcpResult> {
  let refusal = ''
  for (let naks = 0; naks < NAK_LIMIT; naks++) {
    const exchange = new Exchange(tools, speaker, who)
    const offer = await exchange.ask(speak(speaker, who), isUsableOffer)
    if (!offer) return exchange.failure('OFFER')
    const chosen: Lease = { address: offer.yiaddr, server: serverOf(offer)!, reply: offer }
    const final = await exchange.ask(speak(speaker, who, chosen), isFinalFor(chosen))
    if (!final) return exchange.failure('ACK')
    if (final.type === 'ack') return checkAck(chosen, final, speaker)
    refusal = textOption(final, OPTION.message) ?? 'no reason given'
  }
  return { ok: false, reason: `DHCP (${speaker}): refused ${NAK_LIMIT} times: ${refusal}` }
}

/**
 * Half of the lease is over: the server that gave it is asked for more, from the address itself (RFC 2131 §4.4.5). It answers to port 68 of that
 * address, which is the rack's; what it is asked from is a port that the kernel chose.
 */
export async function renewLease(
  tools: DhcpTools & { open: () => Promise<DatagramPort> },
  who: Identity & { name: string },
  lease: Lease,
): Promise<DhcpResult> {
  const port = await tools.open()
  const server = { address: lease.server, port: SERVER_PORT }
  const exchange = new Exchange(tools, 'system', who, {
    address: lease.address,
    send: bytes => port.send(bytes, server),
  })
  try {
    const final = await exchange.ask(askToRenew(who.name), isFinalFor(lease))
    if (!final) return exchange.failure('ACK')
    if (final.type === 'ack') return checkAck(lease, final, 'system')
    return { ok: false, reason: `DHCP (system): refused: ${textOption(final, OPTION.message) ?? 'no reason given'}` }
  } finally {
    await port.close()
  }
}

function checkAck(chosen: Lease, ack: Reply, speaker: Voice): DhcpResult {
  const wrong = (what: string): DhcpResult => ({ ok: false, reason: `DHCP (${speaker}): ${what}` })
  if (ack.yiaddr !== chosen.address) return wrong(`offered ${chosen.address}, but acknowledged ${ack.yiaddr}`)
  if (!ack.options.has(OPTION.leaseTime)) return wrong('the ACK has no lease time')
  return { ok: true, lease: { ...chosen, reply: ack } }
}
