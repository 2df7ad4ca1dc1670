/** How far a download is: known in bytes while it runs, never an event until it is complete. */
import type { Instant } from '../kit/clock.ts'

export type Progress = {
  file: 'loader' | 'kernel' | 'initrd'
  sent: number
  total: number
  startedAt: Instant
  at: Instant
}

/** Bytes per second since the download began; 0 before a second has passed. */
export function rateOf(progress: Progress): number {
  const seconds = (progress.at - progress.startedAt) / 1000
  return seconds >= 1 ? progress.sent / seconds : 0
}
