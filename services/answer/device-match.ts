/**
 * Which disks and NICs of a machine the filters of an answer take, exactly as its installer would: with all its traps, since
 * what it takes is erased.
 */
import { type Glob, globMatches, parseGlob } from '../kit/glob.ts'
import type { DiskSetup } from './schema.ts'

/** A disk or NIC as udev describes it. The name is the kernel's, such as `nvme0n1` or `eno1`. */
export type Device = { name: string; properties: Readonly<Record<string, string>> }

/** In the installer's order: disks by its index, which is the order of the report. */
export type Hardware = { disks: readonly Device[]; nics: readonly Device[] }

export type Filter = Readonly<Record<string, string>>
export type FilterMatch = 'any' | 'all'

/** A device that a filter takes. `byAbsence`: only because it has none of the properties that the filter asks about. */
export type Match = { device: Device; byAbsence: boolean }

/** A glob with a mistake fits nothing; the validator tells of it. */
function compile(filter: Filter): [key: string, glob: Glob | undefined][] {
  return Object.entries(filter).map(([key, pattern]) => {
    const parsed = parseGlob(pattern)
    return [key, 'message' in parsed ? undefined : parsed]
  })
}

/**
 * With `any` a device is taken if one property fits; with `all` if none that it has misses, so a device that has none of
 * them is taken, too.
 */
export function matchDevices(devices: readonly Device[], filter: Filter, how: FilterMatch): Match[] {
  const globs = compile(filter)
  if (globs.length === 0) return []
  return devices.flatMap(device => {
    const verdicts = globs
      .filter(([key]) => Object.hasOwn(device.properties, key))
      .map(([key, glob]) => glob !== undefined && globMatches(glob, device.properties[key]!))
    const isTaken = how === 'any' ? verdicts.includes(true) : !verdicts.includes(false)
    return isTaken ? [{ device, byAbsence: verdicts.length === 0 }] : []
  })
}

/** The installer counts disks as text: 0, 1, 10, 2. */
function inIndexOrder(disks: readonly Device[]): Device[] {
  return disks
    .map((device, index) => ({ device, index: String(index) }))
    .toSorted((a, b) => (a.index < b.index ? -1 : 1))
    .map(({ device }) => device)
}

export function takesOneDisk({ filesystem }: Pick<DiskSetup, 'filesystem'>): boolean {
  return filesystem === 'ext4' || filesystem === 'xfs'
}

/** An entry takes the first disk whose path ends with it: `sda`, `/dev/sda`, and `a` as well. */
export function diskOfEntry(disks: readonly Device[], entry: string): Device | undefined {
  return inIndexOrder(disks).find(({ name, properties }) => (properties['DEVNAME'] ?? `/dev/${name}`).endsWith(entry))
}

/** All disks that the filter of an answer fits, before the installer takes the first one (ext4, xfs) or all of them (zfs, btrfs). */
export function filterDisks(disks: readonly Device[], setup: DiskSetup): Match[] {
  const how = takesOneDisk(setup) ? 'any' : (setup['filter-match'] ?? 'any')
  return matchDevices(inIndexOrder(disks), setup.filter ?? {}, how)
}

/** The NIC that becomes the management interface: the first in the order of names that any glob fits. */
export function filterNic(nics: readonly Device[], filter: Filter): Device | undefined {
  const byName = nics.toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return matchDevices(byName, filter, 'any')[0]?.device
}
