/** Timelines as the API tells them, for tests of the page. */
import type { TimelineEntry } from '../../../services/console/schema/machine.ts'

const SOURCES: Record<string, TimelineEntry['source']> = {
  leased: 'dhcp',
  'loader-sent': 'tftp',
  'attempt-started': 'operator',
  'script-served': 'http',
  'kernel-sent': 'http',
  'initrd-started': 'http',
  'initrd-sent': 'http',
  'local-disk-told': 'http',
  'answer-looked-up': 'dns',
  'answer-served': 'answer',
  reported: 'webhook',
  stalled: 'clock',
}

export const START = Date.parse('2026-11-26T12:00:00.000Z')

export const iso = (second: number): string => new Date(START + second * 1000).toISOString()

let seq = 0

/** @param second after noon */
export function entry(second: number, type: string, part: Partial<TimelineEntry> = {}): TimelineEntry {
  return { seq: ++seq, at: iso(second), source: SOURCES[type] ?? 'dhcp', type, text: type, ...part }
}

/** A whole installation, as a server does it. */
export function installation(from = 0, attempt = '3f9c0000'): TimelineEntry[] {
  return [
    entry(from, 'attempt-started', { attempt, profile: 'pve' }),
    entry(from + 60, 'leased', { stage: 'firmware' }),
    entry(from + 62, 'loader-sent', { bytes: 1_048_576 }),
    entry(from + 75, 'leased', { stage: 'ipxe' }),
    entry(from + 76, 'script-served', { attempt }),
    entry(from + 78, 'kernel-sent', { attempt, bytes: 15_728_640 }),
    entry(from + 78, 'initrd-started', { attempt, bytes: 1_717_986_918 }),
    entry(from + 98, 'initrd-sent', { attempt, bytes: 1_717_986_918 }),
    entry(from + 172, 'leased', { stage: 'installer' }),
    entry(from + 174, 'answer-looked-up', { attempt }),
    entry(from + 175, 'answer-served', { attempt }),
    entry(from + 400, 'reported', { attempt }),
    entry(from + 590, 'leased', { stage: 'firmware' }),
    entry(from + 593, 'loader-sent', { bytes: 1_048_576 }),
    entry(from + 600, 'local-disk-told', { attempt }),
  ]
}
