/** All that bodies have in common: the files that are open for them, and who sends them. */
import type { Log } from '../kit/log.ts'
import type { BodySender } from './body-sender.ts'
import { CopySender } from './copy-sender.ts'
import { OpenFiles } from './open-files.ts'
import type { Rates } from './pace.ts'
import { loadSystemCalls } from './system-calls.ts'
import { ThreadSender } from './thread-sender.ts'

export type Bodies = { files: OpenFiles; sender: BodySender }

function openSender(rates: Rates, log: Log): BodySender {
  try {
    return new ThreadSender(loadSystemCalls(), rates, log)
  } catch (error) {
    log.warn({ error: String(error) }, 'libc cannot be called: boot files are sent by the event loop, which is slower')
    return new CopySender(rates, log)
  }
}

export function openBodies(rates: Rates, log: Log): Bodies {
  return { files: new OpenFiles(), sender: openSender(rates, log) }
}
