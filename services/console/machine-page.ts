/** Which machines a list shows, in the order of their names, and where a page ends. Ten thousand are looked at in many turns of the event loop. */
import { nextTurn } from '../kit/next-turn.ts'
import type { Problem } from '../kit/problem.ts'
import type { MachineId } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry } from '../machine/registry.ts'
import type { MachinesQuery } from './schema/machine.ts'

const NAMES = new Intl.Collator('en', { numeric: true })

type Titled = { machine: Machine; title: string }

/** All machines by name. Only what has changed since it was last asked is looked at, and only another name moves anybody. */
export class MachineOrder {
  readonly #registry: Registry
  readonly #titled = new Map<MachineId, Titled>()
  #ids: readonly MachineId[] = []
  #version = -1

  constructor(registry: Registry) {
    this.#registry = registry
  }

  /** The same list as before where nobody came, went or was renamed; a list is never changed. */
  ids(): readonly MachineId[] {
    const { version } = this.#registry
    if (version === this.#version) return this.#ids
    this.#version = version
    const machines = this.#registry.machines()
    let isMoved = machines.length !== this.#titled.size
    for (const machine of machines) isMoved = this.#learn(machine) || isMoved
    if (isMoved) this.#sort(machines)
    return this.#ids
  }

  /** Whether it is new here, or has another name. */
  #learn(machine: Machine): boolean {
    const known = this.#titled.get(machine.id)
    if (known?.machine === machine) return false
    const title = this.#registry.titleOf(machine)
    this.#titled.set(machine.id, { machine, title })
    return known?.title !== title
  }

  #sort(machines: readonly Machine[]): void {
    if (machines.length !== this.#titled.size) {
      const present = new Set(machines.map(({ id }) => id))
      for (const id of this.#titled.keys()) if (!present.has(id)) this.#titled.delete(id)
    }
    // Nearly in order already: that takes one comparison for each.
    const known = this.#ids.flatMap(id => this.#titled.get(id) ?? [])
    const before = new Set(this.#ids)
    const all = [...known, ...[...this.#titled.values()].filter(({ machine }) => !before.has(machine.id))]
    all.sort((a, b) => NAMES.compare(a.title, b.title) || (a.machine.id < b.machine.id ? -1 : 1))
    this.#ids = all.map(({ machine }) => machine.id)
  }
}

/** Everything about a machine that a person may look for, in lower case. */
function wordsOf(machine: Machine, registry: Registry): string {
  const { name, fqdn, profile } = registry.listing(machine)
  const { macs, address, staticAddress, serial, uuid, product, attempt, installed } = machine
  const words = [name, fqdn, installed?.fqdn, ...macs, address, staticAddress?.address, serial, uuid, product]
  return [...words, attempt?.profile ?? profile]
    .filter(word => word !== undefined)
    .join('\n')
    .toLowerCase()
}

/** So many are looked at in one turn, which takes a millisecond or two. */
const LOOKED_AT_TOGETHER = 200

export type MachinePage = { machines: Machine[]; hasMore: boolean }

/** Each machine is shown as it is when its turn comes; one that is forgotten meanwhile is left out. */
export async function pageOf(
  { registry, order }: { registry: Registry; order: MachineOrder },
  { state, search, after }: MachinesQuery,
  limit: number,
): Promise<MachinePage | Problem> {
  const states = state === undefined ? undefined : new Set([state].flat())
  const wanted = search?.trim().toLowerCase()
  const ids = order.ids()
  const last = after === undefined ? -1 : ids.indexOf(after as MachineId)
  if (after !== undefined && last === -1) {
    const hint = 'begin again without `after`; it was forgotten meanwhile, or is no `id`'
    return { code: 'unknown-machine', message: `no machine "${after}"`, hint, severity: 'error' }
  }
  const machines: Machine[] = []
  for (let at = last + 1; at < ids.length; at++) {
    if ((at - last) % LOOKED_AT_TOGETHER === 0) await nextTurn()
    const machine = registry.byId(ids[at]!)
    const fits =
      machine && (!states || states.has(machine.state)) && (!wanted || wordsOf(machine, registry).includes(wanted))
    if (!fits) continue
    if (machines.length === limit) return { machines, hasMore: true }
    machines.push(machine)
  }
  return { machines, hasMore: false }
}
