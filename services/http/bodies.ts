/** All that bodies have in common: the files that are open for them, and who sends them. */
import type { Log } from '../kit/log.ts'
import type { BodySender } from './body-sender.ts'
import { CopySender } from './copy-sender.ts'
import { OpenFiles } from './open-files.ts'
import type { Rates } from './pace.ts'
import { leaveBbr, loadSystemCalls } from './system-calls.ts'
import { ThreadSender } from './thread-sender.ts'

export type Bodies = { files: OpenFiles; sender: BodySender }

/** `listener` is the descriptor of the socket whose connections bodies go to; `isOneWire` says that all of them are on the wire of the appliance. */
export type BodiesOptions = { rates: Rates; listener: number; isOneWire: boolean; log: Log }

function openSender({ rates, listener, isOneWire, log }: BodiesOptions): BodySender {
  try {
    const calls = loadSystemCalls()
    if (isOneWire) leaveBbr(calls, listener)
    return new ThreadSender(calls, rates, log)
  } catch (error) {
    log.warn({ error: String(error) }, 'libc cannot be called: boot files are sent by the event loop, which is slower')
    return new CopySender(rates, log)
  }
}

export function openBodies(options: BodiesOptions): Bodies {
  return { files: new OpenFiles(), sender: openSender(options) }
}
