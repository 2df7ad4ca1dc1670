/** What an operator does with machines: one set of operations behind the API and behind the command line without a running appliance. */
import { isProblem } from '../kit/is-problem.ts'
import { nextTurn } from '../kit/next-turn.ts'
import type { Problem } from '../kit/problem.ts'
import type { Conflict } from '../machine/conflict.ts'
import type { MachineId } from '../machine/event.ts'
import { wasForgotten } from '../machine/forgotten.ts'
import type { Machine } from '../machine/lifecycle.ts'
import { attemptRefused } from '../machine/order-attempt.ts'
import type { Registry } from '../machine/registry.ts'
import { MachineOrder, pageOf } from './machine-page.ts'
import { viewEvent, viewMachine } from './machine-view.ts'
import type { Page } from './pages.ts'
import { pickMachine } from './pick-machine.ts'
import { disksInDoubt, type Rehearse } from './rehearsal.ts'
import {
  type Action,
  type MachinesQuery,
  type MachineView,
  type Order,
  type OrderResult,
  TIMELINE_MOST,
  type TimelineEntry,
} from './schema/machine.ts'
import { PAGE_USUAL } from './schema/parts.ts'

export interface Fleet {
  /** All of it, in the order of the names, numbers as numbers. */
  list(): Promise<MachineView[]>
  /** What fits, `PAGE_USUAL` of them unless another limit is said; problem `unknown-machine` where the page before is said to end with nobody's. */
  page(query: MachinesQuery): Promise<Page<MachineView> | Problem>
  show(query: string): Promise<MachineView | Problem>
  /** @param who the person, as the timeline is to tell */
  order(query: string, action: Action, order: Order, who: string): Promise<MachineView | Problem>
  /** The same order to each of them; one that stands twice, by whatever names, is ordered once. */
  orderAll(queries: readonly string[], action: Action, order: Order, who: string): Promise<OrderResult[]>
  /** Events with a number above `after`, the oldest first. */
  timeline(query: string, after: number, most?: number): Promise<TimelineEntry[] | Problem>
  close(): Promise<void>
}

/** Half a millisecond, then others have their turn. */
const VIEWS_TOGETHER = 50
/** A rehearsal reads what a machine reported; so many at a time leave the event loop to others. */
const ORDERS_AT_A_TIME = 20

type Claims = NonNullable<MachineView['conflicts']>

/** Claims to one identity: both candidates show them, whoever is held for it. */
function conflictsOf(registry: Registry, machine: Machine): Claims {
  const show = (other: Machine, { by, value }: Pick<Conflict, 'by' | 'value'>): Claims[number] => ({
    name: registry.titleOf(other),
    id: other.id,
    by,
    value,
  })
  const own = registry.standingConflicts(machine).map(conflict => show(registry.byMac(conflict.with)!, conflict))
  const others = registry.claimantsOf(machine).flatMap(other =>
    registry
      .standingConflicts(other)
      .filter(conflict => conflict.with === machine.id)
      .map(conflict => show(other, conflict)),
  )
  return [...own, ...others]
}

/** How machines are shown. */
export function machineViewer(registry: Registry): (machine: Machine) => MachineView {
  return machine => {
    const conflicts = conflictsOf(registry, machine)
    return {
      ...viewMachine(machine, registry.listing(machine), registry.progress(machine), registry.heardAt(machine)),
      ...(conflicts.length > 0 ? { conflicts } : {}),
    }
  }
}

type Ordered = { action: Action; order: Order; who: string }

/** Undefined where the order was taken. */
async function orderOne(
  { registry, rehearse }: { registry: Registry; rehearse: Rehearse },
  machine: Machine,
  { action, order: { profile, reason, confirmDisks }, who }: Ordered,
): Promise<Problem | undefined> {
  if (action === 'block') {
    await registry.record(machine.id, { type: 'blocked', ...(reason ? { reason } : {}), who }, 'operator')
    return registry.byId(machine.id) ? undefined : wasForgotten(machine.id)
  }
  const { attempt } = machine
  const waiting = attempt && (machine.state === 'approved' || machine.state === 'booting')
  // Said twice it is the same word; with another profile it is another one.
  if (action === 'approve' && waiting && (profile ?? attempt.profile) === attempt.profile) return undefined
  // Which disks it would erase is no answer to the wrong word.
  const refused = attemptRefused(machine, action === 'reinstall')
  if (refused) return refused
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
    who,
  })
  return isProblem(started) ? started : undefined
}

/** Some at a time. Whoever is named twice, by whatever names, is ordered once. */
async function orderEach(
  registry: Registry,
  queries: readonly string[],
  give: (machine: Machine) => Promise<Problem | undefined>,
): Promise<[query: string, outcome: Machine | Problem][]> {
  const given = new Map<MachineId, Promise<Problem | undefined>>()
  const orderFor = async (query: string): Promise<[string, Machine | Problem]> => {
    const machine = pickMachine(registry, query)
    if (isProblem(machine)) return [query, machine]
    const done = given.get(machine.id) ?? give(machine)
    given.set(machine.id, done)
    return [query, (await done) ?? machine]
  }
  const left = [...new Set(queries)]
  const outcomes: [string, Machine | Problem][] = []
  while (left.length > 0) outcomes.push(...(await Promise.all(left.splice(0, ORDERS_AT_A_TIME).map(orderFor))))
  return outcomes
}

export function localFleet(registry: Registry, rehearse: Rehearse, close: () => Promise<void>): Fleet {
  const give = (machine: Machine, ordered: Ordered) => orderOne({ registry, rehearse }, machine, ordered)
  const view = (machine: Machine): MachineView => machineViewer(registry)(machine)
  // While the order was written down somebody may have had the machine forgotten.
  const now = (id: MachineId): MachineView | Problem => {
    const machine = registry.byId(id)
    return machine ? view(machine) : wasForgotten(id)
  }
  const known = { registry, order: new MachineOrder(registry) }
  const page = async (query: MachinesQuery, limit: number): Promise<Page<MachineView> | Problem> => {
    const found = await pageOf(known, query, limit)
    if (isProblem(found)) return found
    const views: MachineView[] = []
    for (const machine of found.machines) {
      if (views.length % VIEWS_TOGETHER === VIEWS_TOGETHER - 1) await nextTurn()
      views.push(view(machine))
    }
    return { views, hasMore: found.hasMore }
  }
  return {
    async list() {
      const all = await page({}, Number.POSITIVE_INFINITY)
      return isProblem(all) ? [] : all.views
    },
    page: query => page(query, query.limit ?? PAGE_USUAL),
    async show(query) {
      const machine = pickMachine(registry, query)
      return isProblem(machine) ? machine : view(machine)
    },
    async order(query, action, order, who) {
      const machine = pickMachine(registry, query)
      if (isProblem(machine)) return machine
      const problem = await give(machine, { action, order, who })
      return problem ?? now(machine.id)
    },
    async orderAll(queries, action, order, who) {
      const outcomes = await orderEach(registry, queries, machine => give(machine, { action, order, who }))
      return outcomes.map(([machine, outcome]) => {
        const shown = isProblem(outcome) ? outcome : now(outcome.id)
        return isProblem(shown) ? { machine, ok: false, problem: shown } : { machine, ok: true, view: shown }
      })
    },
    async timeline(query, after, most = TIMELINE_MOST) {
      const machine = pickMachine(registry, query)
      if (isProblem(machine)) return machine
      return (await registry.timeline(machine.id, after, most)).map(viewEvent)
    },
    close,
  }
}
