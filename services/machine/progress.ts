/** How far a download is: known in bytes while it runs, never an event until it is complete. */
import type { Instant } from '../kit/clock.ts'

export type Progress = {
  file: 'loader' | 'kernel' | 'initrd' | 'iso'
  sent: number
  total: number
  /** Where this download began, which is not 0 when it goes on with a broken one. */
  from: number
  startedAt: Instant
  at: Instant
}

/** What is known after a piece of news; a download that begins anew counts from there. */
export function withNews(
  before: Progress | undefined,
  news: Pick<Progress, 'file' | 'sent' | 'total'>,
  at: Instant,
): Progress {
  const goesOn = before?.file === news.file && before.sent <= news.sent
  const { from, startedAt } = goesOn ? before : { from: news.sent, startedAt: at }
  return { ...news, from, startedAt, at }
}

/** Bytes per second since the download began; 0 before a second has passed. */
export function rateOf(progress: Progress): number {
  const seconds = (progress.at - progress.startedAt) / 1000
  return seconds >= 1 ? (progress.sent - progress.from) / seconds : 0
}
