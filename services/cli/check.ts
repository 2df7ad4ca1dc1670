/** `rackrise check`: everything that can be wrong before power-on, all of it at once. Opens no port and starts nothing. */
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { loadLayers } from '../answer/load.ts'
import { listLoaders, type Loaders } from '../boot/load.ts'
import { COMMON_LOADERS, IPXE_LOADERS, signedLoadersMissing } from '../boot/plan.ts'
import { certificateProblems } from '../http/certificate.ts'
import { type IsoCatalogue, memoryNeeded } from '../iso/catalogue.ts'
import { formatSize } from '../kit/amount.ts'
import { systemClock } from '../kit/clock.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import type { Site } from '../site/types.ts'
import { loadSite } from '../site/load.ts'
import { hasFarSubnets } from '../site/networks.ts'
import { unavailable } from '../site/unavailable.ts'
import { checkAnswers } from './check-answers.ts'
import { slowDownloads } from './check-rate.ts'
import { checkState } from './check-state.ts'
import { type Command, complainOf, configFile, say, usageError } from './command.ts'
import { openLibrary } from './library.ts'

function error(code: string, message: string, hint: string): Problem {
  return { code, message, hint, severity: 'error' }
}

function checkInterface(site: Site): Problem[] {
  const addresses = networkInterfaces()[site.network.interface]
  if (!addresses)
    return [
      error(
        'interface-missing',
        `the interface ${site.network.interface} does not exist`,
        'see `ip link` for the names, and set network.interface',
      ),
    ]
  const there = addresses.some(({ address }) => address === site.network.address)
  return there
    ? []
    : [
        error(
          'address-missing',
          `${site.network.interface} does not have the address ${site.network.address}`,
          `give it one: \`ip address add ${site.network.address}/${site.network.prefix.length} dev ${site.network.interface}\``,
        ),
      ]
}

/** Who of the site says that machines load shim and GRUB. */
function wantsSignedLoaders({ boot, profiles, machines, rules }: Site): boolean {
  return [boot, ...profiles.values(), ...machines, ...rules].some(({ loader }) => loader === 'grub')
}

function checkLoaders(site: Site, loaders: Loaders): Problem[] {
  const signed = wantsSignedLoaders(site) ? signedLoadersMissing(loaders) : []
  const hint = 'put it there from the packages that signed the kernel of your ISO, see docs/secure-boot.md'
  return [
    ...missingLoaders(site, loaders),
    ...signed.map(name => error('loaders-missing', `loader = "grub": ${site.boot.loaders} has no ${name}`, hint)),
  ]
}

function missingLoaders(site: Site, loaders: Loaders): Problem[] {
  return COMMON_LOADERS.filter(name => !loaders.has(name)).map(name =>
    error(
      'loaders-missing',
      `${site.boot.loaders} has no ${name}`,
      'install it with `apt-get install ipxe`, or set boot.loaders',
    ),
  )
}

const PING_GROUPS = '/proc/sys/net/ipv4/ping_group_range'

/** Whether a range of groups holds any at all; the kernel's own default, `1 0`, holds none. */
export function holdsGroups(range: string): boolean {
  const [, first, last] = /^\s*(\d+)\s+(\d+)/.exec(range) ?? []
  return first !== undefined && Number(first) <= Number(last)
}

/** Which group the service has is not known here, so only what refuses all of them is told. */
async function checkPings({ network, dhcp }: Site): Promise<Problem[]> {
  const isWanted = dhcp.mode === 'server' && dhcp.probe && hasFarSubnets({ own: network.prefix, subnets: dhcp.subnets })
  if (!isWanted || holdsGroups(await readFile(PING_GROUPS, 'utf8').catch(() => ''))) return []
  const message = 'addresses behind relay agents are not probed: no process may ping'
  const hint =
    '`sysctl -w net.ipv4.ping_group_range="0 2147483647"`, and the same in /etc/sysctl.d, or set dhcp.probe = false'
  return [{ code: 'no-pings', message, hint, severity: 'warning' }]
}

function checkProfiles(site: Site, catalogue: IsoCatalogue): Problem[] {
  return [...site.profiles.values()].flatMap(profile => {
    const iso = catalogue.find(profile.iso)
    if (isProblem(iso)) return [{ ...iso, message: `profile ${profile.name}: ${iso.message}` }]
    if (!iso.autoInstallCapable)
      return [
        error(
          'iso-not-capable',
          `profile ${profile.name}: ${iso.file} has no automated installer`,
          'use Proxmox VE 8.2, Backup Server 3.2, Mail Gateway 8.2, Datacenter Manager 1.0 or newer',
        ),
      ]
    return []
  })
}

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
  return [
    `${site.name}: ${site.network.interface} ${site.network.address}, domain ${site.domain}`,
    `  machines  ${site.machines.length} listed, ${site.machines.filter(({ approve }) => approve).length} of them approved by the site file`,
    `  loaders   ${loaderLine(loaders)}`,
    `  isos      ${isos.length > 0 ? isos.join(', ') : 'none'}`,
  ].join('\n')
}

export const checkCommand: Command = {
  name: 'check',
  summary: 'find everything that can be wrong before power-on',
  usage: ['check [--config FILE] [--json]'],
  options: {},
  example: 'rackrise check --config /etc/rackrise/site.toml',
  async run(positionals, values) {
    if (positionals.length > 0) return usageError(checkCommand, `"${positionals[0]}" is too much`)
    const json = values['json'] === true
    const loaded = await loadSite(configFile(values))
    if ('problems' in loaded) {
      complainOf(loaded.problems, json)
      return 1
    }
    const { site, warnings } = loaded
    const catalogue = await openLibrary(site)
    const loaders = await listLoaders(site.boot.loaders)
    const layers = await loadLayers(site.paths.answers)
    const problems = [
      ...warnings,
      ...unavailable(site),
      ...checkInterface(site),
      ...checkLoaders(site, loaders),
      ...(await checkPings(site)),
      ...(await certificateProblems(site, systemClock.now())),
      ...catalogue.problems(),
      ...checkProfiles(site, catalogue),
      ...slowDownloads(site, catalogue),
      ...checkAnswers(site, layers, catalogue),
      ...checkState(site),
    ]
    const errors = problems.filter(({ severity }) => severity === 'error').length
    complainOf(problems, json)
    if (!json)
      say(
        `${summary(site, catalogue, loaders)}\n${errors === 0 ? 'ready' : `not ready: ${errors} ${errors === 1 ? 'error' : 'errors'}`}`,
      )
    return errors === 0 ? 0 : 1
  },
}
