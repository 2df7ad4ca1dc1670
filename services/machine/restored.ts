/** What a restore does to the machines of the state that came back, and which of them it keeps from an installation. Pure. */
import type { Site } from '../site/types.ts'
import type { NewEventRow, Restoration } from '../store/types.ts'
import type { Fact } from './event.ts'
import { fleetChanges } from './fleet-changes.ts'
import { advance, type Machine, type MachineState } from './lifecycle.ts'
import { listingOf } from './listing.ts'

const UNDER_WAY: ReadonlySet<MachineState> = new Set(['approved', 'booting', 'installing', 'stalled'])

/** The events that hold them, for those that could come to an installation; the others boot their disk, or nothing, as they did. */
export function holdingBack(machines: readonly Machine[], { at, backupOf }: Restoration): NewEventRow[] {
  return machines.flatMap(machine => {
    const { id, state, attempt } = machine
    const ended = attempt && UNDER_WAY.has(state) ? { attempt: attempt.id } : {}
    const fact: Fact = { type: 'restored', backupOf, ...ended }
    const isHeld = advance(machine, { ...fact, at, source: 'operator' }).machine.restored === true
    return isHeld ? [{ machine: id, at, source: 'operator', type: fact.type, body: JSON.stringify(fact) }] : []
  })
}

/** Names of those that would install at their next network boot: in an attempt, or approved by the site, seen or not. */
export function wouldInstall(machines: readonly Machine[], site: Site): string[] {
  const inAttempt = machines.filter(({ state }) => UNDER_WAY.has(state))
  const isHeldBack = ({ conflicts }: Machine): boolean => conflicts !== undefined
  const bySite = fleetChanges(site, site, { machines, isHeldBack }).filter(({ starts }) => starts)
  return [...inAttempt.map(machine => listingOf(machine, site).name ?? machine.id), ...bySite.map(({ name }) => name)]
}
