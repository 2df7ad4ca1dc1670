/** Which machines a list shows, in the order of their names, and where a page ends. */
import type { Problem } from '../kit/problem.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry } from '../machine/registry.ts'
import type { MachinesQuery } from './schema/machine.ts'

const NAMES = new Intl.Collator('en', { numeric: true })

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

export function pageOf(registry: Registry, { state, search, limit, after }: MachinesQuery): Machine[] | Problem {
  const states = state === undefined ? undefined : new Set([state].flat())
  const wanted = search?.trim().toLowerCase()
  const titled = registry.machines().map(machine => ({ machine, title: registry.titleOf(machine) }))
  titled.sort((a, b) => NAMES.compare(a.title, b.title) || (a.machine.id < b.machine.id ? -1 : 1))
  const last = after === undefined ? -1 : titled.findIndex(({ machine }) => machine.id === after)
  if (after !== undefined && last === -1) {
    const hint = 'begin again without `after`; it was forgotten meanwhile, or is no `id`'
    return { code: 'unknown-machine', message: `no machine "${after}"`, hint, severity: 'error' }
  }
  return titled
    .slice(last + 1)
    .map(({ machine }) => machine)
    .filter(machine => states === undefined || states.has(machine.state))
    .filter(machine => !wanted || wordsOf(machine, registry).includes(wanted))
    .slice(0, limit)
}
