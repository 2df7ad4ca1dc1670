/** Long work in the page: how far it is, at what rate, what is left, and that a screen reader is told of its end alone. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { WorkNews } from '../../services/kit/work.ts'
import { Rack } from '../console/page/rack.ts'
import * as things from '../console/page/things.ts'
import { type Answers, PageBrowser, violationsOf } from './page-browser.ts'
import { evening } from './page-evening.ts'
import { serveRack, type Served } from './page-server.ts'

// A browser on a machine that does other things too.
vi.setConfig({ testTimeout: 30_000 })

const FILE = 'proxmox-ve_9.2-1.iso'

let browser: PageBrowser
let server: Served

beforeAll(async () => {
  browser = await PageBrowser.start()
})
afterEach(async () => {
  expect(await browser.closePages()).toEqual([])
  await server.close()
})
afterAll(() => browser.close())

async function open(path: string, user: 'anna' | 'ben' = 'anna', answers: Answers = {}): Promise<Page> {
  server = await serveRack(await Rack.open(4), { user })
  const page = await browser.open(server.url + path, { width: 1280 }, server.cookie, { ...evening(), ...answers })
  await page.getByRole('heading', { level: 1 }).waitFor()
  return page
}

/** Work that is as far as it is told. */
function begin(about: { id: string; what: string; subject?: string; unit: 'bytes' | 'steps'; total: number }) {
  const end = Promise.withResolvers<void>()
  let tell: (news: WorkNews) => void = () => {}
  const ended = server.work.run({ ...about, canCancel: false }, news => {
    tell = news
    return end.promise
  })
  return {
    tell: (news: WorkNews) => tell(news),
    async end() {
      end.resolve()
      await ended
    },
  }
}

const spoken = (page: Page): Promise<string> => page.locator('[aria-live]').innerText()

test('an ISO is verified from the page: begun, watched, cancelled', async () => {
  const page = await open('/isos')
  await page.getByRole('button', { name: `Verify again: ${FILE}` }).click()
  await page.getByRole('progressbar', { name: `Verifying ${FILE}` }).waitFor()
  expect(await violationsOf(page)).toEqual([])
  await page.getByRole('button', { name: `Cancel: verifying ${FILE}` }).click()
  await page.getByRole('button', { name: `Verify again: ${FILE}` }).waitFor()
  expect(await spoken(page)).toBe(`Verifying ${FILE} was cancelled`)
})

test('who may only look sees rate and time left, hears nothing of it but the end, and has no buttons', async () => {
  let asked = 0
  const page = await open('/isos', 'ben', { 'GET /api/v1/isos': () => (asked++, things.library()) })
  await page.getByRole('row', { name: /9.2-1/ }).waitFor()
  const work = begin({ id: `verify:${FILE}`, what: 'verify', subject: FILE, unit: 'bytes', total: 1.6 * 1024 ** 3 })
  await new Promise(resolve => setTimeout(resolve, 1000))
  work.tell({ done: 0.4 * 1024 ** 3 })
  const row = page.getByRole('row', { name: /9.2-1/ })
  await expect.poll(() => row.innerText()).toMatch(/25 %\s+\d+ MiB\/s\s+\d+ s left/)
  expect(await page.getByRole('progressbar').getAttribute('aria-valuenow')).toBe('25')
  expect([await spoken(page), await page.getByRole('button', { name: /erify/ }).count()]).toEqual(['', 0])
  const before = asked
  await work.end()
  await expect.poll(() => spoken(page)).toBe(`Verifying ${FILE} is done`)
  await expect.poll(() => asked).toBe(before + 1)
})

test('doctor: which probes run, how many are done, and how long they may take still, also where somebody else began it', async () => {
  const findings = things.doctor()
  let last: unknown = {}
  const page = await open('/health', 'anna', { 'GET /api/v1/doctor': () => last })
  await page.getByText('Nobody has looked since the start.').waitFor()
  const work = begin({ id: 'doctor', what: 'doctor', unit: 'steps', total: 14 })
  work.tell({ done: 9, doing: 'ports, names', leftMs: 8000 })
  const doctor = page.getByRole('region', { name: /Doctor/ })
  await expect.poll(() => doctor.innerText()).toMatch(/9 of 14\s+at most 8 s left\s+ports, names/)
  await expect.poll(() => doctor.innerText(), { timeout: 5000 }).toMatch(/at most [67] s left/)
  expect(await page.getByRole('button', { name: 'Run doctor' }).isDisabled()).toBe(true)
  last = findings
  await work.end()
  await page.getByText('2 things as it should be').waitFor()
  expect([await spoken(page), await page.getByRole('progressbar', { name: 'Doctor' }).count()]).toEqual([
    'Doctor is done',
    0,
  ])
})
