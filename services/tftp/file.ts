/** What TFTP serves and what it tells about it. */
import type { Endpoint } from '../kit/datagram-port.ts'
import type { FailureReason } from './reasons.ts'

/** Opened once for a transfer; every read is from the version that was opened (K22). */
export type TftpFile = {
  /** Octets. */
  size: number
  /**
   * Those `length` octets, which lie within the file: at once where they are in memory, so that nothing comes between an ACK and the next block.
   * Valid until the next read. Rejects when the file has become shorter than it was, or the disk fails.
   */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>
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
