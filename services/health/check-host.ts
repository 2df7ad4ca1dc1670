/** What this machine lacks of what the site asks for: its interface, its loaders, the right to ping, ISOs that install. Pure. */
import type { Loaders } from '../boot/load.ts'
import { COMMON_LOADERS, signedLoadersMissing } from '../boot/plan.ts'
import type { IsoCatalogue } from '../iso/catalogue.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import { hasFarSubnets } from '../site/networks.ts'
import type { Site } from '../site/types.ts'

function error(code: string, message: string, hint: string): Problem {
  return { code, message, hint, severity: 'error' }
}

/** @param addresses those of the interface, undefined where there is no such interface */
export function checkInterface(
  { network }: Pick<Site, 'network'>,
  addresses: readonly string[] | undefined,
): Problem[] {
  if (!addresses)
    return [
      error(
        'interface-missing',
        `the interface ${network.interface} does not exist`,
        'see `ip link` for the names, and set network.interface',
      ),
    ]
  return addresses.includes(network.address)
    ? []
    : [
        error(
          'address-missing',
          `${network.interface} does not have the address ${network.address}`,
          `give it one: \`ip address add ${network.address}/${network.prefix.length} dev ${network.interface}\``,
        ),
      ]
}

/** Who of the site says that machines load shim and GRUB. */
function wantsSignedLoaders({ boot, profiles, machines, rules }: Site): boolean {
  return [boot, ...profiles.values(), ...machines, ...rules].some(({ loader }) => loader === 'grub')
}

export function checkLoaders(site: Site, loaders: Loaders): Problem[] {
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

/** Whether a range of groups holds any at all; the kernel's own default, `1 0`, holds none. */
export function holdsGroups(range: string): boolean {
  const [, first, last] = /^\s*(\d+)\s+(\d+)/.exec(range) ?? []
  return first !== undefined && Number(first) <= Number(last)
}

/**
 * Which group the service has is not known here, so only what refuses all of them is told.
 * @param groups the kernel's net.ipv4.ping_group_range
 */
export function checkPings({ network, dhcp }: Pick<Site, 'network' | 'dhcp'>, groups: string): Problem[] {
  const isWanted = dhcp.mode === 'server' && dhcp.probe && hasFarSubnets({ own: network.prefix, subnets: dhcp.subnets })
  if (!isWanted || holdsGroups(groups)) return []
  const message = 'addresses behind relay agents are not probed: no process may ping'
  const hint =
    '`sysctl -w net.ipv4.ping_group_range="0 2147483647"`, and the same in /etc/sysctl.d, or set dhcp.probe = false'
  return [{ code: 'no-pings', message, hint, severity: 'warning' }]
}

export function checkProfiles(site: Pick<Site, 'profiles'>, catalogue: Pick<IsoCatalogue, 'find'>): Problem[] {
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
