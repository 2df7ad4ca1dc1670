/** The site file in the page: that it was loaded again is heard and seen, and operators load it from there. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { Rack } from '../console/page/rack.ts'
import * as things from '../console/page/things.ts'
import { type Answers, overflowOf, PageBrowser, type Screen, violationsOf } from './page-browser.ts'
import { evening } from './page-evening.ts'
import { serveRack, type Served } from './page-server.ts'

// A browser on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000 })

let browser: PageBrowser
let rack: Rack
let server: Served

beforeAll(async () => {
  browser = await PageBrowser.start()
})
afterEach(async () => {
  expect(await browser.closePages()).toEqual([])
  await server.close()
})
afterAll(() => browser.close())

type Ways = { user?: 'anna' | 'ben'; screen?: Screen; answers?: Answers }

async function open(path: string, { user = 'anna', screen = { width: 1280 }, answers = {} }: Ways = {}): Promise<Page> {
  rack = await Rack.open(8)
  server = await serveRack(rack, { user })
  const page = await browser.open(server.url + path, screen, server.cookie, { ...evening(), ...answers })
  await page.locator('h1').waitFor({ state: 'attached' })
  await expect.poll(() => page.locator('[aria-busy]').count()).toBe(0)
  return page
}

const line = (page: Page) => page.getByRole('complementary', { name: 'Site file' })
const spoken = (page: Page): Promise<string> => page.locator('[aria-live]').innerText()

const SCREENS: [string, Screen][] = [
  ['dark, wide', { width: 1280, colorScheme: 'dark' }],
  ['light, wide', { width: 1280, colorScheme: 'light' }],
  ['dark, on a phone', { width: 360, colorScheme: 'dark' }],
  ['light, on a phone', { width: 360, colorScheme: 'light' }],
]

async function expectFine(page: Page): Promise<void> {
  expect(await violationsOf(page)).toEqual([])
  expect(await overflowOf(page)).toBeLessThanOrEqual(0)
}

describe('a reload by somebody else', () => {
  test('what it decides is asked for again, and a quiet line says who did it', async () => {
    const asked: string[] = []
    const counting = Object.fromEntries(
      ['rules', 'layers'].map(what => [
        `GET /api/v1/${what}`,
        () => (asked.push(what), what === 'rules' ? things.rules() : things.layers),
      ]),
    )
    const page = await open('/rules', { answers: counting })
    page.on('request', request => asked.push(new URL(request.url()).pathname))
    expect(await line(page).count()).toBe(0)
    asked.length = 0
    server.reloading.next = things.nextSite()
    await rack.registry.startAttempt(rack.machine(6), { by: 'site', again: false })
    await server.reloading.reload('ben')
    await line(page).waitFor()
    expect(await line(page).innerText()).toMatch(
      /^ben had the site file loaded again: 2 changes of the site, 2 machines with them; it installs 1 machine\. \d+ s ago/,
    )
    expect(await spoken(page)).toMatch(/^ben had the site file loaded again/)
    await expect
      .poll(() => [...new Set(asked)].toSorted())
      .toEqual(expect.arrayContaining(['/api/v1/appliance', '/api/v1/machines', 'layers', 'rules']))
    await line(page).getByRole('link', { name: 'What changed' }).click()
    const file = page.getByRole('region', { name: 'Site file' })
    await expect.poll(() => file.innerText()).toMatch(/Loaded again by ben[^]*It installs 1 machine[^]*node7/)
    await file.getByText(/^What that changed/).click()
    expect(await file.innerText()).toMatch(/kernel-args quiet → quiet console=ttyS0[^]*added: record mirror A/)
    // There it stands in full, as long as the machine has not booted.
    expect(await line(page).count()).toBe(0)
    await rack.happen(6, { type: 'blocked' })
    await expect.poll(() => file.innerText()).not.toMatch(/It installs/)
    await page.getByRole('link', { name: 'ISOs' }).click()
    await line(page).getByRole('button', { name: 'Close this line' }).click()
    expect(await line(page).count()).toBe(0)
  })

  test('also where the page heard nothing of it: it was cut off, or the appliance was restarted with another file', async () => {
    const page = await open('/')
    let asked = 0
    page.on('request', request => (asked += Number(new URL(request.url()).pathname === '/api/v1/machines')))
    server.drop()
    server.reloading.next = things.nextSite()
    await server.reloading.reload('ben')
    await expect.poll(() => asked, { timeout: 20_000 }).toBe(1)
    await line(page).waitFor()
    server.drop()
    server.reloading.loaded = { at: Date.now(), by: 'the start', sha256: 'ab'.repeat(32) }
    await expect.poll(() => asked, { timeout: 20_000 }).toBe(2)
  })

  test('one that is refused: what is wrong, and what to do', async () => {
    const page = await open('/isos', { user: 'ben' })
    server.reloading.next = things.refusedSite()
    await server.reloading.reload('SIGHUP')
    await line(page).waitFor()
    expect(await line(page).innerText()).toMatch(
      /The site file that SIGHUP wanted loaded is refused, the one of before is served on: network\.address can't change[^]*and 1 problem more\. What to do: restart the appliance/,
    )
    await line(page).getByRole('link', { name: 'All of it' }).click()
    const file = page.getByRole('region', { name: 'Site file' })
    expect(await file.innerText()).toMatch(/SIGHUP wanted it loaded again[^]*site\.toml:5:1[^]*base\.toml:14:1/)
    expect(await page.getByRole('button', { name: /Load it again/ }).count()).toBe(0)
  })
})

describe('from the page', () => {
  const ask = async (page: Page) => {
    await page.getByRole('button', { name: 'Load it again…' }).click()
    return page.getByRole('dialog', { name: 'Load the site file again?' })
  }

  test('shows what would change and whom it would install, asks once, and says what became of it', async () => {
    const page = await open('/health')
    server.reloading.next = things.nextSite()
    const dialog = await ask(page)
    await dialog.getByText('It would be loaded').waitFor()
    expect(await dialog.innerText()).toMatch(
      /2 changes of the site, 2 machines with them\.[^]*It would install 1 machine at the next network boot, which ERASES THE DISKS[^]*node7\s+serial 7K2QX0222[^]*kernel-args quiet → quiet console=ttyS0[^]*1 warning, which does not refuse it[^]*unknown key "pining"/,
    )
    expect(server.reloading.asked).toEqual([])
    await dialog.getByRole('button', { name: 'Load it, and install 1 machine' }).click()
    await dialog.getByText(/^Loaded: 2 changes/).waitFor()
    expect(server.reloading.asked).toEqual([['anna', things.NEXT_SHA256]])
    await dialog.getByRole('button', { name: 'Close' }).click()
    await expect.poll(() => page.getByRole('region', { name: 'Site file' }).innerText()).toMatch(/Loaded again by anna/)
  })

  test('one that would be refused says all that is wrong, and can be looked at again once it is mended', async () => {
    const page = await open('/health')
    server.reloading.next = things.refusedSite()
    const dialog = await ask(page)
    await dialog.getByText(/^The file would be refused/).waitFor()
    expect(await dialog.innerText()).toMatch(/Error: network\.address can't change[^]*restart the appliance[^]*5:1/)
    server.reloading.next = { ...things.nextSite(), machines: [], changes: [] } as typeof server.reloading.next
    await dialog.getByRole('button', { name: 'Look again' }).click()
    await dialog.getByText('It would be loaded: nothing is otherwise.').waitFor()
    // Somebody saved it meanwhile.
    server.reloading.next = things.refusedSite()
    await dialog.getByRole('button', { name: 'Load it' }).click()
    await dialog.getByText(/^The file is refused, nothing was changed/).waitFor()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  })

  test.each(SCREENS)('axe finds nothing, and nothing overflows: %s', async (_, screen) => {
    const page = await open('/isos', { screen })
    server.reloading.next = things.refusedSite()
    await server.reloading.reload('SIGHUP')
    await line(page).waitFor()
    await expectFine(page)
    await line(page).getByRole('link', { name: 'All of it' }).click()
    await page.getByText('SIGHUP wanted it loaded again').waitFor()
    await expectFine(page)
    const dialog = await ask(page)
    await dialog.getByText(/^The file would be refused/).waitFor()
    await expectFine(page)
    server.reloading.next = things.nextSite()
    await dialog.getByRole('button', { name: 'Look again' }).click()
    await dialog.getByText('It would be loaded').waitFor()
    await expectFine(page)
    await dialog.getByRole('button', { name: /^Load it/ }).click()
    await dialog.getByText(/^Loaded: /).waitFor()
    await expectFine(page)
    await dialog.getByRole('button', { name: 'Close' }).click()
    await page.getByText(/^What that changed/).click()
    await expectFine(page)
  })
})
