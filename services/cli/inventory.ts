/** `rackrise inventory`: finished machines, handed over. */
import { INVENTORY_FORMATS, inventoryOf, renderInventory } from '../console/inventory.ts'
import { type Command, complain, usageError } from './command.ts'
import { openFleet } from './fleet.ts'
import { siteFor } from './site-file.ts'

export const inventoryCommand: Command = {
  name: 'inventory',
  summary: 'finished machines for Ansible, SSH or a program',
  usage: ['inventory [--format ansible|known_hosts|json]'],
  options: {
    format: {
      type: 'string',
      value: 'FORMAT',
      help: `${INVENTORY_FORMATS.join(', ')} (default ansible; json with --json)`,
    },
  },
  example: 'rackrise inventory --format known_hosts >> ~/.ssh/known_hosts',
  refusal: 'the state cannot be read',
  async run(positionals, values) {
    if (positionals.length > 0) return usageError(inventoryCommand, `"${positionals[0]}" is too much`)
    const wanted = values['format'] ?? (values['json'] === true ? 'json' : 'ansible')
    const format = INVENTORY_FORMATS.find(one => one === wanted)
    if (!format)
      return usageError(inventoryCommand, `there is no format "${String(wanted)}", but ${INVENTORY_FORMATS.join(', ')}`)
    const site = await siteFor(values)
    if (!site) return 1
    const fleet = await openFleet(site)
    try {
      const hosts = inventoryOf(await fleet.list())
      process.stdout.write(renderInventory(hosts, format))
      const silent = hosts.filter(({ hostKeys }) => hostKeys.length === 0)
      if (hosts.length === 0) complain('no machine is installed yet; see `rackrise machine list`')
      else if (format === 'known_hosts' && silent.length > 0) {
        complain(`no host keys were reported for ${silent.map(({ name }) => name).join(', ')}`)
      }
      return 0
    } finally {
      await fleet.close()
    }
  },
}
