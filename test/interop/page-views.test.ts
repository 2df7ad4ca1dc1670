/** Every view of the page but the rack, in Debian's Chromium. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { macOf, Rack } from '../console/page/rack.ts'
import * as things from '../console/page/things.ts'
import { type Answers, overflowOf, PageBrowser, type Screen, violationsOf } from './page-browser.ts'
import { evening } from './page-evening.ts'
import { serveRack, type Served } from './page-server.ts'

let browser: PageBrowser
const served: Served[] = []
const opened: Page[] = []

beforeAll(async () => {
  browser = await PageBrowser.start()
})
afterEach(async () => {
  // A page that is left open goes on ticking.
  for (const page of opened.splice(0)) await page.context().close()
  for (const server of served.splice(0)) await server.close()
  expect(browser.complaints.splice(0)).toEqual([])
})
afterAll(() => browser.close())

const WIDE = { width: 1280, height: 900 }
const PHONE = { width: 360, height: 780 }
const NODE1 = `/machines/${macOf(0)}`

type Opened = { rack: Rack; page: Page; server: Served; asked: string[] }

async function open(
  path: string,
  { answers, user = 'anna' }: { answers?: Answers; user?: 'anna' | 'ben' } = {},
  screen: Screen = WIDE,
  given?: Rack,
): Promise<Opened> {
  const rack = given ?? (await Rack.open(16))
  const asked: string[] = []
  const heard = Object.entries({ ...evening(), ...answers }).map(([route, answer]): [string, Answers[string]] => [
    route,
    request => {
      const { pathname, search } = new URL(request.url())
      if (request.method() === 'POST') asked.push(pathname + search)
      return answer(request)
    },
  ])
  const server = await serveRack(rack, { user })
  served.push(server)
  const page = await browser.open(server.url + path, { ...WIDE, ...screen }, server.cookie, Object.fromEntries(heard))
  opened.push(page)
  await page.getByRole('heading', { level: 1 }).waitFor()
  return { rack, page, server, asked }
}

const textOf = (page: Page): Promise<string> => page.getByRole('main').innerText()

describe('a machine', () => {
  test('its timeline is told by attempt, with rates and with the silences in words', async () => {
    const { page } = await open(NODE1)
    await page.locator('.step').first().waitFor()
    expect(await page.locator('.attempt').count()).toBe(2)
    expect(await textOf(page)).toMatch(
      /1 min\s+it loads initrd and ISO 1.6 GiB; usual is 10 s to 5 min[^]*sent initrd and ISO[^]*1.6 GiB in 1 min, 28 MiB\/s[^]*5 min\s+the installer writes to the disks; usual is 1 to 15 min[^]*installed: node1/,
    )
    expect(await page.locator('.lane-name').allInnerTexts()).toContain('operator')
    await page.getByRole('heading', { name: 'Before the first attempt' }).click()
    await page
      .getByText(/^seen as bc:24/)
      .first()
      .waitFor()
  })

  test('the silence that lasts ticks, and ends with the next event', async () => {
    const { rack, page } = await open(`/machines/${macOf(4)}`)
    const now = page.locator('.gap.is-now')
    await now.getByText('the installer writes to the disks').waitFor()
    const before = await now.innerText()
    await expect.poll(() => now.innerText()).not.toBe(before)
    await rack.happen(4, attempt => ({ type: 'gave-up', attempt, reason: 'its disk is full' }))
    await now.getByText('nothing more happens until a person approves it again').waitFor()
  })

  test('what is late stands above everything, with what to look at', async () => {
    const { page } = await open(`/machines/${macOf(13)}`)
    await page.locator('.notice').getByText('What to do: check cable and switch port').waitFor()
  })

  test('ten thousand entries come by the thousand, are shown by the hundred, and freeze nothing', {
    timeout: 60_000,
  }, async () => {
    const at = (index: number): string => new Date(Date.now() - (10_000 - index) * 60_000).toISOString()
    const entries = Array.from({ length: 10_000 }, (_, index) => ({
      ...{ seq: index + 1, at: at(index), source: 'http', type: 'local-disk-told', text: `boot ${index + 1}` },
    }))
    const pages: string[] = []
    const { page } = await open(NODE1, {
      answers: {
        'GET /api/v1/machines/:id/timeline': request => {
          const { searchParams } = new URL(request.url())
          const [after, limit] = [Number(searchParams.get('after')), Number(searchParams.get('limit'))]
          pages.push(`${after}+${limit}`)
          return entries.slice(after, after + limit)
        },
      },
    })
    await page.getByRole('button', { name: 'Show 200 earlier of 9800' }).click()
    await expect.poll(() => page.locator('.step').count()).toBe(400)
    expect([...new Set(pages)].slice(0, 3)).toEqual(['0+1000', '1000+1000', '2000+1000'])
    const now = page.locator('.gap.is-now')
    const before = await now.textContent()
    await expect.poll(() => now.textContent(), { timeout: 5000 }).not.toBe(before)
  })

  test('its answer says why, and shows secrets to somebody who is told that it is written down', async () => {
    const { page, asked } = await open(`${NODE1}/answer`, {
      answers: {
        'POST /api/v1/machines/:id/reveal': () => things.explanation('', things.TOML.replace('***', things.SECRET)),
      },
    })
    await page.getByText('At its next network boot it gets its own disk: it is installed.').waitFor()
    expect(await textOf(page)).toMatch(
      /dmi.system.name = "AS-1114S\*": it told PowerEdge R6515[^]*takes it[^]*a mirror needs two disks[^]*zfs-mirror[^]*network.pinning/,
    )
    await page.getByRole('button', { name: 'Show with secrets…' }).click()
    const dialog = page.getByRole('dialog', { name: 'The answer of node1, with its secrets' })
    expect(await dialog.innerText()).toMatch(/The timeline of node1 will say that anna saw them/)
    expect(asked).toEqual([])
    await dialog.getByRole('button', { name: 'Show it' }).click()
    await dialog.getByText(things.SECRET).waitFor()
    expect(asked).toEqual([`/api/v1/machines/${encodeURIComponent(macOf(0))}/reveal`])
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect(await page.content()).not.toContain(things.SECRET)
  })

  test('a random root password is shown once, after a warning', async () => {
    const rack = await Rack.open(16)
    await rack.registry.startAttempt(rack.machine(0), { by: 'operator', again: true, profile: 'pve' })
    await rack.happen(0, attempt => ({ type: 'script-served', attempt, address: '10.77.0.0' as never, resumed: false }))
    await rack.happen(0, attempt => ({
      ...{ type: 'answer-served', attempt, address: '10.77.0.0', layers: ['base'], sha256: 'ab', leftOut: [] },
      ...{ withToken: true, randomPassword: true },
    }))
    const answers = {
      'POST /api/v1/machines/:id/password': () => ({ name: 'node1', attempt: '3f9c0000', password: 'Xq7-vv2K' }),
    }
    const { page, asked } = await open(`${NODE1}/answer`, { answers }, WIDE, rack)
    await page.getByRole('button', { name: 'Show root password…' }).click()
    const dialog = page.getByRole('dialog')
    expect(await dialog.innerText()).toMatch(/It can be shown once[^]*anna/)
    expect(asked).toEqual([])
    await dialog.getByRole('button', { name: 'Show it' }).click()
    await dialog.getByText('Xq7-vv2K').waitFor()
    expect(asked).toHaveLength(1)
    await dialog.getByRole('button', { name: 'Close' }).click()
    expect(await page.content()).not.toContain('Xq7-vv2K')
  })

  test('a viewer sees secrets masked, and is offered none', async () => {
    const { page } = await open(`${NODE1}/answer`, { user: 'ben' })
    await page.getByText('Its secrets are masked; an operator can show them.').waitFor()
    expect(await page.getByRole('button', { name: /Show/ }).count()).toBe(0)
  })

  test('its attempts are rows with the time of each stage, its hardware tables', async () => {
    const { page } = await open(`${NODE1}/attempts`)
    await page.getByRole('cell', { name: 'installed' }).waitFor()
    expect(await page.getByRole('row').nth(1).innerText()).toMatch(/pve\s+installed[^]*5 min/)
    await page.getByRole('link', { name: 'Hardware' }).click()
    await page.getByText('Micron 7450').waitFor()
    expect(await page.getByRole('row', { name: /nvme0n1/ }).innerText()).toMatch(/installed on/)
  })
})

describe('the other views', () => {
  test('ISOs: what can be installed, by whom, and whether it is what was published', async () => {
    const { page } = await open('/isos')
    await page.getByRole('row', { name: /Proxmox VE 9.2-1/ }).waitFor()
    expect(await page.getByRole('row', { name: /Proxmox VE 9.2-1/ }).innerText()).toMatch(
      /can be installed\s+amd64\s+1.6 GiB\s+5.8 GiB\s+pve\s+good[^]*the list is signed by Proxmox/,
    )
    expect(await textOf(page)).toMatch(/Error: old.iso is not what was published[^]*What to do: download it again/)
  })

  test('leases: filtered, counted down, and released behind a question', async () => {
    const answers = { 'POST /api/v1/leases/:address/release': () => things.leases()[0] }
    const { page, asked } = await open('/leases', { answers })
    await page.getByText('6 of 100 free').waitFor()
    const ends = page.getByRole('row', { name: /10\.77\.0\.0 / })
    const before = await ends.innerText()
    expect(before).toMatch(/in 23 min/)
    // It counts seconds, and a poll waits for one by itself.
    await expect.poll(() => ends.innerText(), { timeout: 5_000 }).not.toBe(before)
    await page.getByRole('searchbox').fill('node2')
    await expect.poll(() => page.getByRole('row').count()).toBe(2)
    await page.getByRole('button', { name: 'Release… 10.77.0.1', exact: true }).click()
    expect(await page.getByRole('dialog').innerText()).toMatch(/goes on using it/)
    await page.getByRole('button', { name: 'Release although it is reserved' }).click()
    await page.getByText('Released: 10.77.0.1').waitFor()
    expect(asked).toEqual(['/api/v1/leases/10.77.0.1/release?force=true'])
  })

  test('leases: a hundred thousand are a page at a time, asked for as they are filtered', {
    timeout: 30_000,
  }, async () => {
    const all = Array.from({ length: 100_000 }, (_, at) => ({
      ...{ address: `10.${64 + (at >> 16)}.${(at >> 8) & 255}.${at & 255}`, mac: '02:00:00:00:00:01', state: 'bound' },
      ...{ name: `guest${at}`, boundAt: new Date().toISOString(), expiresAt: new Date().toISOString() },
    }))
    const { page } = await open('/rules')
    const searches: (string | null)[] = []
    await page.context().route(/\/api\/v1\/leases\?/, async route => {
      const { pathname, searchParams } = new URL(route.request().url())
      const [search, after] = [searchParams.get('search'), searchParams.get('after')]
      searches.push(search)
      const fit = all.filter(({ name }) => search === null || name.includes(search))
      const first = after === null ? 0 : fit.findIndex(({ address }) => address === after) + 1
      const json = fit.slice(first, first + 200)
      searchParams.set('after', json.at(-1)!.address)
      const headers = first + 200 < fit.length ? { link: `<${pathname}?${searchParams.toString()}>; rel="next"` } : {}
      await route.fulfill({ json, headers })
    })
    await page.getByRole('link', { name: 'Leases' }).click()
    await page.getByText('Page 1: 10.64.0.0 to 10.64.0.199').waitFor()
    expect([await page.getByRole('row').count(), await page.locator('.chip').first().innerText()]).toEqual([201, 'All'])
    await page.getByRole('button', { name: 'Next page' }).click()
    await page.getByText('Page 2: 10.64.0.200 to 10.64.1.143').waitFor()
    expect([await page.evaluate('scrollY'), await page.evaluate('document.activeElement.tagName')]).toEqual([0, 'H1'])
    await page.getByRole('button', { name: 'Page before' }).click()
    await page.getByText('Page 1: 10.64.0.0 to 10.64.0.199').waitFor()
    await page.getByRole('button', { name: 'Next page' }).click()
    const before = Date.now()
    await page.getByRole('searchbox').pressSequentially('guest99999')
    await expect.poll(() => page.getByRole('row').count()).toBe(2)
    expect(Date.now() - before).toBeLessThan(5_000)
    expect([await page.locator('.pager').count(), searches.at(-1)]).toEqual([0, 'guest99999'])
    expect(await page.evaluate('document.activeElement.type')).toBe('search')
    await page.getByRole('searchbox').fill('')
    await page.getByText('Page 1: 10.64.0.0 to 10.64.0.199').waitFor()
  })

  test('rules: which machines each takes; layers: who uses them, and what is wrong', async () => {
    const { page } = await open('/rules')
    await page
      .getByRole('row', { name: /AS-1114S/ })
      .getByRole('link', { name: 'node4' })
      .waitFor()
    expect(await textOf(page)).toMatch(
      /once, without approval[^]*3 machines neither named by an entry nor taken by a rule[^]*base\.toml:14:1[^]*profile pve/,
    )
  })

  test('health: the worst alarm first, doctor on demand, webhooks again', async () => {
    const answers = {
      'GET /api/v1/doctor': () => ({}),
      'POST /api/v1/doctor': () => things.doctor(),
      'POST /api/v1/webhooks/:number/retry': () => things.webhooks(),
    }
    const { page, asked } = await open('/health', { answers })
    await page.getByText('another DHCP server answers: 10.77.0.3').waitFor()
    expect(await page.locator('.findings').first().innerText()).toMatch(/alarm[^]*other-server[^]*warning[^]*pool-low/)
    expect(await page.getByRole('link', { name: /Health/ }).innerText()).toMatch(/2/)
    await page.getByRole('button', { name: 'Run doctor' }).click()
    await page.getByText('2 things as it should be').waitFor()
    await page.getByRole('button', { name: 'Try now: webhook 1' }).click()
    await expect.poll(() => asked).toEqual(['/api/v1/doctor', '/api/v1/webhooks/1/retry'])
  })

  test('with nothing in them they say what to do next', async () => {
    const empty: Answers = {
      'GET /api/v1/alarms': () => [],
      'GET /api/v1/isos': () => ({ folder: '/isos', isos: [], problems: [] }),
      'GET /api/v1/leases': () => [],
      'GET /api/v1/rules': () => ({ rules: [], unlisted: 0 }),
      'GET /api/v1/layers': () => ({ layers: [] }),
      'GET /api/v1/webhooks': () => [],
    }
    const { page } = await open('/isos', { answers: empty })
    await page.getByText('Copy an ISO of Proxmox VE').waitFor()
    for (const [link, words] of [
      ['Leases', 'The first machine that asks for an address'],
      ['Rules', 'Every machine needs an entry of its own'],
      ['Health', 'Nothing needs you.'],
    ] as const) {
      await page.getByRole('link', { name: link }).click()
      await page.getByText(words).waitFor()
    }
  })
})

const PATHS = [
  NODE1,
  `${NODE1}/answer`,
  `${NODE1}/attempts`,
  `${NODE1}/hardware`,
  '/isos',
  '/leases',
  '/rules',
  '/health',
]

test('L12 what a machine, a file or a guest says of itself is text, everywhere', { timeout: 60_000 }, async () => {
  const evil = '"><img src=x onerror=alert(1)>'
  const rack = await Rack.open(4)
  await rack.registry.sight({ macs: [macOf(0)], serial: evil, product: evil }, 'dhcp')
  await rack.happen(0, { type: 'blocked', reason: evil })
  const { page, server } = await open(NODE1, { answers: evening(evil) }, WIDE, rack)
  for (const path of PATHS.filter(each => each !== `${NODE1}/attempts`)) {
    await page.goto(server.url + path)
    await expect.poll(() => page.getByRole('main').textContent()).toContain(evil)
    expect(await page.evaluate('document.querySelectorAll("main img, main script").length')).toBe(0)
  }
})

describe.each([
  ['dark, wide', { ...WIDE, colorScheme: 'dark' as const }],
  ['light, wide', { ...WIDE, colorScheme: 'light' as const }],
  ['dark, on a phone', { ...PHONE, colorScheme: 'dark' as const }],
  ['light, on a phone', { ...PHONE, colorScheme: 'light' as const }],
])('axe finds nothing, and nothing overflows: %s', (_, screen) => {
  test.each(PATHS)('%s', { timeout: 60_000 }, async path => {
    const { page } = await open(path, {}, screen)
    await expect.poll(() => page.locator('[aria-busy]').count()).toBe(0)
    expect(await violationsOf(page)).toEqual([])
    expect(await overflowOf(page)).toBeLessThanOrEqual(0)
  })
})
