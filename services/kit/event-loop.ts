/** How long the event loop stood still: while it does, no packet is heard (M08). The metric is prom-client's; this is what an alarm is made of. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Trouble } from './alarms.ts'

/** How often the loop is looked at; what it measures begins with that much. */
const RESOLUTION_MS = 10
const NS_PER_MS = 1e6

/** Firmware asks again after a second or more: below half of that nobody notices. */
export const HELD_ALARM_MS = 500

export class EventLoopWatch {
  readonly #delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })

  constructor() {
    this.#delays.enable()
  }

  /** Milliseconds that the loop stood still at most, since the last time somebody asked. */
  takeLongest(): number {
    const longest = this.#delays.count > 0 ? this.#delays.max / NS_PER_MS - RESOLUTION_MS : 0
    this.#delays.reset()
    return Math.max(0, longest)
  }

  close(): void {
    this.#delays.disable()
  }
}

export function heldTrouble(milliseconds: number): Trouble | undefined {
  if (milliseconds < HELD_ALARM_MS) return undefined
  return {
    code: 'event-loop-held',
    severity: 'warning',
    message: `nothing was heard for ${Math.round(milliseconds)} ms: the process was busy with one thing, or had no processor`,
    hint: 'see what else runs on this machine; if nothing does, report it with the log lines before this one',
  }
}
