/** What TFTP serves and what it tells about it. */
import type { Endpoint } from '../kit/datagram-port.ts'
import type { FailureReason } from './transfer.ts'

/** Opened once for a transfer; every read is from the version that was opened. */
export type TftpFile = {
  /** Octets. */
  size: number
  /** At most `length` octets from `offset`; fewer only at the end. */
  read(offset: number, length: number): Promise<Uint8Array>
  close(): Promise<void>
}

/** `sent` only after the last ACK (K23); `bytes` are those the client acknowledged. */
export type TftpFact = {
  fact: 'started' | 'progress' | 'sent' | 'failed'
  client: Endpoint
  name: string
  bytes: number
  size: number
  reason?: FailureReason
}
