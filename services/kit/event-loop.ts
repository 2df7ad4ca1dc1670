/** How long the event loop stood still: while it does, no packet is heard (M08). The metric is prom-client's; this is what an alarm is made of. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { alarmingLog, type Alarms, type Trouble } from './alarms.ts'
import type { Clock } from './clock.ts'
import type { Log } from './log.ts'
import { repeat } from './repeat.ts'

/** How often the loop is looked at; what it measures begins with that much. */
const RESOLUTION_MS = 10
const NS_PER_MS = 1e6

/** Firmware asks again after a second or more: below half of that nobody notices. */
const HELD_ALARM_MS = 500

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

/** Tells when the event loop stood still for so long that machines may have noticed. Returns how to stop it. */
export function watchEventLoop(alarms: Alarms, log: Log, clock: Clock, everyMs: number): () => Promise<void> {
  const watch = new EventLoopWatch()
  const alarming = alarmingLog(log, alarms)
  const look = async (): Promise<void> => {
    const trouble = heldTrouble(watch.takeLongest())
    if (trouble) alarming.warn({ reason: trouble.code, hint: trouble.hint }, trouble.message)
  }
  const stop = repeat(clock, everyMs, look, () => {})
  return async () => {
    await stop()
    watch.close()
  }
}
