/** What becomes of machines that say nothing any more: the clock's part of the lifecycle. Pure. */
import type { Instant } from '../kit/clock.ts'
import type { MachineEvent } from './event.ts'
import { BACK_WITHIN_MS, type Machine } from './lifecycle.ts'

/**
 * What the clock has to say about a machine, if anything. A machine that was told to boot its disk and did not come back has booted
 * it; a machine that fell silent on the way is stalled. Neither starts anything.
 * @param heardAt last sign of life, also of downloads that are not events
 */
export function overdue(
  machine: Machine,
  now: Instant,
  heardAt: Instant,
  stallAfterMs: number,
): MachineEvent | undefined {
  const { attempt, state } = machine
  if (!attempt || (state !== 'booting' && state !== 'installing')) return undefined
  // What lies ahead, since the clock was set back, counts from when this appliance began to listen.
  const pastOf = (at: Instant): Instant => (at <= now ? at : heardAt)
  if (state === 'installing' && attempt.toldLocalAt !== undefined && attempt.backAt === undefined) {
    if (now - pastOf(attempt.toldLocalAt) <= BACK_WITHIN_MS) return undefined
    const evidence = 'it was told to boot its disk and did not come back'
    return { type: 'installation-inferred', attempt: attempt.id, evidence, at: now, source: 'clock' }
  }
  const silentMs = now - Math.max(heardAt, pastOf(machine.lastEventAt))
  if (silentMs < stallAfterMs) return undefined
  const stage = state === 'installing' ? 'answer served' : (machine.stage ?? 'script served')
  return {
    type: 'stalled',
    attempt: attempt.id,
    silentSeconds: Math.round(silentMs / 1000),
    stage,
    at: now,
    source: 'clock',
  }
}
