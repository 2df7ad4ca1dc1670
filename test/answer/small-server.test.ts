/**
 * A directory that was made for the small answer server of the Proxmox wiki works unchanged: `default.toml`, and beside it a folder `answers`
 * with one whole answer for each MAC.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { composeAnswer } from '../../services/answer/answer.ts'
import { answerInputFor } from '../../services/answer/for-machine.ts'
import { loadLayers } from '../../services/answer/load.ts'
import { formatProblem } from '../../services/kit/problem.ts'
import { type Mac, parseMac } from '../../services/kit/mac.ts'
import { listingOf } from '../../services/machine/listing.ts'
import { newMachine } from '../../services/machine/lifecycle.ts'
import type { MachineId } from '../../services/machine/event.ts'
import { siteOf } from '../machine/rig.ts'
import { NEWEST } from './samples.ts'

const answer = (country: string): string => `[global]
keyboard = "de"
country = "${country}"
fqdn = "pve-${country}.example.com"
mailto = "mail@example.com"
timezone = "Europe/Vienna"
root_password = "123456789"

[network]
source = "from-dhcp"

[disk-setup]
filesystem = "ext4"
disk_list = ["sda"]
`

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'small-server-'))
  await mkdir(join(folder, 'answers'))
  await writeFile(join(folder, 'server.py'), 'print("hello")')
  await writeFile(join(folder, 'default.toml'), answer('at'))
})
afterEach(() => rm(folder, { recursive: true }))

/** Any machine of a site that knows nothing but one profile without layers. */
async function countryOf(mac: string, others: string[] = []): Promise<string> {
  const site = siteOf('')
  const macs = [mac, ...others].map(text => parseMac(text) as Mac)
  const machine = { ...newMachine(macs[0] as MachineId, 0), macs }
  const input = answerInputFor({
    machine,
    listing: listingOf(machine, site),
    profile: site.profiles.get('pve')!,
    site,
    layers: await loadLayers(folder),
    address: undefined,
    dialect: NEWEST,
    product: 'pve',
    urls: { webhook: 'https://10.77.0.1/webhook/x', firstBoot: 'https://10.77.0.1/first-boot/x' },
    fingerprint: '0'.repeat(64),
  })
  const composed = composeAnswer(input)
  if (Array.isArray(composed)) return composed.map(({ code }) => code).join()
  return /country = "(..)"/.exec(composed.toml)![1]!
}

test.each([
  ['colons, lower case', 'bc:24:11:00:00:01.toml'],
  ['colons, upper case', 'BC:24:11:00:00:01.toml'],
  ['dashes, lower case', 'bc-24-11-00-00-01.toml'],
  ['dashes, upper case', 'BC-24-11-00-00-01.toml'],
])('%s', async (_, name) => {
  await writeFile(join(folder, 'answers', name), answer('ch'))
  expect((await loadLayers(folder)).problems).toEqual([])
  expect(await countryOf('bc:24:11:00:00:01')).toBe('ch')
  expect(await countryOf('bc:24:11:00:00:02', ['BC-24-11-00-00-01'])).toBe('ch')
  expect(await countryOf('bc:24:11:00:00:02')).toBe('at')
})

test('without the folder, default.toml is for everybody', async () => {
  await rm(join(folder, 'answers'), { recursive: true })
  expect(await countryOf('bc:24:11:00:00:01')).toBe('at')
})

test('a broken file of a MAC is no reason to fall back on the default, and one in both folders is used by neither', async () => {
  await writeFile(join(folder, 'answers', 'bc:24:11:00:00:01.toml'), '[global')
  await writeFile(join(folder, 'answers', 'bc:24:11:00:00:02.toml'), answer('ch'))
  await writeFile(join(folder, 'BC-24-11-00-00-02.toml'), answer('de'))
  expect(await countryOf('bc:24:11:00:00:01')).toBe('syntax')
  expect(await countryOf('bc:24:11:00:00:02')).toBe('layer-duplicate')
})

test('a file of another name in that folder is told', async () => {
  await writeFile(join(folder, 'answers', 'base.toml'), answer('ch'))
  expect((await loadLayers(folder)).problems.map(problem => formatProblem(problem).replace(folder, ''))).toEqual([
    '/answers/base.toml: error: a layer cannot have this name; name it by a MAC, or put it into the folder above',
  ])
})
