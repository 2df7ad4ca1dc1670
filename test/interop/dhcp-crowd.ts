/**
 * Many machines at once, behind one relay agent on loopback that is answered at the port that it sends from (RFC 8357). Each takes an address by
 * DISCOVER and REQUEST again and again, and the crowd remembers what it was acknowledged.
 */
import { createSocket, type Socket } from 'node:dgram'
import { decode, encode } from '../../services/dhcp/codec.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { messageTypeOf, OPTION } from '../../services/dhcp/options.ts'
import { type Mac, macFromBytes } from '../../services/kit/mac.ts'
import { dhcp } from '../dhcp/messages.ts'
import type { Ready } from './dhcp-kill-server.ts'

const LOOPBACK = '127.0.0.1'
const AT_SOURCE_PORT = Uint8Array.of(19, 0)
const MACHINES = 3000
const IN_FLIGHT = 24

/** What a machine was told last, and when it had asked for it. */
export type Acknowledged = { address: string; askedAt: number }

export class Crowd {
  readonly acknowledged = new Map<Mac, Acknowledged>()
  readonly #holders = new Map<string, Mac>()
  /** What must never happen, in words. */
  readonly wrongs: string[] = []
  acks = 0
  #waited: { target: number; resolve: () => void } | undefined
  readonly #socket: Socket
  #port: number | undefined
  #next = 0
  #transaction = 1
  /** Those that wait for an answer, and when they asked. */
  readonly #asking = new Map<Mac, number>()

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', bytes => this.#hear(decode(bytes) as DhcpMessage))
  }

  static async open(): Promise<Crowd> {
    const socket = createSocket('udp4')
    await new Promise<void>(resolve => socket.bind(0, LOOPBACK, () => resolve()))
    return new Crowd(socket)
  }

  /** From now on machines ask the server at that port. */
  begin(port: number): void {
    this.#port = port
    this.#asking.clear()
    for (let count = 0; count < IN_FLIGHT; count++) this.#askNext()
  }

  /** Resolves when so many more acknowledgements have come, or that time is over. */
  untilAcknowledged(more: number, limitMs: number): Promise<void> {
    return new Promise(resolve => {
      this.#waited = { target: this.acks + more, resolve }
      setTimeout(resolve, limitMs)
    })
  }

  /** Nobody asks any more; answers that were sent before still count, and are all heard when this resolves. */
  async pause(): Promise<void> {
    this.#port = undefined
    for (let turn = 0; turn < 5; turn++) await new Promise(resolve => setTimeout(resolve, 1))
  }

  /** What a server that started anew does not know, or knows otherwise, of what the crowd was acknowledged. */
  missingFrom({ leases }: Pick<Ready, 'leases'>): string[] {
    const known = new Map(leases.map(([address, ...rest]) => [address, rest]))
    return [...this.acknowledged].flatMap(([mac, { address, askedAt }]) => {
      const [owner, state, boundAt = 0] = known.get(address) ?? []
      // The last acknowledgement, not only an earlier one of the same machine.
      return owner === mac && state === 'bound' && boundAt >= askedAt ? [] : [`${mac} ${address}: ${owner} ${state}`]
    })
  }

  close(): void {
    this.#socket.close()
  }

  #say(message: DhcpMessage): void {
    if (this.#port) this.#socket.send(encode(message, { maxBytes: 1472 }), this.#port, LOOPBACK)
  }

  #askNext(): void {
    const number = this.#next++ % MACHINES
    const mac = macFromBytes(Uint8Array.of(2, 0, 0, 0, number >>> 8, number & 255))!
    this.#say(this.#message('discover', mac))
  }

  #message(type: 'discover' | 'request', mac: Mac, more: { wants?: string; server?: string } = {}): DhcpMessage {
    this.#asking.set(mac, Date.now())
    const options: [number, Uint8Array][] = [[OPTION.relayAgent, AT_SOURCE_PORT]]
    return dhcp(type, { mac, xid: this.#transaction++, giaddr: LOOPBACK, options, ...more })
  }

  #hear(reply: DhcpMessage): void {
    const type = isMalformed(reply) ? undefined : messageTypeOf(reply)
    const mac = isMalformed(reply) ? undefined : macFromBytes(reply.chaddr)
    if (!mac) return void this.wrongs.push('a reply that is none')
    if (type === 'offer') return this.#say(this.#message('request', mac, { wants: reply.yiaddr, server: LOOPBACK }))
    if (type === 'ack') this.#take(mac, reply.yiaddr)
    else this.wrongs.push(`${mac} was refused ${this.acknowledged.get(mac)?.address ?? 'a new address'}`)
    this.#askNext()
  }

  #take(mac: Mac, address: string): void {
    const before = this.acknowledged.get(mac)
    if (before && before.address !== address) this.wrongs.push(`${mac} had ${before.address} and got ${address}`)
    const holder = this.#holders.get(address)
    if (holder && holder !== mac) this.wrongs.push(`${address} is ${holder}'s and was given to ${mac}`)
    this.#holders.set(address, mac)
    this.acknowledged.set(mac, { address, askedAt: this.#asking.get(mac) ?? 0 })
    this.acks += 1
    if (this.acks >= (this.#waited?.target ?? Number.POSITIVE_INFINITY)) this.#waited?.resolve()
  }
}
