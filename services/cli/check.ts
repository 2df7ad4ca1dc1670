/** `rackrise check`: everything that can be wrong before power-on, all of it at once. Opens no port and starts nothing. */
import type { Loaders } from '../boot/load.ts'
import { IPXE_LOADERS, signedLoadersMissing } from '../boot/plan.ts'
import { runCheck } from '../health/check.ts'
import { diskEdge } from '../health/edge/check-edge.ts'
import { type IsoCatalogue, memoryNeeded } from '../iso/catalogue.ts'
import { formatSize } from '../kit/amount.ts'
import type { Site } from '../site/types.ts'
import { type Command, complainOf, configFile, say, usageError } from './command.ts'
import { factSheet } from './table.ts'
import { widthOf } from './wrap.ts'

/** Which loader each architecture gets; `none` where the folder has no file for it, with the names that would do. */
function loaderLine(loaders: Loaders): string {
  return Object.entries(IPXE_LOADERS)
    .map(([architecture, names]) => {
      const found = names.find(name => loaders.has(name))
      return `${architecture} ${found ?? `none (no ${names.join(' or ')})`}`
    })
    .join(', ')
    .concat(signedLoadersMissing(loaders).length === 0 ? '; signed: shim and GRUB' : '')
}

function summary(site: Site, catalogue: IsoCatalogue, loaders: Loaders): string {
  const isos = catalogue
    .entries()
    .map(entry => `${entry.file} (${formatSize(memoryNeeded(entry))} of memory per machine)`)
  const approved = site.machines.filter(({ approve }) => approve).length
  return factSheet(
    `${site.name}: ${site.network.interface} ${site.network.address}, domain ${site.domain}`,
    [
      ['machines', `${site.machines.length} listed, ${approved} of them approved by the site file`],
      ['loaders', loaderLine(loaders)],
      ['isos', isos.length > 0 ? isos.join(', ') : 'none'],
    ],
    widthOf(process.stdout),
  )
}

export const checkCommand: Command = {
  name: 'check',
  summary: 'find everything that can be wrong before power-on',
  usage: ['check [--config FILE] [--json]'],
  options: {},
  example: 'rackrise check --config /etc/rackrise/site.toml',
  refusal: 'there is at least one error; warnings alone are 0',
  async run(positionals, values) {
    if (positionals.length > 0) return usageError(checkCommand, `"${positionals[0]}" is too much`)
    const json = values['json'] === true
    const { problems, found } = await runCheck(configFile(values), diskEdge)
    const errors = problems.filter(({ severity }) => severity === 'error').length
    complainOf(problems, json)
    if (found && !json)
      say(
        `${summary(found.site, found.catalogue, found.loaders)}\n${errors === 0 ? 'ready' : `not ready: ${errors} ${errors === 1 ? 'error' : 'errors'}`}`,
      )
    if (errors === 0 && !json && process.stdout.isTTY)
      say('next, as root: `rackrise doctor` looks at the wire, `rackrise serve` runs it')
    return errors === 0 ? 0 : 1
  },
}
