/** What the page says of a machine: its state in a word, its stage, how far it is, and whether somebody should look at it. */
import type { MachineView } from '../../schema/machine.ts'
import { duration, percent, rate } from './quantities.ts'

export type State = MachineView['state']

/** In the order of a machine's way, then where it may get stuck. */
export const STATES: readonly State[] = [
  'held',
  'approved',
  'booting',
  'installing',
  'installed',
  'failed',
  'stalled',
  'blocked',
]

/** What a state means, for somebody who reads it the first time. */
export const MEANINGS: Record<State, string> = {
  held: 'nobody approved it: it boots its own disk',
  approved: 'one installation may start, at its next network boot',
  booting: 'it fetched its boot script and loads kernel, initrd and ISO',
  installing: 'it got its answer and writes to its disks',
  installed: 'it reported the installation, and boots its disk from now on',
  failed: 'it was refused, or gave up',
  stalled: 'nothing was heard of it for too long',
  blocked: 'a person said never: it is given nothing',
}

/** Failed, stalled, claimed by two, or going in circles; what only waits for an approval may wait for ever. */
export function needsAttention({ state, reason, conflicts }: MachineView): boolean {
  return (
    state === 'failed' || state === 'stalled' || conflicts !== undefined || (state === 'held' && reason !== undefined)
  )
}

export function isUnderWay({ state }: MachineView): boolean {
  return state === 'approved' || state === 'booting' || state === 'installing'
}

const STAGES: Record<string, string> = {
  firmware: 'firmware asked for a loader',
  ipxe: 'iPXE is running',
  installer: 'installer is running',
  system: 'its own system is running',
}

/** Undefined where nothing is known about its boot. */
export function stageInWords({ stage }: MachineView): string | undefined {
  return stage === undefined ? undefined : (STAGES[stage] ?? stage)
}

const FILES: Record<string, string> = { loader: 'loader', kernel: 'kernel', initrd: 'initrd and ISO', iso: 'ISO' }

export function fileInWords(file: string): string {
  return FILES[file] ?? file
}

export type ProgressInWords = { file: string; percent: number; rate: string; left?: string }

/** Undefined while nothing is being sent. `left` is absent while the rate is not known, and at the end. */
export function progressInWords(
  progress: Pick<NonNullable<MachineView['progress']>, 'file' | 'sent' | 'total' | 'bytesPerSecond'>,
): ProgressInWords {
  const { file, sent, total, bytesPerSecond } = progress
  const left = bytesPerSecond > 0 && sent < total ? (total - sent) / bytesPerSecond : undefined
  return {
    file: fileInWords(file),
    percent: percent(sent, total),
    rate: rate(bytesPerSecond),
    ...(left === undefined ? {} : { left: duration(Math.ceil(left)) }),
  }
}

/** Title of the browser's tab. */
export function pageTitle(view: string, appliance: string | undefined, attention: number): string {
  const names = [view, appliance ?? 'Rackrise'].filter(name => name !== '')
  return `${attention > 0 ? `(${attention}) ` : ''}${names.join(' · ')}`
}
