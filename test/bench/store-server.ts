/**
 * The appliance as `serve` starts it, on a clock whose long waits are short: what upkeep would do ten minutes after the start it does after ten seconds. Arguments: the site
 * file, and by how much waits of a minute or more are shortened.
 */
import type { Clock } from '../../services/kit/clock.ts'
import { systemClock } from '../../services/kit/clock.ts'
import { createLog } from '../../services/kit/pino-log.ts'
import { startAppliance } from '../../services/main.ts'
import { loadSite } from '../../services/site/load.ts'

const LONG_MS = 60_000
const [file = '', shorter = '1'] = process.argv.slice(2)

const clock: Clock = {
  ...systemClock,
  after: (milliseconds, run) =>
    systemClock.after(milliseconds >= LONG_MS ? milliseconds / Number(shorter) : milliseconds, run),
}
const loaded = await loadSite(file)
if ('problems' in loaded) throw new Error(loaded.problems.map(({ message }) => message).join('; '))
const { site } = loaded
const appliance = await startAppliance(site, { log: createLog({ level: 'info', format: 'json' }), clock })
process.stdout.write(`${site.name} is serving\n`)
process.once('SIGTERM', () => void appliance.stop())
