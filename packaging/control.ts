/** The control files of the package (deb-control(5)): what it needs, which files are an administrator's, what scripts do. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ROOT } from './bundle.ts'
import { type Entry, file } from './tree.ts'

export const MAINTAINER = 'Rackrise maintainers <maintainers@rackrise.example>'

export type Architecture = 'amd64' | 'arm64'

/** What Node and koffi are linked with, from the versions on whose symbols they use. */
const LIBRARIES = ['libc6 (>= 2.28)', 'libstdc++6 (>= 5.2)', 'libgcc-s1', 'libatomic1']
/** Any of three packages makes users; where systemd runs it is there anyway. */
const DEPENDS = [...LIBRARIES, 'ipxe', 'systemd | systemd-standalone-sysusers | systemd-sysusers']
/** `iso verify`, and the lab. */
const RECOMMENDS = ['gpgv', 'iproute2']
/** QEMU machines in the lab (`rackrise lab --install`), and what `doctor` asks about the firewall. */
const SUGGESTS = ['qemu-system-x86', 'ovmf', 'ipxe-qemu', 'nftables', 'bash-completion']

const KIB = 1024

/** As dpkg counts it (deb-substvars(5)): files in whole KiB, and one for each folder and link. */
export function installedKib(entries: readonly Entry[]): number {
  const folders = new Set(entries.flatMap(({ path }) => path.split('/').map((_, i, all) => all.slice(0, i).join('/'))))
  const size = (entry: Entry): number => ('content' in entry ? Math.ceil(entry.content.length / KIB) : 1)
  return entries.reduce((total, entry) => total + size(entry), folders.size)
}

function controlText(entries: readonly Entry[], version: string, architecture: Architecture): string {
  const fields = [
    ['Package', 'rackrise'],
    ['Version', version],
    ['Architecture', architecture],
    ['Maintainer', MAINTAINER],
    ['Installed-Size', String(installedKib(entries))],
    ['Depends', DEPENDS.join(', ')],
    ['Recommends', RECOMMENDS.join(', ')],
    ['Suggests', SUGGESTS.join(', ')],
    ['Section', 'net'],
    ['Priority', 'optional'],
    ['Description', 'netboot appliance for the Proxmox automated installer'],
  ]
  return `${fields.map(([name, value]) => `${name}: ${value}`).join('\n')}
 Put it on a provisioning VLAN, switch a rack on, and every machine that was
 approved installs itself with its own answer file. One process is DHCP server,
 DNS server, TFTP and HTTP boot server for Proxmox ISOs, answer endpoint,
 webhook receiver and console.
 .
 It erases disks for a living: nothing is installed that nobody approved, and an
 installed machine boots its disk. It brings its own Node.js, and is neither
 enabled nor started when it is installed.
`
}

/** Units that are enabled, disabled, started and stopped: all that have an [Install] section. */
export function unitNames(entries: readonly Entry[]): string[] {
  return entries
    .filter(entry => entry.path.startsWith('usr/lib/systemd/system/') && 'content' in entry)
    .filter(entry => /^\[Install\]$/m.test(Buffer.from((entry as { content: Uint8Array }).content).toString()))
    .map(({ path }) => basename(path))
}

function script(name: string, units: readonly string[]): Entry {
  const text = readFileSync(join(ROOT, 'packaging/debian', name), 'utf8')
  return file(name, text.replaceAll('@UNITS@', units.join(' ')), 0o755)
}

const md5 = (content: Uint8Array): string => createHash('md5').update(content).digest('hex')

/** Files of the control archive. @param entries what is installed, in order */
export function controlFiles(entries: readonly Entry[], version: string, architecture: Architecture): Entry[] {
  const files = entries.filter(entry => 'content' in entry)
  const conffiles = files.filter(({ path }) => path.startsWith('etc/'))
  const units = unitNames(entries)
  const others = files.filter(({ path }) => !path.startsWith('etc/'))
  return [
    file('control', controlText(entries, version, architecture)),
    file('conffiles', conffiles.map(({ path }) => `/${path}\n`).join('')),
    file('md5sums', others.map(({ path, content }) => `${md5(content)}  ${path}\n`).join('')),
    ...['postinst', 'prerm', 'postrm'].map(name => script(name, units)),
  ]
}
