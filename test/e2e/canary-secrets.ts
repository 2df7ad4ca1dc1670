/** Secrets that can be recognised, wherever a secret can come in, and the search for them in what goes out or is kept. */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { LabMachine } from '../../services/lab/rack-plan.ts'

/** Every one of them contains this, so that one search finds one that was cut or joined, too. */
export const MARK = 'c4n4ry'

export const SECRETS = {
  rootPassword: `${MARK}-root-password`,
  rootHash: `$6$${MARK}salt$${`${MARK}hash`.padEnd(86, 'x')}`,
  subscription: `pve1c-${MARK}key`,
  sshPrivateKey: `-----BEGIN OPENSSH PRIVATE KEY----- ${MARK}-ssh`,
  misspelt: `${MARK}-misspelt-key`,
  brokenLayer: `${MARK}-broken-layer`,
  webhookPath: `${MARK}-hook-path`,
  webhookQuery: `${MARK}-hook-query`,
  webhookKey: `${MARK}-hook-key-of-at-least-sixteen-characters`,
  receiver: `${MARK}-receiver-said-this`,
  siteToken: `${MARK}-site-token`,
  bearer: `${MARK}-bearer`,
  basic: Buffer.from(`user:${MARK}-basic`).toString('base64'),
  urlToken: `${MARK}-url-token`,
  query: `${MARK}-query`,
  path: `${MARK}-path`,
  informed: `${MARK}-in-system-information`,
  reported: `${MARK}-in-a-report`,
}

export const RECEIVER = { address: '10.77.1.251', port: 8088 }

/** Layers of six machines: a random password, a plain one, a hashed one, and three that are wrong in ways of which something is to be said. */
export function plantLayers(folder: string, base: string, disk: string, machines: readonly LabMachine[]): void {
  mkdirSync(folder, { recursive: true })
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text, { mode: 0o600 })
  write('base.toml', base.replace('= "!"', '= "{{password.random}}"'))
  write('lab-disk.toml', disk)
  const [, plain, hashed, key, misspelt, broken] = machines.map(({ mac }) => `${mac.replaceAll(':', '-')}.toml`)
  write(plain!, `[global]\nroot-password = "${SECRETS.rootPassword}"\nsubscription-key = "${SECRETS.subscription}"\n`)
  write(hashed!, `[global]\nroot-password-hashed = "${SECRETS.rootHash}"\n`)
  write(key!, `[global]\nroot-ssh-keys = ["${SECRETS.sshPrivateKey}"]\n`)
  write(misspelt!, `[global]\nroot-pasword = "${SECRETS.misspelt}"\n`)
  write(broken!, `[global]\nroot-password = "${SECRETS.brokenLayer}\n`)
}

/** What the site file names beside the lab's own. */
export function plantSite(folder: string): string {
  const [key, tokens] = [join(folder, 'hook.key'), join(folder, 'answer.tokens')]
  writeFileSync(key, `${SECRETS.webhookKey}\n`, { mode: 0o600 })
  writeFileSync(tokens, `${SECRETS.siteToken}\n`, { mode: 0o600 })
  const url = `http://${RECEIVER.address}:${RECEIVER.port}/hooks/${SECRETS.webhookPath}?key=${SECRETS.webhookQuery}`
  return `[log]
level = "debug"
[http]
answer-token-file = "${tokens}"
[[webhook]]
url = "${url}"
events = ["installed", "failed"]
secret-file = "${key}"
`
}

/** A secret, and by what name a test says that it got out. */
export type Canary = readonly [name: string, secret: string]

export function planted(): Canary[] {
  return [...Object.entries(SECRETS), ['a part of one', MARK]]
}

/** Names of those that stand in it, in the clear or as part of an URL. */
export function found(text: string, canaries: readonly Canary[]): string[] {
  return canaries.filter(([, secret]) => text.includes(secret)).map(([name]) => name)
}

/** The same of the files below a folder, with those that it has; by the name of the file. */
export function foundInFiles(folder: string, canaries: readonly Canary[], except: readonly string[] = []): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return files
    .filter(file => !except.includes(file) && statSync(join(folder, file)).isFile())
    .flatMap(file => found(readFileSync(join(folder, file), 'latin1'), canaries).map(name => `${name} in ${file}`))
}

/** Files and folders below that somebody else could read; a socket is guarded by its folder. */
export function openToOthers(folder: string): string[] {
  const names = ['.', ...readdirSync(folder, { recursive: true, encoding: 'utf8' })]
  return names.filter(name => (statSync(join(folder, name)).mode & 0o077) !== 0 && !name.endsWith('.sock'))
}
