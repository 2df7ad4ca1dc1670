/** The initrd of the stand-in: Debian's own programs with their libraries, kernel modules, and the scripts beside this file. */
import { execFile } from 'node:child_process'
import { readdir, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programFile } from '../../kit/program-files.ts'
import { missingPackages, missingPackagesProblem, type Need } from '../packages.ts'
import { bootDisk, type SignedSystem } from './boot-disk.ts'
import { type CpioEntry, writeCpio } from './cpio.ts'

const run = promisify(execFile)

/** A kernel of the host with its modules. */
export type Kernel = { release: string; image: string; modules: string }

/** The folder of the scripts: this one. */
export const STAND_IN = 'services/lab/stand-in'
const PROGRAMS = ['/usr/bin/openssl', '/usr/bin/bash', '/usr/sbin/dhclient'] as const
const BUSYBOX = '/usr/bin/busybox'
const NEEDS: Need[] = [
  { file: BUSYBOX, package: 'busybox-static' },
  { file: '/usr/sbin/dhclient', package: 'isc-dhcp-client' },
  { file: '/usr/sbin/dhclient-script', package: 'isc-dhcp-client' },
  { file: '/etc/dhcp/dhclient.conf', package: 'isc-dhcp-client' },
  { file: '/usr/bin/openssl', package: 'openssl' },
  { file: '/usr/bin/bash', package: 'bash' },
]
const KERNEL_PACKAGE = 'linux-image-amd64'

/** Everything between a PCI bus and `/proxmox.iso`; dependencies are added. Debian signs modules, so they stay as they are. */
const MODULES = ['virtio_pci', 'virtio_net', 'virtio_blk', 'virtio-rng', 'e1000', 'e1000e', 'loop', 'isofs']

/** The three lines that the Proxmox installer adds to Debian's configuration in automated mode. */
const PRIVATE_OPTIONS = `
option proxmox-auto-installer-manifest-url code 250 = text;
option proxmox-auto-installer-cert-fingerprint code 251 = text;
also request proxmox-auto-installer-manifest-url, proxmox-auto-installer-cert-fingerprint;
`

/** Debian's dhclient-script copies owner and mode with options that busybox does not have; root owns everything here. */
const ENTER_HOOK = 'chown() { :; }\nchmod() { :; }\n'

const SCRIPTS = ['say.sh', 'toml.sh', 'facts.sh', 'source.sh', 'post.sh', 'install.sh', 'txt.bash'] as const
const FOLDERS = `bin sbin usr usr/bin usr/sbin proc sys dev cdrom tmp run etc etc/dhcp var var/lib var/lib/dhcp
  lib lib/stand-in lib/modules lib/x86_64-linux-gnu lib64`.split(/\s+/)

/** Debian packages that the full stand-in is made of and that are not there. */
export async function missingForStandIn(): Promise<string[]> {
  return [...(await missingPackages(NEEDS)), ...((await findKernel()) ? [] : [KERNEL_PACKAGE])]
}

/** Throws EnvironmentProblem `missing-packages`. */
export async function requirePrograms(): Promise<Kernel> {
  const kernel = await findKernel()
  const missing = await missingForStandIn()
  if (!kernel || missing.length > 0) throw missingPackagesProblem(missing, 'the stand-in ISO')
  return kernel
}

/** The last one of /boot that has modules and that a plain image belongs to. */
async function findKernel(): Promise<Kernel | undefined> {
  const releases = await readdir('/lib/modules').catch((): string[] => [])
  const images = await readdir('/boot').catch((): string[] => [])
  const release = releases
    .filter(name => images.includes(`vmlinuz-${name}`))
    .toSorted()
    .at(-1)
  return release === undefined
    ? undefined
    : { release, image: `/boot/vmlinuz-${release}`, modules: `/lib/modules/${release}` }
}

/** Not compressed. `signed` is what its disk boots with Secure Boot; `extra` are further files for its root, such as `.cd-info`. */
export async function buildInitramfs(
  kernel: Kernel,
  extra: readonly CpioEntry[],
  signed?: SignedSystem,
): Promise<Buffer> {
  const parts = await Promise.all([programs(), modules(kernel), scripts(signed), settings()])
  const folders: CpioEntry[] = FOLDERS.map(path => ({ path, kind: 'folder' }))
  const console: CpioEntry = { path: 'dev/console', kind: 'character-device', major: 5, minor: 1 }
  return writeCpio([...folders, console, ...parts.flat(), ...extra])
}

async function programs(): Promise<CpioEntry[]> {
  const libraries = new Set<string>()
  for (const program of PROGRAMS) {
    const { stdout } = await run('ldd', [program])
    for (const [, path] of stdout.matchAll(/(\/\S+) \(0x/g)) libraries.add(path!)
  }
  return [
    await file('bin/busybox', BUSYBOX),
    { path: 'bin/sh', kind: 'link', to: 'busybox' },
    await file('sbin/dhclient-script', '/usr/sbin/dhclient-script'),
    ...(await Promise.all(PROGRAMS.map(path => file(path.slice(1), path)))),
    ...(await Promise.all([...libraries].map(path => file(path.slice(1), path)))),
  ]
}

async function file(path: string, source: string): Promise<CpioEntry> {
  return { path, kind: 'file', bytes: await readFile(await realpath(source)), executable: true }
}

/** Modules with what they depend on, in the order of loading (`/lib/modules/order`). */
async function modules(kernel: Kernel): Promise<CpioEntry[]> {
  const table = new Map<string, string[]>()
  for (const line of (await readFile(join(kernel.modules, 'modules.dep'), 'utf8')).split('\n')) {
    const [path = '', rest = ''] = line.split(':')
    if (path !== '') table.set(path, rest.split(' ').filter(Boolean))
  }
  const order = new Set<string>()
  const visit = (path: string): void => {
    if (order.has(path)) return
    for (const needed of table.get(path) ?? []) visit(needed)
    order.add(path)
  }
  for (const name of MODULES) {
    const path = [...table.keys()].find(key => key.endsWith(`/${name}.ko`))
    // A kernel may have it built in; then there is nothing to load.
    if (path !== undefined) visit(path)
  }
  const names = [...order].map(path => path.slice(path.lastIndexOf('/') + 1))
  const files = await Promise.all(
    [...order].map(async (path, index) => file(`lib/modules/${names[index]}`, join(kernel.modules, path))),
  )
  return [...files, { path: 'lib/modules/order', kind: 'file', bytes: Buffer.from(`${names.join('\n')}\n`) }]
}

async function scripts(signed: SignedSystem | undefined): Promise<CpioEntry[]> {
  return [
    await file('init', programFile(`${STAND_IN}/init.sh`)),
    ...(await Promise.all(SCRIPTS.map(name => file(`lib/stand-in/${name}`, programFile(`${STAND_IN}/${name}`))))),
    { path: 'lib/stand-in/disk.img', kind: 'file', bytes: bootDisk(signed) },
  ]
}

async function settings(): Promise<CpioEntry[]> {
  const configuration = await readFile('/etc/dhcp/dhclient.conf', 'utf8')
  return [
    { path: 'etc/dhcp/dhclient.conf', kind: 'file', bytes: Buffer.from(configuration + PRIVATE_OPTIONS) },
    { path: 'etc/dhcp/dhclient-enter-hooks', kind: 'file', bytes: Buffer.from(ENTER_HOOK) },
    { path: 'etc/fstab', kind: 'file', bytes: Buffer.alloc(0) },
    { path: 'etc/resolv.conf', kind: 'file', bytes: Buffer.alloc(0) },
    { path: 'etc/passwd', kind: 'file', bytes: Buffer.from('root:x:0:0::/:/bin/sh\n') },
  ]
}
