/** What the log tells of a database that is brought up to date: that it was copied and where to, which migration runs, and what took long. */
import { formatSize } from '../kit/amount.ts'
import type { Log } from '../kit/log.ts'
import type { MigrationStep } from './migrate.ts'

/** Between two lines about one copy. */
const EVERY_MS = 5_000
/** What is shorter is told by the line of the next step. */
const LONG_MS = 1_000

const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`

/** @param now milliseconds of some steady count */
export function migrationLog(
  log: Pick<Log, 'info'>,
  now: () => number = () => performance.now(),
): (step: MigrationStep) => void {
  let toldAt = now()
  return step => {
    switch (step.step) {
      case 'copying': {
        if (now() - toldAt < EVERY_MS) return
        toldAt = now()
        const percent = Math.floor((step.done / step.total) * 100)
        return log.info({ room: 'store' }, `copying the database: ${percent} % of ${formatSize(step.total)}`)
      }
      case 'copied': {
        const { copy, bytes, tookMs, isReused } = step
        const what = isReused
          ? `the database is as it was when ${copy} was made of it, so it is not copied again`
          : `the database was copied to ${copy} before it is brought up to date: ${formatSize(bytes)} in ${seconds(tookMs)}`
        return log.info({ room: 'store', copy, bytes, tookMs }, what)
      }
      case 'migrating': {
        const { migration, number, of } = step
        return log.info(
          { room: 'store', migration },
          `bringing the database up to date: ${migration}, ${number} of ${of}`,
        )
      }
      case 'migrated': {
        const { migration, tookMs } = step
        if (tookMs >= LONG_MS) log.info({ room: 'store', migration, tookMs }, `${migration} took ${seconds(tookMs)}`)
      }
    }
  }
}
