/** A machine that is held for what it claims waits for a person, who should hear of it. */
import type { Alarms } from '../kit/alarms.ts'
import { describeConflicts } from './event.ts'
import type { Registry } from './registry.ts'

const CONFLICT_ALARM = 'identity-conflict'

/** Lasts until somebody approves or blocks the machine, or has it forgotten. Returns how to stop listening. */
export function alarmOfConflicts(registry: Registry, alarms: Pick<Alarms, 'raise' | 'end'>): () => void {
  const stopParting = registry.partings.after(machine => alarms.end(CONFLICT_ALARM, machine.id))
  const stopEvents = registry.subscribe((machine, event) => {
    if (event.anomaly !== undefined) return
    if (event.type === 'attempt-started' || event.type === 'blocked') alarms.end(CONFLICT_ALARM, machine.id)
    if (event.type !== 'identity-conflicted') return
    const title = registry.titleOf(machine)
    const trouble = {
      code: CONFLICT_ALARM,
      subject: machine.id,
      severity: 'alarm',
      message: `${title}: ${describeConflicts(event.conflicts)}`,
      hint: `see \`rackrise machine show ${title}\`: list all MACs of one machine in one entry, or approve each of two`,
    } as const
    alarms.raise(trouble, Infinity)
  })
  return () => {
    stopParting()
    stopEvents()
  }
}
