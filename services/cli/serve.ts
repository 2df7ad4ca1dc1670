/** `rackrise serve`: the appliance in the foreground, until a signal ends it. */
import { refuseCore } from '../kit/core-limit.ts'
import { isatty } from 'node:tty'
import { serviceManager } from '../kit/native-notify.ts'
import { createLog } from '../kit/pino-log.ts'
import { systemClock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { type Appliance, startAppliance } from '../main.ts'
import { type Command, say, usageError } from './command.ts'
import { aboutLink } from './console.ts'
import { keepTold, statusOf } from './managed.ts'
import { siteFor } from './site-file.ts'
import { operatorName } from './state.ts'
import { VERSION } from './version.ts'

const SIGNALS = ['SIGINT', 'SIGTERM'] as const

const STANDARD_OUTPUT = 1

/** A link is a secret: a person at a terminal may see it, a log that others read may not. */
function showWayIn(console: Appliance['console'], log: Log): void {
  if (isatty(STANDARD_OUTPUT)) {
    const link = console.makeLink('operator', operatorName())
    say(`console: ${link.url}\n  ${aboutLink(link)}; another one: rackrise console link`)
  } else log.info({ console: console.url }, 'the console has no users: `rackrise console link` makes a way in')
}

export const serveCommand: Command = {
  name: 'serve',
  summary: 'run the appliance in the foreground',
  usage: ['serve [--config FILE]'],
  options: {},
  example: 'sudo npx rackrise serve --config config/site.toml',
  refusal: 'it could not start: a port is taken, an interface or file is missing, another appliance has the state',
  async run(positionals, values) {
    if (positionals.length > 0) return usageError(serveCommand, `"${positionals[0]}" is too much`)
    const site = await siteFor(values)
    if (!site) return 1
    const log = createLog({ level: site.log.level, format: values['json'] === true ? 'json' : site.log.format })
    if (!refuseCore()) log.warn({}, 'core files can not be switched off; start it where `ulimit -c 0` was said')
    const manager = serviceManager(process.env, process.pid)
    const onStep = (what: string): void => manager.starting(what)
    onStep('opening the database')
    const onReload = (phase: 'begins' | 'ends'): void => {
      if (phase === 'begins') return manager.reloading()
      log.setLevel(appliance.site.log.level)
      manager.ready(status())
    }
    const appliance: Appliance = await startAppliance(site, { log, clock: systemClock, onStep, onReload })
    const status = (): string => statusOf(appliance.site, appliance)
    const reload = (): void => void appliance.reloading.reload('SIGHUP')
    process.on('SIGHUP', reload)
    manager.ready(status())
    const stopTelling = keepTold(manager, systemClock, status)
    log.info(
      {
        version: VERSION,
        interface: site.network.interface,
        address: site.network.address,
        fingerprint: appliance.fingerprint,
        console: appliance.console.url,
      },
      `${site.name} is serving`,
    )
    if (appliance.console.hasNoUsers) showWayIn(appliance.console, log)
    await new Promise<void>(resolve => {
      for (const signal of SIGNALS) process.once(signal, () => resolve())
    })
    const ending = 'stopping: no new work, running transfers get ten seconds'
    log.info({}, ending)
    process.off('SIGHUP', reload)
    manager.stopping(ending)
    await appliance.stop()
    await stopTelling()
    return 0
  },
}
