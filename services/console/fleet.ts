/** What an operator does with machines: one set of operations behind the API and behind the command line without a running appliance. */
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import type { Conflict } from '../machine/conflict.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry } from '../machine/registry.ts'
import { type MachineView, type TimelineEntry, viewEvent, viewMachine } from './machine-view.ts'
import { pickMachine } from './pick-machine.ts'
import { disksInDoubt, type Rehearse } from './rehearsal.ts'

/** `confirmDisks`: although the rehearsal on its last hardware has doubts. */
export type Order = { profile?: string; reason?: string; confirmDisks?: boolean }

export type Action = 'approve' | 'reinstall' | 'block'
export const ACTIONS: readonly Action[] = ['approve', 'reinstall', 'block']

export interface Fleet {
  list(): Promise<MachineView[]>
  show(query: string): Promise<MachineView | Problem>
  order(query: string, action: Action, order: Order): Promise<MachineView | Problem>
  timeline(query: string, after: number): Promise<TimelineEntry[] | Problem>
  close(): Promise<void>
}

const TIMELINE_MOST = 10_000

/** Claims to one identity, by machine: both candidates show them, whoever is held for it. */
function conflictsAround(registry: Registry): Map<string, NonNullable<MachineView['conflicts']>> {
  const around = new Map<string, NonNullable<MachineView['conflicts']>>()
  const show = (machine: Machine, other: Machine, { by, value }: Pick<Conflict, 'by' | 'value'>): void => {
    const shown = { name: registry.titleOf(other), id: other.id, by, value }
    around.set(machine.id, [...(around.get(machine.id) ?? []), shown])
  }
  for (const machine of registry.machines()) {
    for (const conflict of registry.standingConflicts(machine)) {
      const other = registry.byMac(conflict.with)!
      show(machine, other, conflict)
      show(other, machine, conflict)
    }
  }
  return around
}

export function localFleet(registry: Registry, rehearse: Rehearse, close: () => Promise<void>): Fleet {
  const viewWith = (conflicts: ReturnType<typeof conflictsAround>, machine: Machine): MachineView => {
    const around = conflicts.get(machine.id)
    return {
      ...viewMachine(machine, registry.listing(machine), registry.progress(machine), registry.heardAt(machine)),
      ...(around ? { conflicts: around } : {}),
    }
  }
  const view = (machine: Machine): MachineView => viewWith(conflictsAround(registry), machine)
  const order = async (machine: Machine, action: Action, given: Order): Promise<Problem | undefined> => {
    const { profile, reason, confirmDisks } = given
    if (action === 'block') {
      await registry.record(machine.id, { type: 'blocked', ...(reason ? { reason } : {}) }, 'operator')
      return undefined
    }
    const { attempt } = machine
    const waiting = attempt && (machine.state === 'approved' || machine.state === 'booting')
    // Said twice it is the same word; with another profile it is another one.
    if (action === 'approve' && waiting && (profile ?? attempt.profile) === attempt.profile) return undefined
    const rehearsal = await rehearse(machine, profile)
    const isInDoubt = rehearsal !== undefined && rehearsal.doubts.length > 0
    if (isInDoubt && !confirmDisks) return disksInDoubt(registry.titleOf(machine), rehearsal)
    const confirmed = isInDoubt ? `disks confirmed: ${rehearsal.erases.join(', ') || 'none'}` : undefined
    const why = [reason, confirmed].filter(part => part !== undefined).join('; ')
    const started = await registry.startAttempt(machine, {
      by: 'operator',
      again: action === 'reinstall',
      ...(profile ? { profile } : {}),
      ...(why ? { reason: why } : {}),
    })
    return isProblem(started) ? started : undefined
  }
  return {
    list: async () => {
      const conflicts = conflictsAround(registry)
      return registry
        .machines()
        .map(machine => viewWith(conflicts, machine))
        .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
    },
    async show(query) {
      const machine = pickMachine(registry, query)
      return isProblem(machine) ? machine : view(machine)
    },
    async order(query, action, given) {
      const machine = pickMachine(registry, query)
      if (isProblem(machine)) return machine
      const problem = await order(machine, action, given)
      return problem ?? view(registry.byMac(machine.id)!)
    },
    async timeline(query, after) {
      const machine = pickMachine(registry, query)
      if (isProblem(machine)) return machine
      return (await registry.timeline(machine.id, after, TIMELINE_MOST)).map(viewEvent)
    },
    close,
  }
}
