/** A timeline as its attempts: which entries belong to which, how each ended, how long its parts took, and the silences in between. Pure. */
import type { MachineView, TimelineEntry } from '../../schema/machine.ts'
import { type Gap, gapBetween, secondsBetween, telling } from './gaps.ts'

/** Octets over the time since the machine could have asked for them. */
export type Download = { bytes: number; seconds: number; bytesPerSecond: number }

export type Step = {
  entry: TimelineEntry
  /** The silence before it. */
  gap?: Gap
  download?: Download
}

export type Group = {
  /** Absent for what was before the first attempt. */
  attempt?: string
  start?: TimelineEntry
  steps: readonly Step[]
  /** What the machine did last. */
  last: TimelineEntry
}

const isFirmware = ({ type, stage }: TimelineEntry): boolean =>
  (type === 'leased' || type === 'boot-told') && stage === 'firmware'

const isOneOf =
  (...types: string[]) =>
  ({ type }: TimelineEntry): boolean =>
    types.includes(type)

/** What a file's last packet is measured from. */
const BEGINS: Readonly<Record<string, (entry: TimelineEntry) => boolean>> = {
  'loader-sent': isFirmware,
  'kernel-sent': isOneOf('script-served'),
  'initrd-sent': isOneOf('initrd-started'),
}

/** Which entry a download that is under way is measured from, by the file. */
const BEGINS_FILE: Readonly<Record<NonNullable<MachineView['progress']>['file'], string>> = {
  loader: 'loader-sent',
  kernel: 'kernel-sent',
  initrd: 'initrd-sent',
  iso: 'initrd-sent',
}

/** The last entry that it could have begun with; undefined if none is there. */
export function beginOfFile(
  file: NonNullable<MachineView['progress']>['file'],
  steps: readonly Step[],
): TimelineEntry | undefined {
  return steps.findLast(({ entry }) => BEGINS[BEGINS_FILE[file]]!(entry))?.entry
}

function downloadOf(entry: TimelineEntry, earlier: readonly TimelineEntry[]): Download | undefined {
  const begin = BEGINS[entry.type]
  if (!begin || entry.bytes === undefined) return undefined
  const from = earlier.findLast(begin)
  if (!from) return undefined
  const seconds = secondsBetween(from.at, entry.at)
  return { bytes: entry.bytes, seconds, bytesPerSecond: seconds > 0 ? entry.bytes / seconds : 0 }
}

/** Entries before this one are looked through for the begin of a download; an installation has some thirty. */
const LOOK_BACK = 30

function groupOf(entries: readonly TimelineEntry[], before: TimelineEntry | undefined): Group {
  const [first] = entries
  let last = before
  const steps = entries.map((entry, index): Step => {
    const previous = entries[index - 1] ?? before
    const gap = last && previous && gapBetween(last, entry, secondsBetween(previous.at, entry.at))
    const download = downloadOf(entry, entries.slice(Math.max(0, index - LOOK_BACK), index))
    last = telling(last, entry)
    return { entry, ...(gap ? { gap } : {}), ...(download ? { download } : {}) }
  })
  return {
    ...(first?.type === 'attempt-started' && !first.anomaly
      ? { start: first, ...(first.attempt ? { attempt: first.attempt } : {}) }
      : {}),
    steps,
    last: last!,
  }
}

/** The oldest first, as the entries are. An attempt lasts until the next one starts. */
export function groupByAttempt(entries: readonly TimelineEntry[]): Group[] {
  const starts = entries.flatMap(({ type, anomaly }, index) => (type === 'attempt-started' && !anomaly ? [index] : []))
  const cuts = [...new Set([0, ...starts])]
  let before: TimelineEntry | undefined
  return cuts
    .map((from, index) => entries.slice(from, cuts[index + 1]))
    .filter(part => part.length > 0)
    .map(part => {
      const group = groupOf(part, before)
      before = group.last
      return group
    })
}

export type StageName = 'firmware' | 'loader' | 'download' | 'unpacking' | 'installation' | 'restart'

/** Each from one entry to another. */
const STAGES: readonly [StageName, from: (entry: TimelineEntry) => boolean, to: (entry: TimelineEntry) => boolean][] = [
  ['firmware', isFirmware, isOneOf('loader-sent')],
  ['loader', isOneOf('loader-sent'), isOneOf('script-served')],
  ['download', isOneOf('script-served'), isOneOf('initrd-sent')],
  ['unpacking', isOneOf('initrd-sent'), isOneOf('answer-served')],
  ['installation', isOneOf('answer-served'), isOneOf('reported')],
]

export const STAGE_NAMES: readonly StageName[] = [...STAGES.map(([name]) => name), 'restart']

/** Seconds. What was repeated counts as it went the last time; what was not reached is absent. */
export function stageTimes({ steps }: Group): Partial<Record<StageName, number>> {
  const entries = steps.map(({ entry }) => entry)
  const report = entries.findIndex(isOneOf('reported'))
  // Boots after the report are of the installed system.
  const way = report < 0 ? entries : entries.slice(0, report + 1)
  const times = STAGES.flatMap(([name, from, to]): [StageName, number][] => {
    const end = way.findLastIndex(to)
    const start = way.slice(0, Math.max(0, end)).findLast(from)
    return start ? [[name, secondsBetween(start.at, way[end]!.at)]] : []
  })
  const back = report < 0 ? undefined : entries.slice(report).find(isOneOf('local-disk-told'))
  return {
    ...Object.fromEntries(times),
    ...(back ? { restart: secondsBetween(entries[report]!.at, back.at) } : {}),
  }
}

export type Outcome = { word: MachineView['state'] | 'superseded'; note?: string; at?: string }

const ENDS: Readonly<Record<string, Outcome['word']>> = {
  reported: 'installed',
  'installation-inferred': 'installed',
  'answer-failed': 'failed',
  'gave-up': 'failed',
  blocked: 'blocked',
  stalled: 'stalled',
  restored: 'held',
}

/** How it ended; for the latest one, how it stands. */
export function outcomeOf({ steps }: Group, isLatest: boolean, state: MachineView['state']): Outcome {
  const end = steps.findLast(({ entry }) => entry.type in ENDS && !entry.anomaly)?.entry
  const note = end?.type === 'installation-inferred' ? 'inferred: it booted its disk, and no report came' : undefined
  if (isLatest)
    return { word: state, ...(end && ENDS[end.type] === state ? { at: end.at } : {}), ...(note ? { note } : {}) }
  if (!end) return { word: 'superseded', note: 'another attempt began before it ended' }
  return { word: ENDS[end.type]!, at: end.at, ...(note ? { note } : {}) }
}
