/** `npm run screenshots`: the pictures of docs/console.md, of a rack in the middle of an installation. */
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { macOf, Rack } from './console/page/rack.ts'
import { type Answers, PageBrowser, type Screen } from './interop/page-browser.ts'
import { nextSite } from './console/page/things.ts'
import { evening } from './interop/page-evening.ts'
import { serveRack, type Served } from './interop/page-server.ts'

const FOLDER = join(import.meta.dirname, '../docs/screenshots')
const MACHINES = 40

type Shot = {
  name: string
  path: string
  screen: Screen
  answers?: Answers
  act?: (page: Page, server: Served) => Promise<void>
}

const WIDE: Screen = { width: 1280, height: 720, colorScheme: 'dark', reducedMotion: 'reduce' }
const PHONE: Screen = { width: 360, height: 720, colorScheme: 'dark', reducedMotion: 'reduce' }

async function askToApprove(page: Page): Promise<void> {
  for (const name of ['node10', 'node26'])
    await page.getByRole('checkbox', { name: `Select ${name}`, exact: true }).check()
  await page.getByRole('button', { name: 'Approve…' }).click()
  await page.getByRole('dialog').waitFor()
}

async function askToReload(page: Page, { reloading }: Served): Promise<void> {
  reloading.next = nextSite()
  await page.getByRole('button', { name: 'Load it again…' }).click()
  await page.getByText('It would be loaded').waitFor()
}

const ISO_BYTES = 1_734_000_000

/** As far as it is after three seconds. */
async function verify(page: Page, { work }: Served): Promise<void> {
  const subject = 'proxmox-ve_9.2-1.iso'
  const about = {
    id: `verify:${subject}`,
    what: 'verify',
    subject,
    unit: 'bytes',
    total: ISO_BYTES,
    canCancel: true,
  } as const
  const ended = Promise.withResolvers<void>()
  void work.run(about, async tell => {
    await page.waitForTimeout(3000)
    tell({ done: 0.38 * ISO_BYTES })
    await ended.promise
  })
  await page.getByText('38 %').waitFor()
  ended.resolve()
}

const SHOTS: Shot[] = [
  { name: 'rack', path: '/', screen: WIDE },
  { name: 'tiles', path: '/?layout=tiles', screen: { ...WIDE, colorScheme: 'light' } },
  { name: 'approve', path: '/?state=attention', screen: { ...WIDE, colorScheme: 'light' }, act: askToApprove },
  { name: 'machine', path: `/machines/${macOf(0)}`, screen: { ...WIDE, height: 900 } },
  { name: 'download', path: `/machines/${macOf(2)}`, screen: { ...WIDE, height: 760, colorScheme: 'light' } },
  { name: 'isos', path: '/isos', screen: { ...WIDE, height: 420 }, answers: evening(), act: verify },
  { name: 'health', path: '/health', screen: { ...WIDE, height: 900 }, answers: evening() },
  { name: 'reload', path: '/health', screen: { ...WIDE, colorScheme: 'light' }, answers: evening(), act: askToReload },
  { name: 'phone', path: '/', screen: PHONE },
]

/** Everything was heard, drawn and said. */
const SETTLE_MS = 1500

async function main(): Promise<void> {
  mkdirSync(FOLDER, { recursive: true })
  const browser = await PageBrowser.start()
  try {
    for (const { name, path, screen, answers, act } of SHOTS) {
      const server = await serveRack(await Rack.open(MACHINES))
      const page = await browser.open(server.url + path, screen, server.cookie, answers)
      await page.locator('h1').waitFor({ state: 'attached' })
      await page.waitForTimeout(SETTLE_MS)
      await act?.(page, server)
      const file = join(FOLDER, `${name}.png`)
      await page.screenshot({ path: file })
      process.stdout.write(`${file}: ${Math.ceil(statSync(file).size / 1024)} KiB\n`)
      await page.context().close()
      await server.close()
    }
    for (const complaint of browser.complaints) process.stdout.write(`the page complained: ${complaint}\n`)
    process.exitCode = browser.complaints.length > 0 ? 1 : 0
  } finally {
    await browser.close()
  }
}

await main()
