/** What an operator does with machines: one set of operations behind the API and behind the command line without a running appliance. */
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry } from '../machine/registry.ts'
import { type MachineView, type TimelineEntry, viewEvent, viewMachine } from './machine-view.ts'

export type Order = { profile?: string; reason?: string }
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

/** The one machine that is meant; an ambiguous name is a question back, never a guess. */
function pick(registry: Registry, query: string): Machine | Problem {
  const found = registry.find(query)
  if (found.length === 1) return found[0]!
  const ids = found.map(machine => machine.id).join(', ')
  return found.length === 0
    ? {
        code: 'unknown-machine',
        message: `no machine "${query}"`,
        hint: 'see `rackrise machine list`; a machine is known once it was listed or asked for an address',
        severity: 'error',
      }
    : {
        code: 'ambiguous-machine',
        message: `"${query}" is ${found.length} machines: ${ids}`,
        hint: 'name it by its MAC address',
        severity: 'error',
      }
}

export function localFleet(registry: Registry, close: () => Promise<void>): Fleet {
  const view = (machine: Machine): MachineView =>
    viewMachine(machine, registry.listing(machine), registry.progress(machine), registry.heardAt(machine))
  const order = async (machine: Machine, action: Action, { profile, reason }: Order): Promise<Problem | undefined> => {
    if (action === 'block') {
      await registry.record(machine.id, { type: 'blocked', ...(reason ? { reason } : {}) }, 'operator')
      return undefined
    }
    const { attempt } = machine
    const waiting = attempt && (machine.state === 'approved' || machine.state === 'booting')
    // Said twice it is the same word; with another profile it is another one.
    if (action === 'approve' && waiting && (profile ?? attempt.profile) === attempt.profile) return undefined
    const started = await registry.startAttempt(machine, {
      by: 'operator',
      again: action === 'reinstall',
      ...(profile ? { profile } : {}),
      ...(reason ? { reason } : {}),
    })
    return isProblem(started) ? started : undefined
  }
  return {
    list: async () =>
      registry
        .machines()
        .map(view)
        .sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })),
    async show(query) {
      const machine = pick(registry, query)
      return isProblem(machine) ? machine : view(machine)
    },
    async order(query, action, given) {
      const machine = pick(registry, query)
      if (isProblem(machine)) return machine
      const problem = await order(machine, action, given)
      return problem ?? view(registry.byMac(machine.id)!)
    },
    async timeline(query, after) {
      const machine = pick(registry, query)
      if (isProblem(machine)) return machine
      return (await registry.timeline(machine.id, after, TIMELINE_MOST)).map(viewEvent)
    },
    close,
  }
}
