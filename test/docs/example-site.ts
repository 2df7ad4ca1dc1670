/** An example of the manual as a person would use it: its files in a folder, with the layers that are shipped, loaders and ISOs. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildStandIn } from '../../services/lab/stand-in/build.ts'
import { writeIso } from '../../services/lab/stand-in/iso-writer.ts'
import { parseSite } from '../../services/site/parse.ts'
import type { Site } from '../../services/site/types.ts'
import { ROOT } from '../presubmit/source.ts'
import { NO_INTERFACES } from '../site/sites.ts'

const EXAMPLES = join(ROOT, 'docs/examples')
const LOADERS = ['undionly.kpxe', 'snponly.efi', 'shimx64.efi.signed', 'grubnetx64.efi.signed']
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFMH2CaRTESUjDYFkTsXsvpTQYP6uDIE8VNpxDZvQbEC ops'

/** The site alone, for what needs no file. */
export async function siteOfExample(use: string): Promise<Site> {
  const outcome = parseSite(await readFile(join(EXAMPLES, use, 'site.toml'), 'utf8'), 'site.toml', NO_INTERFACES)
  if ('problems' in outcome) throw new Error(outcome.problems.map(({ message }) => message).join('; '))
  return outcome.site
}

async function writeBackupServer(folder: string): Promise<void> {
  const info = Buffer.from("RELEASE='4.1'\nISORELEASE='1'\nISONAME='proxmox-backup-server'\nPRODUCT='pbs'\n")
  const files = [
    { path: '/.cd-info', content: info },
    { path: '/auto-installer-capable', content: Buffer.alloc(0) },
    { path: '/boot/linux26', content: Buffer.alloc(4096, 1) },
    { path: '/boot/initrd.img', content: Buffer.alloc(4096, 1) },
  ]
  const octets = writeIso(files, 'pbs').flatMap(segment => (segment.from === 'memory' ? [segment.bytes] : []))
  await writeFile(join(folder, 'proxmox-backup-server_4.1-1.iso'), Buffer.concat(octets))
}

let library: Promise<string> | undefined

/** Three ISOs, made once. */
async function makeLibrary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rackrise-example-isos-'))
  for (const release of ['9.2', '8.4']) await buildStandIn({ folder, kind: 'small', release })
  await writeBackupServer(folder)
  return folder
}

export async function removeLibrary(): Promise<void> {
  if (library) await rm(await library, { recursive: true })
  library = undefined
}

/** The folder; its site file is `site.toml`, and an operator's key is in the layer that all machines share. */
export async function unpackExample(use: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rackrise-example-'))
  for (const name of ['loaders', 'state']) await mkdir(join(folder, name), { mode: 0o700 })
  // A directory of somebody's own has none of ours in it.
  if (use !== 'wiki-server') await cp(join(ROOT, 'answers'), join(folder, 'answers'), { recursive: true })
  await cp(join(EXAMPLES, use), folder, { recursive: true })
  const base = join(folder, 'answers/base.toml')
  const layer = await readFile(base, 'utf8').catch(() => undefined)
  if (layer !== undefined) await writeFile(base, layer.replace('root-ssh-keys = []', `root-ssh-keys = ["${KEY}"]`))
  await writeFile(join(folder, 'hook.key'), 'a key of the receiver\n', { mode: 0o600 })
  for (const name of LOADERS) await writeFile(join(folder, 'loaders', name), 'loader')
  library ??= makeLibrary()
  await cp(await library, join(folder, 'isos'), { recursive: true, preserveTimestamps: true })
  return folder
}
