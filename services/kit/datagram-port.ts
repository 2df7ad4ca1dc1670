/** A UDP socket as the protocol rooms see it: real in the appliance, a fake LAN in tests. */
import type { Ipv4 } from './ipv4.ts'

export type Endpoint = { address: Ipv4; port: number }

/** Its octets belong to whoever hears it. */
export type Datagram = { bytes: Uint8Array; from: Endpoint }

export interface DatagramPort {
  /** Where it listens; the port number is the real one also when 0 was asked for. */
  readonly local: Endpoint
  /** Called for every datagram, in order of arrival. One receiver; a second call replaces the first. */
  onDatagram(receive: (datagram: Datagram) => void): void
  /** Queues a copy of one datagram; an error of the network (no route, port closed) is counted, never thrown. */
  send(bytes: Uint8Array, to: Endpoint): void
  close(): Promise<void>
}

export type DatagramPortRequest = {
  /** The one interface it hears and speaks on (SO_BINDTODEVICE); absent only on loopback in tests. */
  device?: string
  /** Address to bind; `0.0.0.0` where broadcasts must be heard. */
  address: Ipv4
  /** 0 for an ephemeral port. */
  port: number
}

export type OpenDatagramPort = (request: DatagramPortRequest) => Promise<DatagramPort>
