/**
 * Watches for other servers: hears replies that are broadcast on the link, is told what machines choose, and asks now and then itself, by a
 * DISCOVER that no REQUEST follows.
 */
import { randomBytes } from 'node:crypto'
import type { AddressProbe } from '../kit/address-probe.ts'
import type { Alarms, Trouble } from '../kit/alarms.ts'
import type { Clock } from '../kit/clock.ts'
import type { Datagram, DatagramPort } from '../kit/datagram-port.ts'
import { type Ipv4, LIMITED_BROADCAST, type Prefix, prefixContains } from '../kit/ipv4.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Log } from '../kit/log.ts'
import { type Mac, macToBytes } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import { decode, encode } from './codec.ts'
import { writeReason } from './log-line.ts'
import { type DhcpMessage, isMalformed, SERVER_PORT } from './message.ts'
import { question, QUESTION_LIMITS } from './question.ts'
import { type AlarmReason, REASONS } from './reasons.ts'
import { type Expected, type Sighting, sightingOfChoice, sightingOfReply, troubleOf } from './sighting.ts'

/** From one look to the next. */
export const LOOK_EVERY_MS = 5 * 60_000
/** A server may look itself whether the address is in use; who is silent for so long twice is not there. */
export const ANSWER_MS = 4_000
const ASKS_MOST = 2
/** Servers whose MAC is looked for at a time; forged ones go without. */
const LOOKUPS_MOST = 4
/** Until it is mended. */
const LASTS = Number.POSITIVE_INFINITY

export type WatchOptions = {
  /** Bound to port 68 of the interface, or why it can't be had: then nothing is heard and nobody is asked. */
  port: DatagramPort | Problem
  /** Of the interface. */
  mac: Mac
  expected: Expected
  /** Finds the MAC of a server on the link. */
  probe: AddressProbe
  link: Prefix
  alarms: Alarms
  clock: Clock
  log: Log
}

/** What the DHCP server tells the watch. */
export interface WatchHook {
  /** Our own question, heard back: broadcasts come back to the host that sent them. */
  isOurs(message: DhcpMessage): boolean
  /** A machine chose another server. */
  sawChoice(request: DhcpMessage): void
}

const OF_SERVERS = ['other-server', 'other-boot-server'] as const

export class ServerWatch implements WatchHook {
  readonly #options: WatchOptions
  readonly #port: DatagramPort | undefined
  readonly #lookups = new Set<string>()
  /** Transaction of the look that goes on or went before. */
  #xid = -1
  #answered = false
  #cancel = () => {}
  readonly #listeners = new Set<(datagram: Datagram) => void>()

  constructor(options: WatchOptions) {
    this.#options = options
    this.#port = isProblem(options.port) ? undefined : options.port
    this.#port?.onDatagram(datagram => this.#hear(datagram))
  }

  /** Looks now and every few minutes, or says once why it can't. */
  start(): void {
    const { port } = this.#options
    if (!isProblem(port)) return this.#look()
    const { message, action: hint, severity } = REASONS['watch-deaf']
    this.#raise({ code: 'watch-deaf', severity, message, hint, details: { why: port.message } }, LASTS)
  }

  async close(): Promise<void> {
    this.#cancel()
    await this.#port?.close()
  }

  isOurs({ xid, chaddr }: DhcpMessage): boolean {
    return xid === this.#xid && Buffer.compare(chaddr, macToBytes(this.#options.mac)) === 0
  }

  sawChoice(request: DhcpMessage): void {
    const sighting = sightingOfChoice(request)
    if (sighting) this.#consider(sighting)
  }

  /** Port 68 is one for all of this process; undefined, or why nobody can use it. */
  get deaf(): Problem | undefined {
    return isProblem(this.#options.port) ? this.#options.port : undefined
  }

  /** Hears what the watch hears, our own replies included. Returns how to stop. */
  listenIn(receive: (datagram: Datagram) => void): () => void {
    this.#listeners.add(receive)
    return () => void this.#listeners.delete(receive)
  }

  /** Broadcasts a message to all servers of the link. */
  say(bytes: Uint8Array): void {
    this.#port?.send(bytes, { address: LIMITED_BROADCAST, port: SERVER_PORT })
  }

  #look(): void {
    this.#xid = randomBytes(4).readUInt32BE()
    this.#answered = false
    this.#ask(ASKS_MOST)
  }

  #ask(left: number): void {
    const { clock, mac } = this.#options
    this.say(encode(question(this.#xid, mac), QUESTION_LIMITS))
    this.#cancel = clock.after(ANSWER_MS, () => {
      if (!this.#answered && left > 1) return this.#ask(left - 1)
      this.#conclude()
      this.#cancel = clock.after(LOOK_EVERY_MS, () => this.#look())
    })
  }

  /** Only where somebody else is to give addresses does silence mean something. */
  #conclude(): void {
    const { expected, alarms } = this.#options
    if (expected.mode !== 'proxy') return
    if (this.#answered) return alarms.end('no-other-server')
    const { message, action: hint, severity } = REASONS['no-other-server']
    this.#raise({ code: 'no-other-server', severity, message, hint }, LASTS)
  }

  #hear(datagram: Datagram): void {
    for (const listener of this.#listeners) listener(datagram)
    const { bytes, from } = datagram
    const message = decode(bytes)
    const sighting = isMalformed(message) ? undefined : sightingOfReply(message, from.address)
    if (isMalformed(message) || !sighting || from.address === this.#options.expected.ours) return
    if (message.xid === this.#xid && sighting.offered) this.#answered = true
    this.#consider(sighting)
  }

  #consider(sighting: Sighting): void {
    const { expected, alarms } = this.#options
    const trouble = troubleOf(sighting, expected)
    // Named by a site file that was loaded meanwhile.
    if (expected.others.includes(sighting.server)) for (const code of OF_SERVERS) alarms.end(code, sighting.server)
    if (!trouble) return
    const isNews = !alarms.lasts(trouble.code, trouble.subject)
    if (isNews) void this.#raiseWithMac(trouble, sighting.from ?? sighting.server)
    else this.#raise(trouble)
  }

  async #raiseWithMac(trouble: Trouble, address: Ipv4): Promise<void> {
    const { probe, expected, link } = this.#options
    const key = `${trouble.code} ${trouble.subject}`
    if (this.#lookups.has(key)) return
    // Whom a machine names may be anybody anywhere: nothing is sent there.
    const isFree = this.#lookups.size < LOOKUPS_MOST && prefixContains(link, address)
    if (!isFree || address === expected.ours) return this.#raise(trouble)
    this.#lookups.add(key)
    const answerer = await probe.probe(address)
    this.#lookups.delete(key)
    this.#raise(answerer?.mac ? { ...trouble, details: { ...trouble.details, serverMac: answerer.mac } } : trouble)
  }

  #raise(trouble: Trouble, quietMs?: number): void {
    const { alarms, log } = this.#options
    if (!alarms.raise(trouble, quietMs)) return
    writeReason(log, trouble.code as AlarmReason, { ...trouble.details }, trouble.message)
  }
}
