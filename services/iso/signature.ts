/** Is a list of checksums signed by who publishes it? Asks gpgv, which trusts nothing but the keys that it is given. */
import { execFile } from 'node:child_process'
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { dearmor, readStatus, type Signature } from './signature-status.ts'

const LIMIT_MS = 30_000
const MOST_OUTPUT_BYTES = 1024 ** 2

/** Where Debian packages of Proxmox keep the keys of its releases. */
const USUAL_KEYRINGS = [
  '/usr/share/keyrings/proxmox-archive-keyring.gpg',
  '/usr/share/keyrings/proxmox-release-trixie.gpg',
  '/etc/apt/trusted.gpg.d/proxmox-release-trixie.gpg',
  '/etc/apt/trusted.gpg.d/proxmox-release-bookworm.gpg',
]

export async function isReadable(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}

/** Those that are installed here. */
export async function usualKeyrings(): Promise<string[]> {
  const there = await Promise.all(USUAL_KEYRINGS.map(isReadable))
  return USUAL_KEYRINGS.filter((_, index) => there[index])
}

type Ran = { missing: boolean; status: string }

function runGpgv(keyrings: string[], signature: string, list: Uint8Array): Promise<Ran> {
  // A name without a slash would be looked up in the home folder.
  const keys = keyrings.flatMap(file => ['--keyring', resolve(file)])
  return new Promise(done => {
    const child = execFile(
      'gpgv',
      ['--status-fd', '1', ...keys, resolve(signature), '-'],
      { timeout: LIMIT_MS, maxBuffer: MOST_OUTPUT_BYTES, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } },
      (error, status) => done({ missing: error?.code === 'ENOENT', status }),
    )
    // It may end before it has read all of it.
    child.stdin?.on('error', () => {})
    child.stdin?.end(list)
  })
}

/** gpgv reads keys in binary form only; a key in ASCII armour is unpacked into `folder`. */
async function binaryKeyring(file: string, folder: string, index: number): Promise<string> {
  const binary = dearmor(await readFile(file, 'latin1'))
  if (!binary) return file
  const unpacked = join(folder, `${index}.gpg`)
  await writeFile(unpacked, binary, { mode: 0o600 })
  return unpacked
}

/**
 * Compares a detached signature with the bytes of the list. Rejects when a keyring cannot be read.
 * @param keyrings files with public keys, binary or in ASCII armour
 * @param signature path of the detached signature
 */
export async function checkSignature(keyrings: string[], signature: string, list: Uint8Array): Promise<Signature> {
  if (keyrings.length === 0) {
    return { state: 'unchecked', why: 'no key of Proxmox is installed here: name a file of keys with --keyring' }
  }
  const folder = await mkdtemp(join(tmpdir(), 'rackrise-keys-'))
  try {
    const binary = await Promise.all(keyrings.map((file, index) => binaryKeyring(file, folder, index)))
    const { missing, status } = await runGpgv(binary, signature, list)
    if (missing) return { state: 'unchecked', why: 'gpgv is not installed: `apt-get install gpgv`' }
    return readStatus(status)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
