/** The program as people run it: a child process, in a folder of its own. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildStandIn } from '../../services/lab/stand-in/build.ts'
import { LAYER } from '../http/rig.ts'
import { NODE1, NODE2 } from '../machine/rig.ts'

const MAIN = join(import.meta.dirname, '../../services/main.ts')

export type Ran = { status: number; out: string; err: string }

/** Ends by itself; one that does not is ended after a minute, with a status that no test expects. */
export function rackrise(folder: string, ...args: string[]): Promise<Ran> {
  return rackriseWith('', folder, ...args)
}

/** With a text on its standard input. */
export function rackriseWith(input: string, folder: string, ...args: string[]): Promise<Ran> {
  return new Promise(resolve => {
    const child = execFile(
      process.execPath,
      [MAIN, ...args],
      { cwd: folder, timeout: 60_000, env: { ...process.env, NO_COLOR: '1' } },
      (error, out, err) => {
        const status = error ? (typeof error.code === 'number' ? error.code : -1) : 0
        resolve({ status, out, err })
      },
    )
    child.stdin!.on('error', () => undefined).end(input)
  })
}

/** A site on the loopback interface, which every machine has, with everything that `check` looks for. */
export async function goodSite(): Promise<{ folder: string; file: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'rackrise-cli-'))
  for (const name of ['answers', 'loaders']) await mkdir(join(folder, name))
  for (const name of ['undionly.kpxe', 'snponly.efi']) await writeFile(join(folder, 'loaders', name), 'loader')
  await writeFile(join(folder, 'answers', 'base.toml'), LAYER)
  await buildStandIn({ folder: join(folder, 'isos'), kind: 'small' })
  const file = join(folder, 'site.toml')
  await writeFile(file, siteText(folder))
  return { folder, file }
}

export function siteText(folder: string): string {
  return `[site]
domain = "rack.test"
[network]
interface = "lo"
address = "127.0.0.1/8"
[dhcp]
mode = "off"
[boot]
loaders = "${folder}/loaders"
[paths]
isos = "${folder}/isos"
answers = "${folder}/answers"
state = "${folder}/state"
[[profile]]
name = "pve"
iso = "pve:latest"
answers = ["base"]
[[machine]]
name = "node1"
mac = ["${NODE1}"]
profile = "pve"
[[machine]]
name = "node2"
mac = ["${NODE2}"]
serial = "7K2QX93"
profile = "pve"
`
}
