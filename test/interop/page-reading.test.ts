/** Who can't see the page, or has no mouse, or wants it on paper: every view by its accessibility tree, by keys, and in print. */
import type { CDPSession, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { macOf, Rack } from '../console/page/rack.ts'
import { PageBrowser, type Screen } from './page-browser.ts'
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

async function open(path: string, screen: Screen = { width: 1280 }): Promise<Page> {
  rack = await Rack.open(16)
  server = await serveRack(rack)
  const page = await browser.open(server.url + path, screen, server.cookie, evening())
  await page.locator('h1').waitFor({ state: 'attached' })
  await expect.poll(() => page.locator('[aria-busy]').count()).toBe(0)
  return page
}

const NODE1 = `/machines/${macOf(0)}`
const PATHS = [
  '/',
  NODE1,
  `${NODE1}/answer`,
  `${NODE1}/attempts`,
  `${NODE1}/hardware`,
  '/isos',
  '/leases',
  '/rules',
  '/health',
]

type Node = { role: string; name: string; level: number | undefined }

type RawNode = {
  ignored: boolean
  role?: { value: string }
  name?: { value: string }
  properties?: { name: string; value: { value?: unknown } }[]
}

/** What Chromium tells a screen reader, in its order. */
async function treeOf(page: Page): Promise<Node[]> {
  const session: CDPSession = await page.context().newCDPSession(page)
  const { nodes } = (await session.send('Accessibility.getFullAXTree')) as unknown as { nodes: RawNode[] }
  return nodes
    .filter(({ ignored }) => !ignored)
    .map(({ role, name, properties = [] }) => {
      const level = properties.find(property => property.name === 'level')?.value.value
      return { role: role?.value ?? '', name: name?.value ?? '', level: typeof level === 'number' ? level : undefined }
    })
}

/** Roles that say nothing without a name. */
const NAMED = [
  ...['button', 'link', 'checkbox', 'textbox', 'searchbox', 'combobox', 'progressbar', 'meter'],
  ...['navigation', 'region', 'table', 'grid', 'group', 'dialog'],
]

describe('the accessibility tree', () => {
  test.each(PATHS)('%s: one main, headings in steps, a name for all that needs one', async path => {
    const nodes = await treeOf(await open(path))
    const count = (role: string): number => nodes.filter(node => node.role === role).length
    expect([count('main'), count('banner')]).toEqual([1, 1])
    const nameless = nodes.filter(({ role, name }) => NAMED.includes(role) && name.trim() === '')
    expect(nameless.filter(({ role }) => role !== 'group')).toEqual([])
    const levels = nodes.filter(({ role }) => role === 'heading').map(({ level }) => level!)
    expect(levels.filter(level => level === 1)).toEqual([1])
    const jumps = levels.filter((level, index) => level > (levels[index - 1] ?? 0) + 1)
    expect([levels[0], jumps]).toEqual([1, []])
  })

  test('what is announced is announced politely, and progress is not', async () => {
    const page = await open('/')
    const loud = '[aria-live=assertive], [role=alert]'
    expect(await page.locator(loud).count()).toBe(0)
    await page.evaluate(`
      globalThis.said = []
      const regions = document.querySelectorAll('[aria-live], [role=status]')
      globalThis.regions = regions.length
      for (const region of regions)
        new MutationObserver(() => said.push(region.textContent))
          .observe(region, { subtree: true, childList: true, characterData: true })
    `)
    for (let step = 1; step <= 10; step++) {
      for (const index of [2, 3, 7, 11]) rack.send(index, 900_000_000 + step * 20_000_000)
      await page.waitForTimeout(250)
    }
    expect(await page.evaluate('[regions <= 5, said]')).toEqual([true, []])
    await rack.happen(2, attempt => ({ type: 'gave-up', attempt, reason: 'no disk' }))
    await expect.poll(() => page.evaluate('said')).toEqual(['node3 failed: no disk'])
  })
})

type Focus = { id: string; name: string; isVisible: boolean }

/** Marks what can be reached, so that one and the same button is known again. */
const TABBABLE = `
  [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
    .filter(element => element.tabIndex >= 0 && !element.disabled && element.checkVisibility({ visibilityProperty: true }))
    .map((element, index) => (element.dataset.reach = String(index)))`
const FOCUSED = `(() => {
  const element = document.activeElement
  const { width, height } = element.getBoundingClientRect()
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element)
  const isShown = (outlineStyle !== 'none' && outlineWidth !== '0px') || boxShadow !== 'none'
  return { id: element.dataset.reach ?? '', name: element.outerHTML.slice(0, 120), isVisible: width > 0 && height > 0 && isShown }
})()`

test.each(PATHS)('%s: Tab reaches everything that can be used, and shows where it is', async path => {
  const page = await open(path)
  const all = (await page.evaluate(TABBABLE)) as string[]
  const reached = new Map<string, Focus>()
  for (let step = 0; step < all.length + 5 && reached.size < all.length; step++) {
    await page.keyboard.press('Tab')
    const focus = (await page.evaluate(FOCUSED)) as Focus
    if (focus.id !== '') reached.set(focus.id, focus)
  }
  expect(all.filter(id => !reached.has(id))).toEqual([])
  expect([...reached.values()].filter(({ isVisible }) => !isVisible).map(({ name }) => name)).toEqual([])
})

const ON_PAPER = `(() => {
  const visible = selector => [...document.querySelectorAll(selector)].filter(element => element.checkVisibility())
  const { backgroundColor, color } = getComputedStyle(document.body)
  return {
    paper: [backgroundColor, color],
    toPress: visible('main button:not(.row-head *), nav a, main input').filter(element => getComputedStyle(element).visibility !== 'hidden').map(element => element.outerHTML.slice(0, 80)),
    columns: visible('.row-head').length > 0,
    isCut: visible('.row, .step, td').some(element => element.scrollWidth > element.clientWidth + 1),
  }
})()`

test.each([
  ['/', true],
  [NODE1, false],
  ['/isos', false],
  ['/leases', false],
  ['/health', false],
])(
  '%s on paper: black on white although the screen is dark, nothing to press, nothing cut off',
  async (path, hasColumns) => {
    const page = await open(path, { width: 1047, height: 718, colorScheme: 'dark' })
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    expect(await page.evaluate(ON_PAPER)).toEqual({
      paper: ['rgb(255, 255, 255)', 'rgb(0, 0, 0)'],
      toPress: [],
      columns: hasColumns,
      isCut: false,
    })
  },
)
