/**
 * Silence in words: what a machine does between two entries of its timeline, how long that usually takes, and what to look at when it takes longer.
 * One table, read from the top; the first row that fits speaks.
 */
import type { MachineView, TimelineEntry } from '../../schema/machine.ts'
import { bytes, duration, percent } from '../words/quantities.ts'
import { fileInWords } from '../words/state-words.ts'

export type Gap = {
  seconds: number
  /** What it does, how long that usually takes. */
  words: string
  /** What to look at, where it takes too long or should not have happened. */
  advice?: string
}

/** Seconds, from and to, as seen on servers and in virtual machines. */
type Usual = readonly [from: number, to: number]

type Row = {
  after: (before: TimelineEntry) => boolean
  /** What ended it. A row without one also speaks while the silence lasts. */
  until?: (next: TimelineEntry) => boolean
  does: string | ((before: TimelineEntry) => string)
  usual?: Usual
  /** Said when `usual` is over; at once where there is no `usual`. */
  advice?: string
}

type Test = Row['after']

const is =
  (...types: string[]): Test =>
  ({ type }) =>
    types.includes(type)

/** DHCP gave it an address, or told it what to load, at that stage of its boot. */
const asked =
  (stage: TimelineEntry['stage']): Test =>
  entry =>
    (entry.type === 'leased' || entry.type === 'boot-told') && entry.stage === stage

const any: Test = () => true
const bootsAgain = asked('firmware')
const byPerson: Test = ({ source }) => source === 'operator'
const LOADING = ['script-served', 'kernel-sent', 'initrd-started']

const SCREEN = 'look at its screen'
const WIRE = 'check cable and switch port; if they are well it is the network driver of its loader'

/** What ended the silence tells what it was. */
const ENDED: readonly Row[] = [
  { after: any, until: is('stalled', 'gave-up'), does: 'nothing was heard', advice: SCREEN },
  {
    after: is('reported', 'installation-inferred'),
    until: bootsAgain,
    does: 'it restarts: the firmware tests itself (POST), then asks for an address',
    usual: [20, 300],
    advice: 'servers with much memory take ten minutes; more is a firmware that waits for a key',
  },
  {
    after: is('initrd-sent'),
    until: bootsAgain,
    does: 'no installer was heard, and the firmware boots again: it was reset, or its kernel gave up',
    advice: 'too little memory is the usual cause: compare it with what the ISO needs',
  },
  {
    after: is(...LOADING),
    until: bootsAgain,
    does: 'the download did not end, and the firmware boots again: it was reset, or its loader gave up',
    advice: WIRE,
  },
  {
    after: is('answer-served', 'first-boot-served'),
    until: bootsAgain,
    does: 'it restarts, and did not report before: the firmware tests itself (POST), then asks for an address',
  },
  { after: is('attempt-started'), until: bootsAgain, does: 'it was off, or did something else, until it booted' },
  {
    after: any,
    until: bootsAgain,
    does: 'until it booted from the network again: off, at work from its disk, or in its firmware (POST)',
  },
  { after: any, until: byPerson, does: 'until a person decided' },
]

/** What comes next on its way. */
const EXPECTED: readonly Row[] = [
  {
    after: is('attempt-started'),
    does: 'it may install at its next network boot: switch it on, or restart it',
  },
  {
    after: asked('firmware'),
    does: 'its firmware fetches the loader',
    usual: [1, 15],
    advice:
      'it has an address and fetches nothing: Secure Boot, a firewall, or another DHCP server; `rackrise doctor` looks for both',
  },
  {
    after: is('loader-sent'),
    does: 'the loader starts its network driver and asks for an address',
    usual: [1, 30],
    advice:
      'the loader sees no link: the switch port forwards too late (spanning tree: make it an edge port), or its driver fails on this NIC',
  },
  {
    after: asked('ipxe'),
    does: 'iPXE fetches its boot script',
    usual: [1, 10],
    advice: 'it has an address and does not reach the HTTP port: look for a firewall in between',
  },
  { after: is('script-served'), does: 'it loads the kernel', usual: [1, 20], advice: WIRE },
  { after: is('kernel-sent'), does: 'it asks for initrd and ISO', usual: [1, 10], advice: WIRE },
  {
    after: is('initrd-started'),
    does: before => `it loads initrd and ISO${sizeOf(before)}`,
    usual: [10, 300],
    advice: WIRE,
  },
  {
    after: is('initrd-sent'),
    does: before => `the kernel starts, and the installer unpacks${sizeOf(before)} into memory`,
    usual: [20, 90],
    advice: `too little memory, or no driver for its NIC in this release: ${SCREEN}`,
  },
  {
    after: asked('installer'),
    does: 'the installer looks for its answer',
    usual: [1, 30],
    advice: `it has an address and does not ask: ${SCREEN}`,
  },
  {
    after: is('answer-looked-up'),
    does: 'the installer asks for its answer',
    usual: [1, 15],
    advice: 'it knows where to ask and does not: the fingerprint of the certificate, or its clock, may be wrong',
  },
  {
    after: is('answer-served', 'first-boot-served'),
    does: 'the installer writes to the disks',
    usual: [60, 900],
    advice: `a report comes at the end of an installation; ${SCREEN}`,
  },
  {
    after: is('reported', 'installation-inferred'),
    does: 'it restarts: the firmware tests itself (POST)',
    usual: [20, 300],
    advice: 'nothing more is needed: not every machine boots from the network again',
  },
  { after: is('load-failed'), does: 'it tries again, or restarts', usual: [5, 300], advice: SCREEN },
  { after: is('local-disk-told'), does: 'it boots its own disk' },
  { after: is('answer-failed', 'gave-up'), does: 'nothing more happens until a person approves it again' },
  { after: asked('system'), does: 'its own system is running' },
]

/** Silence in these states is as it should be: nobody waits for anything. */
const AT_REST: Partial<Record<MachineView['state'], string>> = {
  held: 'nothing is expected: it boots its own disk until somebody approves it',
  blocked: 'nothing is expected: it is given nothing',
  installed: 'nothing is expected: it is installed',
  failed: 'nothing more happens until a person approves it again',
}

function sizeOf({ bytes: count }: TimelineEntry): string {
  return count === undefined ? '' : ` ${bytes(count)}`
}

const MINUTE = 60

/** `20 to 90 s`, `1 to 15 min`, `20 s to 5 min`. */
function usually([from, to]: Usual): string {
  if (to < 2 * MINUTE) return `usual is ${from} to ${to} s`
  const low = from >= MINUTE ? String(from / MINUTE) : duration(from)
  return `usual is ${low} to ${to / MINUTE} min`
}

function said(row: Row, before: TimelineEntry, seconds: number): Gap {
  const does = typeof row.does === 'string' ? row.does : row.does(before)
  const isLate = row.usual === undefined || seconds > row.usual[1]
  return {
    seconds,
    words: row.usual ? `${does}; ${usually(row.usual)}` : does,
    ...(row.advice !== undefined && isLate ? { advice: row.advice } : {}),
  }
}

export const secondsBetween = (from: string, to: string): number =>
  Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000)

/** Shorter silences explain themselves. */
const TOLD_FROM_SECONDS = 5

/** Notes that are written down beside what a machine does, or about its silence; what it did before still tells what it does. */
const NOTES = is('sighted', 'numbered', 'stalled', 'password-shown', 'answer-revealed', 'address-given-up')

/** The latest entry that tells what the machine does, or the one before. */
export function telling(before: TimelineEntry | undefined, entry: TimelineEntry): TimelineEntry {
  return before !== undefined && NOTES(entry) ? before : entry
}

/**
 * Undefined where there is nothing to explain.
 * @param before what the machine did last
 * @param silent how long nothing was written down before `next`
 */
export function gapBetween(before: TimelineEntry, next: TimelineEntry, silent: number): Gap | undefined {
  if (silent < TOLD_FROM_SECONDS) return undefined
  const row =
    ENDED.find(({ after, until }) => after(before) && until!(next)) ?? EXPECTED.find(({ after }) => after(before))
  return row ? said(row, before, silent) : { seconds: silent, words: 'nothing was heard' }
}

/** A packet this young is of a download that goes on. */
const FLOWING_SECONDS = 10

type Now = Pick<MachineView, 'state' | 'progress' | 'heardAt'>

function inDownload({ progress, heardAt }: Now, now: string): Gap | undefined {
  if (!progress || progress.sent >= progress.total) return undefined
  const silent = secondsBetween(heardAt, now)
  if (silent < FLOWING_SECONDS) return undefined
  const part = `${fileInWords(progress.file)} at ${percent(progress.sent, progress.total)} %`
  return { seconds: silent, words: `the last packet came inside of ${part}`, advice: WIRE }
}

/**
 * The silence that lasts.
 * @param last what the machine did last
 * @param now the appliance's time, ISO 8601
 */
export function gapNow(last: TimelineEntry, machine: Now, now: string): Gap {
  const stuck = inDownload(machine, now)
  if (stuck) return stuck
  const silent = secondsBetween(last.at, now)
  const row = EXPECTED.find(({ after }) => after(last))
  const rest = AT_REST[machine.state]
  const isOnTime = row?.usual !== undefined && silent <= row.usual[1]
  if (rest !== undefined && !isOnTime) return { seconds: silent, words: rest }
  if (!row) return { seconds: silent, words: 'nothing is heard', advice: SCREEN }
  const gap = said(row, last, silent)
  // What stands still is late, whatever is usual.
  return machine.state === 'stalled' && row.advice !== undefined ? { ...gap, advice: row.advice } : gap
}
