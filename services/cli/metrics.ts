/** `rackrise metrics`: what the running appliance has counted; for people on a terminal, for Prometheus and grep in a pipe. */
import { askJson, askText } from '../console/remote-fleet.ts'
import { isProblem } from '../kit/is-problem.ts'
import { type Counted, metricsText } from './metrics-text.ts'
import { type Command, say, usageError } from './command.ts'
import { requireRunning } from './state.ts'
import { siteFor } from './site-file.ts'

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
    const asJson = () => askJson<Counted[]>(socket, 'GET', '/api/v1/metrics')
    if (values['json'] === true) say(JSON.stringify(await asJson(), null, 2))
    else if (process.stdout.isTTY) {
      const counted = await asJson()
      if (!isProblem(counted)) say(metricsText(counted))
    } else say((await askText(socket, '/metrics')).trimEnd())
    return 0
  },
}
