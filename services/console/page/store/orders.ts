/** The selection, the order that is being asked about, and what became of it. */
import { batch, computed, signal } from '@preact/signals'
import type { RehearsalView } from '../../schema/explanation.ts'
import type { MachineView } from '../../schema/machine.ts'
import { access, get, post } from '../wire/api.ts'
import type { PageProblem } from '../wire/problem.ts'
import { readProblem } from '../wire/problem.ts'
import { type Action, ACTION_WORDS } from '../words/order-words.ts'
import { counted } from '../words/quantities.ts'
import { machines, putMachine } from './live.ts'

/** Ids, each chosen by a person; what a filter hides stays chosen, and is named before anything is done to it. */
export const selected = signal<ReadonlySet<string>>(new Set())

export function select(ids: Iterable<string>, isSelected: boolean): void {
  const after = new Set(selected.peek())
  for (const id of ids) {
    if (isSelected) after.add(id)
    else after.delete(id)
  }
  selected.value = after
}

export function clearSelection(): void {
  selected.value = new Set()
}

/** Without machines that are no longer there. */
export const selectedMachines = computed(() => [...selected.value].flatMap(id => machines.value.get(id)?.value ?? []))

export type Doubt = { machine: string; problem: PageProblem; rehearsal?: RehearsalView }

/** An order on its way: `ask` the person, `send`, and `doubt` where the disks have to be confirmed. */
export type Ask = {
  action: Action
  /** As they were when it was asked; what is sent names these and no others. */
  machines: readonly MachineView[]
  isBusy: boolean
  doubts: readonly Doubt[]
  refused: readonly { machine: MachineView; problem: PageProblem }[]
  /** Of the order as a whole. */
  problem?: PageProblem
  done: number
}

export const ask = signal<Ask | undefined>(undefined)

export function beginOrder(action: Action, about: readonly MachineView[]): void {
  if (about.length > 0) ask.value = { action, machines: about, isBusy: false, doubts: [], refused: [], done: 0 }
}

export function endOrder(): void {
  ask.value = undefined
}

type Result =
  | { machine: string; ok: true; view?: MachineView }
  | { machine: string; ok: false; problem: Record<string, unknown> & { code: string } }

/** The API takes this many at once. */
const TOGETHER = 500

export type OrderWords = { profile?: string; reason?: string; confirmDisks?: true }

async function sendOrder(action: Action, ids: readonly string[], words: OrderWords): Promise<Result[] | PageProblem> {
  const results: Result[] = []
  for (let first = 0; first < ids.length; first += TOGETHER) {
    const body = { action, machines: ids.slice(first, first + TOGETHER), ...words }
    const answer = await post<{ results: Result[] }>('/api/v1/orders', body)
    if (!answer.ok) return answer.problem
    results.push(...answer.value.results)
  }
  return results
}

/** One at a time, and without a word to the timeline, which goes with the machine. */
async function sendForget(ids: readonly string[]): Promise<Result[]> {
  const results: Result[] = []
  for (const machine of ids) {
    const answer = await post(`/api/v1/machines/${machine}/forget`, {})
    results.push(answer.ok ? { machine, ok: true } : { machine, ok: false, problem: answer.problem })
  }
  return results
}

async function rehearsalOf(machine: string, profile: string | undefined): Promise<RehearsalView | undefined> {
  const query = profile ? `?${new URLSearchParams({ profile })}` : ''
  const answer = await get<{ rehearsal?: RehearsalView }>(`/api/v1/machines/${machine}/explanation${query}`)
  return answer.ok ? answer.value.rehearsal : undefined
}

/** More than a person reads in a dialog; the message of the problem names their disks, too. */
const REHEARSALS_SHOWN = 10

async function withRehearsals(doubts: Doubt[], profile: string | undefined): Promise<Doubt[]> {
  return Promise.all(
    doubts.map(async (doubt, index) => {
      const rehearsal = index < REHEARSALS_SHOWN ? await rehearsalOf(doubt.machine, profile) : undefined
      return rehearsal ? { ...doubt, rehearsal } : doubt
    }),
  )
}

function summary(action: Action, done: readonly MachineView[]): string {
  const who = access.peek()
  const by = who.kind === 'in' ? ` by ${who.session.user.name}` : ''
  const what = done.length <= 3 ? done.map(({ name }) => name).join(', ') : counted(done.length, 'machine')
  return `${ACTION_WORDS[action].done}${by}: ${what}`
}

/** Sends what is asked about, but for machines that are done; what needs a word more stays open. */
export async function confirmOrder(words: OrderWords): Promise<{ done?: string }> {
  const asked = ask.peek()
  if (!asked || asked.isBusy) return {}
  const pending =
    asked.doubts.length > 0 ? asked.doubts.map(({ machine }) => machine) : asked.machines.map(({ id }) => id)
  const { problem: _before, ...rest } = asked
  ask.value = { ...rest, isBusy: true }
  const results = await (asked.action === 'forget' ? sendForget(pending) : sendOrder(asked.action, pending, words))
  if (!Array.isArray(results)) {
    ask.value = { ...rest, isBusy: false, problem: results as PageProblem }
    return {}
  }
  return settle(rest, results, words.profile)
}

async function settle(asked: Ask, results: Result[], profile: string | undefined): Promise<{ done?: string }> {
  const byId = new Map(asked.machines.map(machine => [machine.id, machine]))
  const failed = results.flatMap(result =>
    result.ok
      ? []
      : [
          {
            machine: byId.get(result.machine)!,
            problem: readProblem(409, {
              ...result.problem,
              detail: result.problem['detail'] ?? result.problem['message'],
            }),
          },
        ],
  )
  const done = results.flatMap(result => (result.ok ? byId.get(result.machine)! : []))
  const doubts = failed
    .filter(({ problem }) => problem.code === 'disks-in-doubt')
    .map(({ machine, problem }) => ({ machine: machine.id, problem }))
  const refused = failed.filter(({ problem }) => problem.code !== 'disks-in-doubt')
  const rehearsed = await withRehearsals(doubts, profile)
  batch(() => {
    for (const result of results) if (result.ok && result.view) putMachine(result.view)
    select(
      done.map(({ id }) => id),
      false,
    )
    const isOver = doubts.length === 0 && refused.length === 0
    ask.value = isOver
      ? undefined
      : { ...asked, isBusy: false, doubts: rehearsed, refused, done: asked.done + done.length }
  })
  return done.length > 0 ? { done: summary(asked.action, done) } : {}
}
