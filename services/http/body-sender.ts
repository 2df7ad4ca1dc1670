/** What sends a body, once its head is written: see `thread-sender.ts` and `copy-sender.ts`. */
import type { ServerResponse } from 'node:http'
import type { Segment } from '../kit/segments.ts'
import type { FilesOfBody } from './open-files.ts'
import type { Rates } from './pace.ts'

export type Body = {
  segments: readonly Segment[]
  /** Of the segments; stay open until the body was sent. */
  files: FilesOfBody
  /** Bodies of one machine share its rate. */
  machine: string
  /** With the bytes that the kernel has taken so far. */
  onSent: (sent: number) => void
}

export type SendOutcome = { sent: number; complete: boolean }

export interface BodySender {
  /**
   * Head must have been given to `response`. Ends the response; a client that goes away, or a file that is no longer what it was, cuts the connection, since a
   * length was promised, and `complete` is false. Never rejects.
   */
  send(response: ServerResponse, body: Body): Promise<SendOutcome>
  /** Other rates from here on, for bodies that are under way, too. */
  pace(rates: Rates): void
  close(): Promise<void>
}

/** Resolves also when the client is gone by then: it may close as soon as it has the last byte, and then `finish` never comes. */
export function endResponse(response: ServerResponse): Promise<void> {
  return new Promise(resolve => {
    if (response.req.socket.destroyed) return resolve()
    response.once('close', resolve)
    response.end(resolve)
  })
}
