/** What another site file makes of the machines: whose plan, address or layers it changes, and who would be installed. Pure. */
import type { Mac } from '../kit/mac.ts'
import { changedValues } from '../site/changes.ts'
import type { ChangedSetting } from '../site/settings.ts'
import type { Site } from '../site/types.ts'
import type { MachineId } from './event.ts'
import { type Machine, newMachine } from './lifecycle.ts'
import { entryOf, listingOf, profileFor } from './listing.ts'
import { isApprovedBySite } from './settle.ts'
import { servedBy, sitePlanOf } from './site-plan.ts'

export type MachineChange = {
  id: MachineId
  /** Host name by the next file, else by the one of now, else its MAC. */
  name: string
  macs: Mac[]
  serial?: string
  /** How the next file knows it, where that is another way; `known` by neither word. */
  change: 'added' | 'removed' | 'changed'
  keys: ChangedSetting[]
  /** The next file would have it installed, which erases its disks. */
  starts: boolean
}

export type FleetView = {
  /** All that are known. */
  machines: readonly Machine[]
  /** Whether something stands between it and an approval by that site: what it claims is another one's, or it was forgotten. */
  isHeldBack: (machine: Machine, site: Site) => boolean
}

export function fleetChanges(before: Site, after: Site, { machines, isHeldBack }: FleetView): MachineChange[] {
  const known = new Set(machines.flatMap(({ macs }) => macs))
  const unseen = after.machines
    .filter(({ macs }) => !macs.some(mac => known.has(mac)))
    .map(({ macs }) => ({ ...newMachine(macs[0] as string as MachineId, 0), macs }))
  return [...machines, ...unseen].flatMap(machine => {
    const [was, is] = [listingOf(machine, before), listingOf(machine, after)]
    const starts =
      isApprovedBySite(machine, is, after) && profileFor(is, after) !== undefined && !isHeldBack(machine, after)
    const keys = changedValues(
      { ...sitePlanOf(was, before), ...servedBy(was) },
      { ...sitePlanOf(is, after), ...servedBy(is) },
    )
    const change = changeOfEntry(machine, before, after)
    if (keys.length === 0 && change === 'changed' && !starts) return []
    const serial = is.serial ?? was.serial ?? machine.serial
    return [
      {
        id: machine.id,
        name: is.name ?? was.name ?? machine.id,
        macs: machine.macs,
        ...(serial ? { serial } : {}),
        change,
        keys,
        starts,
      },
    ]
  })
}

/** Whether the file begins, or ends, to list it by itself. */
function changeOfEntry(machine: Machine, before: Site, after: Site): MachineChange['change'] {
  const [was, is] = [entryOf(machine, before), entryOf(machine, after)]
  if (was && !is) return 'removed'
  return is && !was ? 'added' : 'changed'
}
