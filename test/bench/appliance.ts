/** The whole appliance as it is shipped, as a contender: folders, a site file, the command. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SERVER_ADDRESS, SERVER_DEVICE } from './network.ts'
import type { Started } from './rounds.ts'

const ROOT = join(import.meta.dirname, '../..')
export const DOMAIN = 'bench.example.org'

/** Makes `loaders` and `isos` in the folder, with loaders that nobody runs. `dhcp` is the site file's table of that name, as TOML, with whatever tables a suite wants beside it. */
export function applianceIn(folder: string, dhcp: string): Started {
  for (const name of ['isos', 'loaders']) mkdirSync(join(folder, name), { recursive: true })
  for (const name of ['undionly.kpxe', 'snponly.efi']) writeFileSync(join(folder, 'loaders', name), name)
  const site = join(folder, 'site.toml')
  writeFileSync(
    site,
    `
[site]
name = "bench"
domain = "${DOMAIN}"
[network]
interface = "${SERVER_DEVICE}"
address = "${SERVER_ADDRESS}/14"
${dhcp}
[boot]
loaders = "${join(folder, 'loaders')}"
[paths]
isos = "${join(folder, 'isos')}"
answers = "${join(ROOT, 'answers')}"
state = "${join(folder, 'state')}"
[log]
level = "info"
format = "json"
`,
  )
  return {
    command: [process.execPath, join(ROOT, 'services/main.ts'), 'serve', '--config', site],
    ready: /is serving/,
  }
}
