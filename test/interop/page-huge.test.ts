/** A site of ten thousand machines stays usable: not all are drawn, and nothing that a person does takes long. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { macOf, Rack } from '../console/page/rack.ts'
import { PageBrowser } from './page-browser.ts'
import { serveRack, type Served } from './page-server.ts'

const MACHINES = 10_000
/** What a browser may have of them: a window, and some at its ends. */
const DRAWN_MOST = 300
/** The best of these tries counts, as others may be at work. */
const TRIES = 3
/** Milliseconds; on a computer that does nothing else a third of that. */
const MOST = { paint: 3000, whole: 8000, update: 400, search: 1000, select: 1000, jump: 1500 }
const LIMIT = { timeout: 120_000 }

let browser: PageBrowser
let rack: Rack
let server: Served
let page: Page

beforeAll(async () => {
  browser = await PageBrowser.start()
  rack = await Rack.open(MACHINES)
  server = await serveRack(rack)
}, 120_000)
afterAll(async () => {
  await server.close()
  await browser.close()
})

const links = (): Promise<number> => page.locator('[data-machine]').count()
const shownCount = (): Promise<string> => page.locator('.chip.is-all b').innerText()
const AFTER_A_FRAME = 'new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()))))'

/** Milliseconds from an action until an expression is true in the page. */
async function until(expression: string, act: () => Promise<unknown>): Promise<number> {
  const seen = page.evaluate<number>(`new Promise(done => {
    const look = () => ${expression} ? setTimeout(() => done(Date.now())) : requestAnimationFrame(look)
    look()
  })`)
  const began = Date.now()
  await act()
  return (await seen) - began
}

test('the first screenful comes at once, and all of them soon after', LIMIT, async () => {
  const [paint, whole]: [number[], number[]] = [[], []]
  for (const layout of ['tiles', 'rows', 'rows']) {
    await page?.context().close()
    page = await browser.open(`${server.url}/?layout=${layout}`, { width: 1280 }, server.cookie)
    await page.locator('[data-machine]').first().waitFor()
    paint.push(await page.evaluate<number>(AFTER_A_FRAME))
    await expect.poll(shownCount, { timeout: 30_000, interval: 20 }).toBe(String(MACHINES))
    whole.push(await page.evaluate<number>(AFTER_A_FRAME))
    expect(await links()).toBeLessThan(DRAWN_MOST)
  }
  process.stdout.write(
    `${MACHINES} machines: first paint ${paint.map(Math.round).join(', ')} ms, all ${whole.map(Math.round).join(', ')} ms\n`,
  )
  expect(Math.min(...paint)).toBeLessThan(MOST.paint)
  expect(Math.min(...whole)).toBeLessThan(MOST.whole)
})

test('an event is on the screen', LIMIT, async () => {
  const id = (await page.locator('[data-machine]').nth(3).getAttribute('data-machine'))!
  const index = Array.from({ length: MACHINES }, (_, at) => at).find(at => macOf(at) === id)!
  const row = `document.querySelector('[data-machine="${id}"]').closest('.row')`
  const took: number[] = []
  for (let turn = 0; turn < TRIES; turn++) {
    const reason = `reason ${turn}`
    took.push(
      await until(`${row}.textContent.includes('${reason}')`, () => rack.happen(index, { type: 'blocked', reason })),
    )
  }
  process.stdout.write(`${MACHINES} machines: an event ${took.join(', ')} ms\n`)
  expect(Math.min(...took)).toBeLessThan(MOST.update)
})

test('a search finds one of them, and is taken away again', LIMIT, async () => {
  const count = `document.querySelectorAll('[data-machine]').length`
  const box = page.getByRole('searchbox')
  const found = await until(`${count} === 1`, () => box.fill('node9998'))
  const all = await until(`${count} > 50`, () => box.fill(''))
  process.stdout.write(`${MACHINES} machines: a search ${found} ms, and back ${all} ms\n`)
  expect(found).toBeLessThan(MOST.search)
  expect(all).toBeLessThan(MOST.search)
})

test('all of them are selected, asked about, and let go', LIMIT, async () => {
  const selection = `document.querySelector('.selection')?.textContent.includes('${MACHINES} selected')`
  const took = await until(selection, () => page.locator('.row-head input').click())
  const asked = await until(`document.querySelector('dialog[open]') !== null`, () =>
    page
      .locator('.selection')
      .getByRole('button', { name: /^Block/ })
      .click(),
  )
  process.stdout.write(`${MACHINES} machines: select all ${took} ms, the question ${asked} ms\n`)
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Clear' }).click()
  expect(took).toBeLessThan(MOST.select)
  expect(asked).toBeLessThan(MOST.select)
})

test('End goes to the last, Home to the first, and the middle is where one scrolls to', LIMIT, async () => {
  const focused = (name: string): string => `document.activeElement.textContent === '${name}'`
  await page.locator('[data-machine]').first().focus()
  const first = await page.evaluate<string>('document.activeElement.textContent')
  const end = await until(focused('node10000'), () => page.keyboard.press('End'))
  const home = await until(focused(first), () => page.keyboard.press('Home'))
  await page.evaluate('scrollTo(0, document.documentElement.scrollHeight / 2)')
  const seen = `[...document.querySelectorAll('.row [data-machine]')].filter(link => {
    const { top } = link.getBoundingClientRect()
    return top > 0 && top < innerHeight
  }).map(link => Number(/\\d+/.exec(link.textContent)?.[0]))`
  await expect.poll(async () => (await page.evaluate<number[]>(seen)).length).toBeGreaterThan(10)
  const index = 'Number(document.querySelector(".row[aria-rowindex]").getAttribute("aria-rowindex"))'
  process.stdout.write(`${MACHINES} machines: End ${end} ms, Home ${home} ms\n`)
  expect(await page.evaluate<number>(index)).toBeGreaterThan(MACHINES * 0.4)
  expect(await page.evaluate<number>(index)).toBeLessThan(MACHINES * 0.6)
  expect(Math.min(end, home)).toBeLessThan(MOST.jump)
  expect(browser.complaints).toEqual([])
})
