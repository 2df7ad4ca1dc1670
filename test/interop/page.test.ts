import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { macOf, Rack } from '../console/page/rack.ts'
import { overflowOf, PageBrowser, violationsOf } from './page-browser.ts'
import { PASSWORD, serveRack, type Served, type Ways } from './page-server.ts'

let browser: PageBrowser
const served: Served[] = []

beforeAll(async () => {
  browser = await PageBrowser.start()
})
afterEach(async () => {
  const complaints = await browser.closePages()
  for (const server of served.splice(0)) await server.close()
  expect(complaints).toEqual([])
})
afterAll(() => browser.close())

const WIDE = { width: 1280, height: 900 }
const PHONE = { width: 360, height: 780 }

async function serve(rack: Rack, ways?: Ways): Promise<Served> {
  const server = await serveRack(rack, ways)
  served.push(server)
  return server
}

async function openRack(
  count = 16,
  { path = '/', ways, screen = WIDE }: { path?: string; ways?: Ways; screen?: object } = {},
) {
  const rack = await Rack.open(count)
  const server = await serve(rack, ways)
  const page = await browser.open(server.url + path, { ...WIDE, ...screen }, server.cookie)
  return { rack, server, page }
}

const row = (page: Page, index: number) => page.locator(`.row:has([data-machine="${macOf(index)}"])`)
const focused = (page: Page): Promise<string> =>
  page.evaluate(
    '(document.activeElement?.getAttribute("data-machine") ?? document.activeElement?.textContent ?? "").trim()',
  )

describe('the rack', () => {
  test('shows every machine with its state, its download and its age', async () => {
    const { page } = await openRack()
    await row(page, 0).waitFor()
    expect(await page.locator('[data-machine]').count()).toBe(16)
    expect(await row(page, 0).innerText()).toMatch(/node1\s+installed/)
    expect(await row(page, 2).innerText()).toMatch(/booting\s+37 %\s+initrd and ISO 3\d MiB\/s, \d+ s left/)
    expect(await row(page, 9).innerText()).toMatch(/failed\s+.*matches none of its 3 disks/)
    expect(await row(page, 15).innerText()).toMatch(/blocked\s+lent to the lab until Monday/)
    expect(await page.title()).toBe('(2) Rack · rack-7')
  })

  test('an event repaints its row, the counts and the title', async () => {
    const { rack, page } = await openRack()
    await row(page, 4).getByText('installing').waitFor()
    await rack.happen(4, attempt => ({ type: 'gave-up', attempt, reason: 'its disk is full' }))
    await row(page, 4).getByText('its disk is full').waitFor()
    expect(await page.getByRole('button', { name: /failed/ }).innerText()).toMatch(/2$/)
    expect(await page.title()).toBe('(3) Rack · rack-7')
  })

  test('a machine that nobody knew appears', async () => {
    const { rack, page } = await openRack()
    await row(page, 0).waitFor()
    await rack.registry.sight({ macs: [macOf(77)], serial: 'NEW1' }, 'dhcp')
    await row(page, 77).getByText('NEW1').waitFor()
  })

  test('is filtered by text and by state, and the address bar keeps it', async () => {
    const { page } = await openRack()
    await page.getByRole('searchbox').fill('node1')
    await expect.poll(() => page.locator('[data-machine]').count()).toBe(8)
    await page.getByRole('button', { name: /^installed/ }).click()
    await expect.poll(() => page.locator('[data-machine]').count()).toBe(4)
    expect(new URL(page.url()).search).toBe('?search=node1&state=installed')
    await page.reload()
    await expect.poll(() => page.locator('[data-machine]').count()).toBe(4)
    await page.getByRole('searchbox').fill('nothing like that')
    await page.getByRole('button', { name: 'Show all' }).click()
    await expect.poll(() => page.locator('[data-machine]').count()).toBe(16)
  })

  test('is sorted by its columns, and back from a machine it is as it was', async () => {
    const { page } = await openRack()
    await page.getByRole('columnheader', { name: 'State' }).getByRole('button').click()
    await expect.poll(() => page.locator('.cell-state').nth(1).innerText()).toBe('held')
    await page.getByRole('link', { name: 'node10' }).click()
    await page.getByRole('heading', { level: 1, name: 'node10' }).waitFor()
    expect(await focused(page)).toBe('node10')
    await page.goBack()
    await expect.poll(() => page.locator('.cell-state').nth(1).innerText()).toBe('held')
    expect(new URL(page.url()).search).toBe('?sort=state')
  })

  test('an empty one says what to do', async () => {
    const { page } = await openRack(0)
    await page.getByRole('heading', { name: 'No machines yet' }).waitFor()
    expect(await page.getByRole('main').innerText()).toMatch(/Switch one on, with network boot first[^]*eth1/)
  })
})

describe('orders', () => {
  const onlyKeys = async (page: Page, ...keys: string[]): Promise<void> => {
    for (const key of keys) await page.keyboard.press(key)
  }

  test('by keyboard alone: select two, approve them with a reason, and the focus comes back', async () => {
    const { rack, page } = await openRack(32, { path: '/?state=held' })
    await row(page, 6).waitFor()
    // Tab until the list: everything before it is reachable, too.
    for (let presses = 0; presses < 40 && !(await focused(page)).startsWith('bc:24'); presses++)
      await page.keyboard.press('Tab')
    await onlyKeys(page, 'Space', 'Shift+ArrowDown')
    await page.getByText('2 selected').waitFor()
    for (let presses = 0; presses < 20 && !(await focused(page)).startsWith('Approve…'); presses++)
      await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog', { name: 'Approve 2 machines for installation?' })
    await dialog.waitFor()
    expect(await dialog.innerText()).toMatch(/ERASES THE DISKS/)
    for (const index of [6, 22]) {
      const { serial } = rack.machine(index)
      expect(await dialog.innerText()).toContain(serial!)
      expect(await dialog.innerText()).toContain(macOf(index))
    }
    expect(await focused(page)).toBe('Cancel')
    await onlyKeys(page, 'Shift+Tab')
    await page.keyboard.type('rack is ready')
    // One of them is not listed, so the site names no profile for it.
    await onlyKeys(page, 'Shift+Tab')
    await page.keyboard.type('pve')
    await onlyKeys(page, 'Tab')
    await onlyKeys(page, 'Enter')
    await page.getByText(/^Approved by anna: /).waitFor()
    expect([6, 22].map(index => rack.machine(index).state)).toEqual(['approved', 'approved'])
    const [event] = (await rack.registry.timeline(rack.machine(6).id, 0, 100)).slice(-1)
    expect(event).toMatchObject({ type: 'attempt-started', reason: 'rack is ready' })
    await dialog.waitFor({ state: 'detached' })
  })

  test('Escape changes its mind, and the focus is where it was', async () => {
    const { rack, page } = await openRack(16, { path: `/machines/${macOf(6)}` })
    await page.getByRole('button', { name: 'Block…' }).click()
    await page.getByRole('dialog').waitFor()
    // The dialog keeps the focus to itself.
    for (let presses = 0; presses < 8; presses++) {
      await page.keyboard.press('Tab')
      expect(
        await page.evaluate('document.activeElement === document.body || !!document.activeElement.closest("dialog")'),
      ).toBe(true)
    }
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    expect(await focused(page)).toBe('Block…')
    expect(rack.machine(6).state).toBe('held')
  })

  test('disks in doubt are shown, and need a tick', async () => {
    const doubt = {
      at: new Date().toISOString(),
      erases: ['sda (Samsung SSD 870, S6CK1)'],
      leaves: ['nvme0n1 (Micron 7450)'],
      doubts: [{ code: 'other-disks' as const, message: 'the last installation used nvme0n1', hint: 'look' }],
    }
    const ways: Ways = { user: 'anna', doubt }
    const { rack, page } = await openRack(16, { path: `/machines/${macOf(0)}`, ways })
    await page.getByRole('button', { name: 'Reinstall…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Reinstall' }).click()
    const tick = page.getByRole('checkbox', { name: /I have compared these disks/ })
    await tick.waitFor()
    expect(await page.getByRole('dialog').innerText()).toMatch(
      /sda \(Samsung SSD 870, S6CK1\)[^]*the last installation used nvme0n1/,
    )
    const erase = page.getByRole('button', { name: 'Erase, and reinstall' })
    expect(await erase.isDisabled()).toBe(true)
    expect(rack.machine(0).state).toBe('installed')
    await tick.check()
    await erase.click()
    await page.getByText('Approved for another installation by anna: node1').waitFor()
    expect(rack.machine(0).state).toBe('approved')
  })

  test('the profile that disks were doubted for is the one that is sent', async () => {
    const doubt = {
      ...{ at: new Date().toISOString(), erases: ['sda'], leaves: [] },
      doubts: [{ code: 'other-disks', message: 'the last installation used nvme0n1' }] as never,
    }
    const ways: Ways = { user: 'anna', doubt }
    const { rack, page } = await openRack(32, { path: `/machines/${macOf(22)}`, ways })
    await page.getByRole('button', { name: 'Approve…' }).click()
    const profile = page.getByRole('combobox', { name: 'Profile' })
    await profile.selectOption('pve')
    await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click()
    await page.getByRole('checkbox', { name: /I have compared these disks/ }).check()
    expect([await profile.isDisabled(), await profile.inputValue()]).toEqual([true, 'pve'])
    await page.getByRole('button', { name: 'Erase, and approve' }).click()
    await page.getByText(/^Approved by anna: /).waitFor()
    expect(rack.machine(22).attempt?.profile).toBe('pve')
  })

  test('a machine that is forgotten is gone', async () => {
    const { rack, page } = await openRack(16, { path: `/machines/${macOf(9)}` })
    await page.getByRole('button', { name: 'Forget…' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Forget' }).click()
    await page.getByText('Forgotten by anna: node10').waitFor()
    // The site lists it, so it is there again, as one that was never seen.
    expect(rack.registry.byMac(macOf(9))?.attempts ?? 0).toBe(0)
  })

  test('a viewer is offered none', async () => {
    const { page } = await openRack(16, {
      path: `/machines/${macOf(6)}`,
      ways: { user: 'ben' },
    })
    await page.getByRole('heading', { level: 1 }).waitFor()
    expect(await page.getByRole('main').getByRole('button').count()).toBe(0)
  })
})

describe('signing in', () => {
  test('by password, and out again', async () => {
    const { page } = await openRack(16, { ways: {} })
    await page.getByLabel('Name').fill('anna')
    await page.getByLabel('Password').fill('a rack of eight servers')
    await page.keyboard.press('Enter')
    await page
      .getByRole('alert')
      .getByText(/password/)
      .waitFor()
    await page.getByLabel('Password').fill(PASSWORD)
    await page.keyboard.press('Enter')
    await row(page, 0).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await page.title()).toBe('Sign in · Rackrise')
    expect(await page.locator('[data-machine]').count()).toBe(0)
  })

  test('by a one-time link, which is in the address bar no more', async () => {
    const rack = await Rack.open(16)
    const server = await serve(rack, { users: false })
    const page = await browser.open(server.makeLink(), WIDE)
    await row(page, 0).waitFor()
    expect(page.url()).toBe(`${server.url}/`)
    expect(await page.evaluate('history.length')).toBeLessThanOrEqual(2)
  })

  test('a link that is none says so, and where there are no users how to get another', async () => {
    const { page } = await openRack(16, { path: '/#link=twice', ways: { users: false } })
    await page.getByRole('alert').waitFor()
    expect(await page.getByRole('main').innerText()).toMatch(/a link that works once[^]*rackrise console link/)
  })
})

describe('the connection', () => {
  test('comes back by itself, and nothing is missing', async () => {
    const { rack, server, page } = await openRack()
    await page.getByText('Live', { exact: true }).waitFor()
    server.drop()
    await page.getByText(/^Reconnecting/).waitFor()
    await rack.happen(4, attempt => ({ type: 'gave-up', attempt, reason: 'while nobody listened' }))
    await page.getByText('Live', { exact: true }).waitFor()
    await row(page, 4).getByText('while nobody listened').waitFor()
  })

  test('a session that ends leads to the way in', async () => {
    const { server, page } = await openRack()
    await page.getByText('Live', { exact: true }).waitFor()
    await server.signOut()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })
})

test('L12 what a machine says of itself is text, in its view and in the question before an order', async () => {
  const rack = await Rack.open(4)
  const evil = '<img src=x onerror=alert(1)>'
  await rack.registry.sight({ macs: [macOf(0)], serial: '"><script>alert(2)</script>', product: evil }, 'dhcp')
  await rack.happen(0, { type: 'blocked', reason: `<b>${evil}</b>` })
  const server = await serve(rack)
  const html = await (await fetch(server.url)).text()
  expect([/<script(?![^>]*\bsrc=)/.test(html), /<style|\son\w+=|\sstyle=/.test(html)]).toEqual([false, false])
  const page = await browser.open(`${server.url}/machines/${macOf(0)}`, WIDE, server.cookie)
  const main = page.getByRole('main')
  await main.getByText(evil).first().waitFor()
  expect(await main.innerText()).toContain('"><script>alert(2)</script>')
  expect(await page.evaluate('document.querySelectorAll("main img, main script, main b").length')).toBe(0)
  await page.getByRole('button', { name: 'Approve…' }).click()
  await page.getByRole('dialog').getByText(evil).first().waitFor()
  expect(await page.evaluate('document.querySelectorAll("dialog img, dialog script").length')).toBe(0)
})

describe.each([
  ['dark, wide', { ...WIDE, colorScheme: 'dark' as const }],
  ['light, wide', { ...WIDE, colorScheme: 'light' as const }],
  ['dark, on a phone', { ...PHONE, colorScheme: 'dark' as const }],
  ['light, on a phone', { ...PHONE, colorScheme: 'light' as const }],
])('axe finds nothing, and nothing overflows: %s', (_, screen) => {
  const look = async (page: Page): Promise<void> => {
    expect(await violationsOf(page)).toEqual([])
    expect(await overflowOf(page)).toBeLessThanOrEqual(0)
  }

  test('rows, tiles, selection and dialog', { timeout: 60_000 }, async () => {
    const { page } = await openRack(40, { screen })
    await page.locator('[data-machine]').nth(39).waitFor()
    await look(page)
    await page.getByRole('button', { name: 'Tiles' }).click()
    await page.locator('.tile').first().waitFor()
    await look(page)
    await page.getByRole('checkbox', { name: 'Select node10', exact: true }).check()
    await page.getByRole('button', { name: 'Approve…' }).click()
    await page.getByRole('dialog').waitFor()
    await look(page)
  })

  test('a machine, an unknown one, no page, signing in', { timeout: 60_000 }, async () => {
    const { server, page } = await openRack(16, { path: `/machines/${macOf(9)}`, screen })
    await page.getByText('matches none of its 3 disks').nth(1).waitFor()
    await look(page)
    await page.goto(`${server.url}/machines/nobody`)
    await page.getByText('This machine is not known').waitFor()
    await look(page)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByLabel('Password').waitFor()
    await look(page)
  })
})
