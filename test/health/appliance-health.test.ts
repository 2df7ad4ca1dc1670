/** What the API of an appliance is told: one check until a file that it reads is another one, and this host by itself. */
import { appendFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ApplianceHealth, SELF_CHECK_MS, watchHealth } from '../../services/health/appliance-health.ts'
import type { ServedCertificate } from '../../services/http/served-certificate.ts'
import { type IsoCatalogue, openCatalogue } from '../../services/iso/catalogue.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import { silentLog } from '../../services/kit/log.ts'
import { loadSite } from '../../services/site/load.ts'
import { goodSite } from '../cli/rig.ts'
import { WorkList } from '../../services/kit/work.ts'
import { FakeClock } from '../fake/clock.ts'
import { Fleet, HeardLog } from '../machine/rig.ts'

let folder: string
let file: string
let health: ApplianceHealth
let catalogue: IsoCatalogue
let alarms: Alarms
let clock: FakeClock
let log: HeardLog

beforeEach(async () => {
  ;({ folder, file } = await goodSite())
  const loaded = await loadSite(file)
  if ('problems' in loaded) throw new Error(loaded.problems[0]!.message)
  const { site } = loaded
  clock = new FakeClock(Date.now())
  alarms = new Alarms(clock)
  log = new HeardLog()
  catalogue = await openCatalogue(site.paths.isos, silentLog, { clock })
  health = watchHealth({
    ...{ site, catalogue, clock, alarms, log, watch: undefined, pid: process.pid, work: new WorkList(clock) },
    registry: (await Fleet.open(site)).registry,
    store: { failure: undefined, prove: async () => {} },
    // Nobody asks for it here.
    certificate: undefined as unknown as ServedCertificate,
    leases: { all: async () => [], release: async () => undefined, drop: async () => [] },
  })
})

afterEach(async () => {
  await health.close()
  await rm(folder, { recursive: true })
})

const codes = async (fresh = false): Promise<string[]> => (await health.check(fresh)).problems.map(({ code }) => code)

test.each<[string, () => Promise<void>, string]>([
  ['a layer', () => appendFile(join(folder, 'answers', 'base.toml'), '\nnonsense = true\n'), 'unknown-key'],
  ['an ISO', () => writeFile(join(folder, 'isos', 'broken.iso'), 'not an image'), 'iso-growing'],
  ['a loader', () => rm(join(folder, 'loaders', 'snponly.efi')), 'loaders-missing'],
  ['the site file', () => appendFile(file, '\n[nonsense]\n'), 'unknown-key'],
])('%s that is another one is seen without being asked for', async (_, change, code) => {
  const first = await health.check(false)
  expect(first.problems).toEqual([])
  clock.advance(1_000)
  expect(await health.check(false)).toBe(first)
  await change()
  clock.set(Date.now() + 500)
  expect(await codes()).toContain(code)
})

test('an ISO that was copied is no longer on its way', async () => {
  await health.check(false)
  await writeFile(join(folder, 'isos', 'broken.iso'), 'not an image')
  // Half a second behind the file.
  clock.set(Date.now() + 500)
  expect(await codes()).toEqual(['iso-growing'])
  clock.advance(60_000)
  await catalogue.rescan()
  expect(await codes()).toEqual(['iso-not-iso9660'])
})

test('whoever wants it fresh gets it, although nothing changed', async () => {
  const first = await health.check(false)
  clock.advance(1_000)
  expect((await health.check(true)).at).toBe(first.at + 1_000)
})

test('nobody has examined it yet', () => {
  expect(health.lastExamination()).toBeUndefined()
})

test('what it finds by itself is an alarm within the hour, until it is mended', async () => {
  const lasting = (): string[] => alarms.list().flatMap(({ code, endedAt }) => (endedAt === undefined ? [code] : []))
  const loader = join(folder, 'loaders', 'snponly.efi')
  await rm(loader)
  clock.advance(SELF_CHECK_MS)
  await expect.poll(lasting).toEqual(['loaders-missing'])
  await writeFile(loader, 'loader')
  // The next look begins when the last one has ended.
  await expect.poll(() => clock.advance(SELF_CHECK_MS) ?? lasting()).toEqual([])
})
