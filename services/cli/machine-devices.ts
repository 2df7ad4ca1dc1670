/** `rackrise machine devices`: the disks and NICs of a machine, and which of them a filter would take. */
import { type Device, filterNic, type FilterMatch, type Match, matchDevices } from '../answer/device-match.ts'
import type { Documents } from '../console/documents.ts'
import { findGlobMistake } from '../kit/glob.ts'
import { isProblem } from '../kit/is-problem.ts'
import { complainOf, type ExitStatus, say } from './command.ts'
import { table } from './table.ts'
import { widthOf } from './wrap.ts'
import type { DevicesView } from '../console/schema/document.ts'

const TYPES = ['disk', 'network', 'all'] as const
type DeviceType = (typeof TYPES)[number]

export type DeviceQuestion = { type: DeviceType; filter: Record<string, string>; how: FilterMatch }

/** A line about what is wrong with the question, or the question. */
export function readDeviceQuestion(
  type: string | undefined,
  matches: readonly string[],
  how: string | undefined,
): DeviceQuestion | string {
  const wanted = TYPES.find(one => one === (type ?? 'all'))
  if (!wanted) return `there is no type "${type}"; say disk, network or all`
  const mode = how ?? 'any'
  if (mode !== 'any' && mode !== 'all') return `--filter-match is any or all, not "${mode}"`
  if (matches.length > 0 && wanted === 'all') return '--match needs --type disk or --type network'
  if (how !== undefined && wanted !== 'disk') return '--filter-match is for --type disk; NICs are always matched by any'
  const filter: [string, string][] = []
  for (const match of matches) {
    const [, key, glob] = /^([A-Za-z0-9_]+)=(.*)$/s.exec(match) ?? []
    if (key === undefined || glob === undefined) return `"${match}" is not KEY=GLOB, such as 'ID_MODEL=INTEL*'`
    const mistake = findGlobMistake(glob)
    if (mistake) return `${key} is not a glob: ${mistake}`
    if (filter.some(([other]) => other === key)) return `${key} stands there twice; a filter has one glob for each key`
    filter.push([key, glob])
  }
  return { type: wanted, filter: Object.fromEntries(filter), how: mode }
}

function devicesOf(properties: DevicesView['disks']): Device[] {
  return Object.entries(properties).map(([name, value]) => ({ name, properties: value }))
}

function diskTable(disks: readonly Device[], used: readonly string[]): string {
  const rows = disks.map(({ name, properties }) => [
    name,
    properties['ID_MODEL'] ?? '',
    properties['ID_SERIAL_SHORT'] ?? '',
    properties['ID_BUS'] ?? '',
    properties['ID_PATH'] ?? '',
    used.includes(name) ? 'installed on' : '',
  ])
  return table(['DISK', 'ID_MODEL', 'ID_SERIAL_SHORT', 'ID_BUS', 'ID_PATH', ''], rows, {
    width: widthOf(process.stdout),
  })
}

function nicTable(nics: readonly Device[]): string {
  const rows = nics.map(({ name, properties }) => [
    name,
    properties['ID_NET_NAME_MAC'] ?? '',
    properties['ID_NET_DRIVER'] ?? '',
    properties['ID_PATH'] ?? '',
  ])
  return table(['NIC', 'ID_NET_NAME_MAC', 'ID_NET_DRIVER', 'ID_PATH'], rows, { width: widthOf(process.stdout) })
}

function tellMatches(matches: readonly Match[], what: string): void {
  if (matches.length === 0) say(`the filter takes no ${what}`)
  for (const { device, byAbsence } of matches) {
    say(byAbsence ? `${device.name}  taken only because it has none of these properties` : device.name)
  }
}

function matched({ type, filter, how }: DeviceQuestion, disks: readonly Device[], nics: readonly Device[]): Match[] {
  if (type === 'disk') return matchDevices(disks, filter, how)
  const nic = filterNic(nics, filter)
  return nic ? [{ device: nic, byAbsence: false }] : []
}

/** Of NICs a filter takes one. Ends with 1 where it takes nothing. */
export async function devices(
  documents: Documents,
  query: string,
  question: DeviceQuestion,
  json: boolean,
): Promise<ExitStatus> {
  const view = await documents.devices(query)
  if (isProblem(view)) {
    complainOf([view], json)
    return 1
  }
  const { type, filter } = question
  const [disks, nics] = [devicesOf(view.disks), devicesOf(view.nics)]
  if (Object.keys(filter).length > 0) {
    const matches = matched(question, disks, nics)
    if (json) {
      say(
        JSON.stringify(
          matches.map(({ device, byAbsence }) => ({ name: device.name, byAbsence })),
          null,
          2,
        ),
      )
    } else tellMatches(matches, type === 'disk' ? 'disk' : 'NIC')
    return matches.length > 0 ? 0 : 1
  }
  if (json) {
    const { at, used } = view
    const parts = {
      disk: { disks: view.disks, used },
      network: { nics: view.nics },
      all: { disks: view.disks, nics: view.nics, used },
    }
    say(JSON.stringify({ at, ...parts[type] }, null, 2))
    return 0
  }
  if (type !== 'network') say(diskTable(disks, view.used))
  if (type === 'all') say('')
  if (type !== 'disk') say(nicTable(nics))
  return 0
}

/** What it posted when it last asked for an answer: JSON in any case, as `--system-info FILE` of `explain` takes it. */
export async function systemInformation(documents: Documents, query: string, json: boolean): Promise<ExitStatus> {
  const view = await documents.systemInformation(query)
  if (isProblem(view)) {
    complainOf([view], json)
    return 1
  }
  say(JSON.stringify(view.information, null, 2))
  return 0
}
