/** Packages of the npm registry that are not installed here, such as those of the other architecture: fetched by npm, and used only if they are what package-lock.json says. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './bundle.ts'

type Locked = { version: string; integrity: string }

/** Version and checksum of a package, as they are pinned. */
export function lockedPackage(name: string, lock: string): Locked {
  const { packages } = JSON.parse(lock) as { packages: Record<string, Partial<Locked>> }
  const { version, integrity } = packages[`node_modules/${name}`] ?? {}
  if (version === undefined || integrity === undefined) throw new Error(`package-lock.json does not pin ${name}`)
  return { version, integrity }
}

/** Throws unless it is exactly what was pinned. */
export function checkIntegrity(name: string, tarball: Uint8Array, integrity: string): void {
  const found = `sha512-${createHash('sha512').update(tarball).digest('base64')}`
  if (found !== integrity) throw new Error(`${name} is not what package-lock.json pins: ${found}, not ${integrity}`)
}

/** Fetches a package, checks it, and unpacks some files of it into a folder, which it returns. npm keeps what it fetched before in its own cache. */
export function fetchPackage(name: string, files: readonly string[], work: string): string {
  const { version, integrity } = lockedPackage(name, readFileSync(join(ROOT, 'package-lock.json'), 'utf8'))
  const folder = join(work, name)
  mkdirSync(folder, { recursive: true })
  const line = ['pack', `${name}@${version}`, '--pack-destination', folder, '--prefer-offline', '--silent', '--json']
  const packed = JSON.parse(execFileSync('npm', line, { cwd: ROOT, encoding: 'utf8' })) as { filename: string }[]
  const tarball = join(folder, packed[0]!.filename)
  checkIntegrity(name, readFileSync(tarball), integrity)
  execFileSync('tar', ['-xzf', tarball, '-C', folder, '--strip-components=1', ...files.map(file => `package/${file}`)])
  return folder
}
