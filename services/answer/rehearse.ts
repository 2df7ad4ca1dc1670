/**
 * What an answer would do to a machine whose hardware is known from its last report: which disks it would erase, which it leaves
 * alone, and what about that a person should look at before the machine is told to install.
 */
import { type Device, diskOfEntry, filterDisks, filterNic, type Hardware, takesOneDisk } from './device-match.ts'
import { findDiskCountMistake } from './raid.ts'
import type { Answer, DiskSetup } from './schema.ts'

/** Why a rehearsal is no plain repetition; each holds another installation until a person confirms it. */
export type DoubtCode =
  | 'no-disk'
  | 'disk-missing'
  | 'disk-by-absence'
  | 'one-of-several-disks'
  | 'disk-count'
  | 'other-disks'
  | 'no-nic'

export type Doubt = { code: DoubtCode; message: string; hint: string }

export type Rehearsal = {
  /** In the installer's order. */
  erases: Device[]
  leaves: Device[]
  /** The management interface, where the answer chooses it by a filter. */
  nic?: Device
  doubts: Doubt[]
}

/** `nvme0n1 (SAMSUNG MZQL2960, serial S64HNE0R)`: what a person can compare with a label. */
export function describeDisk({ name, properties }: Device): string {
  const model = properties['ID_MODEL']?.replaceAll('_', ' ')
  const serial = properties['ID_SERIAL_SHORT'] ?? properties['ID_SERIAL']
  const marks = [model, serial && `serial ${serial}`].filter(Boolean).join(', ')
  return marks === '' ? name : `${name} (${marks})`
}

function namesOf(disks: readonly Device[]): string {
  return disks.length === 0 ? 'none' : disks.map(describeDisk).join(', ')
}

type Choice = { taken: Device[]; doubts: Doubt[] }

function chooseByList(disks: readonly Device[], list: readonly string[]): Choice {
  const found = list.map(entry => ({ entry, disk: diskOfEntry(disks, entry) }))
  return {
    taken: [...new Set(found.flatMap(({ disk }) => disk ?? []))],
    doubts: found
      .filter(({ disk }) => disk === undefined)
      .map(({ entry }) => ({
        code: 'disk-missing',
        message: `disk-setup.disk-list: the machine had no disk ${entry}`,
        hint: 'correct the list; with zfs and btrfs the installer leaves such a disk out without a word',
      })),
  }
}

function chooseByFilter(disks: readonly Device[], setup: DiskSetup): Choice {
  const matches = filterDisks(disks, setup)
  const fitting = matches.map(({ device }) => device)
  const doubts: Doubt[] = matches
    .filter(({ byAbsence }) => byAbsence)
    .map(({ device }) => ({
      code: 'disk-by-absence',
      message: `${describeDisk(device)} is taken only because it has none of the properties that the filter asks about`,
      hint: 'ask about a property that every disk has, such as DEVNAME, as well',
    }))
  if (!takesOneDisk(setup) || fitting.length < 2) return { taken: fitting, doubts }
  doubts.push({
    code: 'one-of-several-disks',
    message: `the filter fits ${fitting.length} disks (${namesOf(fitting)}), and ${setup.filesystem} takes the first`,
    hint: 'make the filter fit one disk only, for instance by ID_SERIAL_SHORT',
  })
  return { taken: fitting.slice(0, 1), doubts }
}

function chooseDisks(disks: readonly Device[], setup: DiskSetup): Choice {
  const list = setup['disk-list'] ?? []
  const { taken, doubts } = list.length > 0 ? chooseByList(disks, list) : chooseByFilter(disks, setup)
  if (taken.length === 0) {
    const message = `disk-setup takes none of its disks (${namesOf(disks)})`
    return { taken, doubts: [...doubts, { code: 'no-disk', message, hint: 'correct the filter or the list' }] }
  }
  const mistake = findDiskCountMistake(setup, taken.length)
  const hint = 'change the level or the filter: the installer would stop after it has begun'
  return {
    taken,
    doubts: mistake
      ? [
          ...doubts,
          { code: 'disk-count', message: `${mistake}, and disk-setup takes ${taken.length}: ${namesOf(taken)}`, hint },
        ]
      : doubts,
  }
}

function compareWithBefore(taken: readonly Device[], before: readonly Device[]): Doubt[] {
  const isSame = taken.length === before.length && taken.every(disk => before.includes(disk))
  if (before.length === 0 || isSame) return []
  return [
    {
      code: 'other-disks',
      message: `the last installation used other disks: ${namesOf(before)}`,
      hint: 'make sure that this is meant',
    },
  ]
}

/** `before`: the disks of this hardware that the last installation used, empty if it did not say. */
export function rehearse(answer: Answer, { disks, nics }: Hardware, before: readonly Device[]): Rehearsal {
  const { taken, doubts } = chooseDisks(disks, answer['disk-setup'])
  const all = [...doubts, ...compareWithBefore(taken, before)]
  const filter = answer.network.source === 'from-answer' ? (answer.network.filter ?? {}) : undefined
  const nic = filter && filterNic(nics, filter)
  if (filter && !nic && nics.length > 0) {
    const names = nics.map(({ name }) => name).join(', ')
    const hint = 'correct the filter: the installer would stop'
    all.push({ code: 'no-nic', message: `network.filter fits none of its NICs (${names})`, hint })
  }
  return { erases: taken, leaves: disks.filter(disk => !taken.includes(disk)), ...(nic ? { nic } : {}), doubts: all }
}
