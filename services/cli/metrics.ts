/** `rackrise metrics`: what the running appliance has counted; for people on a terminal, for Prometheus and grep in a pipe. */
import { askJson, askText } from '../console/remote-fleet.ts'
import { isProblem } from '../kit/is-problem.ts'
import { type Counted, metricsText } from './metrics-text.ts'
import { type Command, complainOf, say, usageError } from './command.ts'
import { requireRunning } from './state.ts'
import { siteFor } from './site-file.ts'
import { widthOf } from './wrap.ts'

export const metricsCommand: Command = {
  name: 'metrics',
  summary: 'what the running appliance has counted, for Prometheus or grep',
  usage: ['metrics [--config FILE]'],
  options: {},
  example: 'rackrise metrics | grep rackrise_dhcp_decisions',
  refusal: 'no appliance runs',
  async run(positionals, values) {
    if (positionals.length > 0) return usageError(metricsCommand, `"${positionals[0]}" is too much`)
    const site = await siteFor(values)
    if (!site) return 1
    const socket = await requireRunning(site, 'nothing is counted without one')
    const json = values['json'] === true
    if (!json && !process.stdout.isTTY) {
      say((await askText(socket, '/metrics')).trimEnd())
      return 0
    }
    const counted = await askJson<Counted[]>(socket, 'GET', '/api/v1/metrics')
    if (isProblem(counted)) {
      complainOf([counted], json)
      return 1
    }
    say(json ? JSON.stringify(counted, null, 2) : metricsText(counted, widthOf(process.stdout)))
    return 0
  },
}
