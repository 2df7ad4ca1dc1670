/**
 * One Ethernet segment in memory. Every device is one host; datagrams arrive a microtask later, broadcasts at everyone
 * else's port of that number. Nothing waits for real time.
 */
import type { Datagram, DatagramPort, DatagramPortRequest, Endpoint } from '../../services/kit/datagram-port.ts'
import { type Ipv4, LIMITED_BROADCAST, UNSPECIFIED } from '../../services/kit/ipv4.ts'

export type Frame = { device: string; from: Endpoint; to: Endpoint; bytes: Uint8Array }

type Station = { device: string; bound: Ipv4; port: number; receive: (datagram: Datagram) => void }

const FIRST_EPHEMERAL_PORT = 49_152
const QUIET_TURNS = 3
const MAX_TURNS = 10_000

export class FakeLan {
  /** Everything that was sent, lost frames included, in order. */
  readonly frames: Frame[] = []
  /** Frames for which this says true are lost. */
  isLost: (frame: Frame) => boolean = () => false
  readonly #addresses = new Map<string, Ipv4>()
  readonly #stations = new Set<Station>()
  #nextPort = FIRST_EPHEMERAL_PORT
  #inFlight = 0

  /** `addresses` by device; a device without one hears broadcasts only and sends from 0.0.0.0. */
  constructor(addresses: Record<string, string> = {}) {
    for (const [device, address] of Object.entries(addresses)) this.setAddress(device, address as Ipv4)
  }

  setAddress(device: string, address: Ipv4): void {
    this.#addresses.set(device, address)
  }

  addressOf(device: string): Ipv4 {
    return this.#addresses.get(device) ?? UNSPECIFIED
  }

  /** An `OpenDatagramPort`; the device `lan0` stands in where none is named. */
  readonly open = async ({ device = 'lan0', address, port }: DatagramPortRequest): Promise<DatagramPort> => {
    const number = port === 0 ? this.#nextPort++ : port
    for (const other of this.#stations) {
      if (other.device === device && other.port === number && other.bound === address) {
        throw new Error(`EADDRINUSE: ${device} ${address}:${number}`)
      }
    }
    const station: Station = { device, bound: address, port: number, receive: () => {} }
    this.#stations.add(station)
    return {
      local: { address, port: number },
      onDatagram: receive => {
        station.receive = receive
      },
      send: (bytes, to) => this.#send(station, bytes, to),
      close: async () => {
        this.#stations.delete(station)
      },
    }
  }

  #sourceOf(station: Station): Ipv4 {
    return station.bound === UNSPECIFIED ? this.addressOf(station.device) : station.bound
  }

  #send(station: Station, bytes: Uint8Array, to: Endpoint): void {
    if (!this.#stations.has(station)) return
    const from = { address: this.#sourceOf(station), port: station.port }
    const frame = { device: station.device, from, to, bytes: Uint8Array.from(bytes) }
    this.frames.push(frame)
    if (this.isLost(frame)) return
    this.#inFlight += 1
    queueMicrotask(() => {
      this.#inFlight -= 1
      for (const hearer of [...this.#stations]) {
        if (this.#hears(hearer, station, to)) hearer.receive({ bytes: Uint8Array.from(frame.bytes), from })
      }
    })
  }

  #hears(hearer: Station, sender: Station, to: Endpoint): boolean {
    if (hearer.port !== to.port || hearer === sender) return false
    if (to.address === LIMITED_BROADCAST) return hearer.device !== sender.device && hearer.bound === UNSPECIFIED
    return to.address === this.#sourceOf(hearer)
  }

  /** Resolves when the wire has been quiet for a few turns of the event loop. Throws if it never becomes quiet. */
  async settle(): Promise<void> {
    let quiet = 0
    for (let turn = 0; turn < MAX_TURNS; turn += 1) {
      const before = this.frames.length
      await new Promise<void>(resolve => setImmediate(resolve))
      quiet = this.frames.length === before && this.#inFlight === 0 ? quiet + 1 : 0
      if (quiet >= QUIET_TURNS) return
    }
    throw new Error('the LAN never becomes quiet: do two stations answer each other?')
  }
}
