/**
 * Two machines that claim one identity. A MAC, a UUID or a serial number that another machine has too may mean one box under two names, and then
 * an approval of one erases the disks of the other: whoever comes second with it is held until a person has looked.
 */
import type { Mac } from '../kit/mac.ts'
import type { Site } from '../site/types.ts'
import type { MachineId } from './event.ts'
import type { Identities } from './identities.ts'
import type { Machine } from './lifecycle.ts'
import { entryOf } from './listing.ts'

/** What both claim; `with` had it first, or has it by the site file. */
export type Conflict = { with: MachineId; by: 'mac' | 'uuid' | 'serial'; value: string }

type Listed = Pick<Site, 'machines'>

function alike(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && one.toLowerCase() === other?.toLowerCase()
}

function differ(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && !alike(one, other)
}

/** Boards of one maker may share a UUID, blades the serial number of their chassis: with one of the two different they are two boxes. */
function areTwoBoxes(one: Machine, other: Machine): boolean {
  return differ(one.uuid, other.uuid) || differ(one.serial, other.serial)
}

/** Whether it is one still: machines learn to say more, and site files are mended. */
export function isConflict({ by, value }: Conflict, machine: Machine, other: Machine, site: Listed): boolean {
  const [own, others] = [entryOf(machine, site), entryOf(other, site)]
  if (own && own === others) return false
  if (by !== 'mac') {
    const isTheirs = alike(other[by], value) || alike(others?.[by], value)
    return isTheirs && alike(machine[by], value) && !areTwoBoxes(machine, other)
  }
  if (!other.macs.includes(value as Mac)) return false
  // A NIC of the same box that booted by itself once, and that nobody ever approved, says nothing of its own.
  return others !== undefined || other.attempts > 0 || areTwoBoxes(machine, other)
}

/** All conflicts of a machine that says this of itself now. @param macs all that it posted, those of others too */
export function conflictsOf(
  machine: Machine,
  macs: readonly Mac[],
  identities: Identities,
  known: { byMac(mac: Mac): Machine | undefined },
  site: Listed,
): Conflict[] {
  const found: Conflict[] = []
  const add = (by: Conflict['by'], value: string, other: Machine | undefined): void => {
    if (!other || other.id === machine.id) return
    const conflict: Conflict = { with: other.id, by, value }
    if (isConflict(conflict, machine, other, site)) found.push(conflict)
  }
  for (const mac of macs) add('mac', mac, known.byMac(mac))
  for (const by of ['uuid', 'serial'] as const) {
    const value = machine[by]
    const holder = value === undefined ? undefined : identities.holderOf(by, value)
    if (value === undefined || !holder) continue
    add(by, value, known.byMac(typeof holder === 'string' ? holder : holder.macs[0]!))
  }
  return found
}

export function isNoted({ conflicts = [] }: Machine, conflict: Conflict): boolean {
  return conflicts.some(
    noted => noted.with === conflict.with && noted.by === conflict.by && alike(noted.value, conflict.value),
  )
}
