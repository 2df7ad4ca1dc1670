/** Finished machines for whatever looks after them from now on: Ansible, SSH, or a program of one's own. */
import { familyOf } from '../answer/shapes.ts'
import type { MachineView } from './schema/machine.ts'

export const INVENTORY_FORMATS = ['ansible', 'known_hosts', 'json'] as const
export type InventoryFormat = (typeof INVENTORY_FORMATS)[number]

/** One finished machine. What is absent was not reported. */
export type InventoryHost = {
  /** The full name that its system has, else that of the site file, else its MAC. */
  name: string
  address?: string
  macs: string[]
  serial?: string
  uuid?: string
  /** `pve`, `pbs`, `pmg` or `pdm`. */
  product?: string
  /** Of the installed product, such as `9.2.1`. */
  version?: string
  profile?: string
  installedAt: string
  /** It booted its disk, but no report came. */
  isInferred: boolean
  /** Public key lines, without host name. */
  hostKeys: string[]
}

/** What a machine reports goes into other programs' files: a name is a name there, never a pattern or an expression. */
const PLAIN_NAME = /^[A-Za-z0-9.:-]+$/

function hostOf(view: MachineView): InventoryHost[] {
  const { installed } = view
  if (view.state !== 'installed' || !installed) return []
  const [product, version] = installed.product?.split(' ') ?? []
  const addresses = [installed.address?.split('/')[0], view.staticAddress?.address, view.address]
  const address = addresses.find(one => one !== undefined && familyOf(one) !== undefined)
  const name = [installed.fqdn, view.fqdn, view.name].find(one => one !== undefined && PLAIN_NAME.test(one))
  return [
    {
      name: name ?? view.id,
      ...(address ? { address } : {}),
      macs: view.macs,
      ...(view.serial ? { serial: view.serial } : {}),
      ...(view.uuid ? { uuid: view.uuid } : {}),
      ...(product ? { product } : {}),
      ...(version ? { version } : {}),
      ...(view.profile ? { profile: view.profile } : {}),
      installedAt: installed.at,
      isInferred: installed.inferred,
      hostKeys: installed.hostKeys ?? [],
    },
  ]
}

/** In the order of their names, numbers as numbers. A machine that is being installed anew is not finished. */
export function inventoryOf(views: readonly MachineView[]): InventoryHost[] {
  return views.flatMap(hostOf).toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
}

/** Ansible wants group names to be identifiers. */
function groupName(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_]/g, '_').replace(/^(?=\d)/, '_')
}

/** A double-quoted scalar of YAML 1.2 is one of JSON. */
const quoted = (text: string): string => JSON.stringify(text)

/** As YAML. What a machine says of itself is tagged, since Ansible would run what stands in braces in a serial number. */
function hostVariables(host: InventoryHost): [string, string][] {
  const unsafe = (text: string | undefined): string | undefined => text && `!unsafe ${quoted(text)}`
  const pairs: [string, string | undefined][] = [
    ['ansible_host', host.address && quoted(host.address)],
    ['ansible_user', quoted('root')],
    ['rackrise_mac', quoted(host.macs[0] ?? '')],
    ['rackrise_serial', unsafe(host.serial)],
    ['rackrise_uuid', unsafe(host.uuid)],
    ['rackrise_version', unsafe(host.version)],
    ['rackrise_installed_at', quoted(host.installedAt)],
  ]
  return pairs.flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as [string, string]]))
}

/** A YAML inventory: one group for each product, one for each profile. */
function ansibleInventory(hosts: readonly InventoryHost[]): string {
  const groups = new Map<string, InventoryHost[]>()
  for (const host of hosts) {
    for (const name of [host.product ?? 'proxmox', host.profile && `profile_${host.profile}`]) {
      if (name) groups.set(groupName(name), [...(groups.get(groupName(name)) ?? []), host])
    }
  }
  const lines = ['---', 'all:', hosts.length === 0 ? '  hosts: {}' : '  hosts:']
  for (const host of hosts) {
    lines.push(`    ${quoted(host.name)}:`, ...hostVariables(host).map(([name, value]) => `      ${name}: ${value}`))
  }
  if (groups.size > 0) lines.push('  children:')
  for (const [name, members] of [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    lines.push(`    ${name}:`, '      hosts:', ...members.map(member => `        ${quoted(member.name)}: {}`))
  }
  return `${lines.join('\n')}\n`
}

/** One line for each key, under name and address. Machines without keys have none. */
function knownHosts(hosts: readonly InventoryHost[]): string {
  return hosts
    .flatMap(({ name, address, hostKeys }) => hostKeys.map(key => `${address ? `${name},${address}` : name} ${key}\n`))
    .join('')
}

export function renderInventory(hosts: readonly InventoryHost[], format: InventoryFormat): string {
  switch (format) {
    case 'ansible':
      return ansibleInventory(hosts)
    case 'known_hosts':
      return knownHosts(hosts)
    case 'json':
      return `${JSON.stringify(hosts, null, 2)}\n`
  }
}
