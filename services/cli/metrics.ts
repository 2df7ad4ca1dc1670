/** `rackrise metrics`: what the running appliance has counted. */
import { askJson, askText } from '../console/remote-fleet.ts'
import { type Command, say, usageError } from './command.ts'
import { requireRunning } from './state.ts'
import { siteFor } from './site-file.ts'

export const metricsCommand: Command = {
  name: 'metrics',
  summary: 'what the running appliance has counted, for Prometheus or grep',
  usage: ['metrics [--config FILE]'],
  options: {},
  example: 'rackrise metrics | grep rackrise_dhcp_decisions',
  async run(positionals, values) {
    if (positionals.length > 0) return usageError(metricsCommand, `"${positionals[0]}" is too much`)
    const site = await siteFor(values)
    if (!site) return 1
    const socket = await requireRunning(site, 'nothing is counted without one')
    if (values['json'] === true) say(JSON.stringify(await askJson(socket, 'GET', '/api/v1/metrics'), null, 2))
    else say((await askText(socket, '/metrics')).trimEnd())
    return 0
  },
}
