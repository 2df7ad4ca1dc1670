/**
 * shim and GRUB as Debian signs them, for machines with Secure Boot. The packages are unpacked and not installed: installing them touches the boot set-up of
 * the host. apt verifies what it downloads.
 */
import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readdir, rm, stat, symlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { EnvironmentProblem } from '../kit/problem.ts'

const run = promisify(execFile)

export type SignedLoaders = {
  /** A folder for `boot.loaders`: iPXE's loaders and the two that are signed. */
  folder: string
  /** What a disk needs that is to boot with Secure Boot. */
  disk: { shim: string; grub: string }
}

/** Where they are kept, to be downloaded once. */
export const SIGNED_LOADERS = join(
  process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
  'rackrise/signed-loaders',
)

const PACKAGES = ['shim-signed', 'grub-efi-amd64-signed']
const SHIM = 'usr/lib/shim/shimx64.efi.signed'
const GRUB = 'usr/lib/grub/x86_64-efi-signed'
const IPXE = '/usr/lib/ipxe'
const DOWNLOAD_LIMIT_MS = 120_000

function signedLoadersIn(folder: string): SignedLoaders {
  const disk = { shim: join(folder, 'shimx64.efi.signed'), grub: join(folder, 'grubx64.efi.signed') }
  return { folder, disk }
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

/**
 * Downloads and unpacks them into the folder, if they are not there. A private network has no way to the archive, so this comes before entering one.
 * Throws EnvironmentProblem `no-signed-loaders`.
 */
export async function fetchSignedLoaders(folder: string): Promise<SignedLoaders> {
  const loaders = signedLoadersIn(folder)
  if (await isThere(loaders.disk.grub)) return loaders
  await mkdir(folder, { recursive: true })
  const work = await mkdtemp(join(folder, 'unpack-'))
  try {
    await run('apt-get', ['download', ...PACKAGES], { cwd: work, timeout: DOWNLOAD_LIMIT_MS })
    for (const name of await readdir(work)) await run('dpkg', ['-x', join(work, name), join(work, 'files')])
    const files = join(work, 'files')
    await copyFile(join(files, SHIM), loaders.disk.shim)
    await copyFile(join(files, GRUB, 'grubnetx64.efi.signed'), join(folder, 'grubnetx64.efi.signed'))
    for (const name of ['undionly.kpxe', 'snponly.efi'])
      if (!(await isThere(join(folder, name)))) await symlink(join(IPXE, name), join(folder, name))
    // Last: its presence says that all of them are there.
    await copyFile(join(files, GRUB, 'grubx64.efi.signed'), loaders.disk.grub)
    return loaders
  } catch (error) {
    throw new EnvironmentProblem(
      'no-signed-loaders',
      `the signed loaders could not be downloaded: ${error instanceof Error ? error.message : String(error)}`,
      `run \`apt-get update\` where there is a Debian archive, then try again (packages ${PACKAGES.join(' and ')})`,
    )
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
