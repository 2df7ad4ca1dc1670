/** Debian's Chromium, and what a page must never do in it: throw, complain, or break the policy that it is served with. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContext, chromium, type Page, type Request } from 'playwright-core'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

export type Screen = { width: number; height?: number; colorScheme?: 'dark' | 'light'; reducedMotion?: 'reduce' }

/** By method and path, such as `GET /api/v1/machines/:id/devices`. */
export type Answers = Readonly<Record<string, (request: Request) => unknown>>

async function answerWith(context: BrowserContext, route: string, answer: Answers[string]): Promise<void> {
  const [method, path = ''] = route.split(' ')
  const pattern = new RegExp(`^https?://[^/]+${path.replaceAll(/:\w+/g, '[^/]+')}(\\?.*)?$`)
  await context.route(pattern, async asked => {
    if (asked.request().method() === method) await asked.fulfill({ json: answer(asked.request()) })
    else await asked.fallback()
  })
}

export class PageBrowser {
  readonly #browser: Browser
  /** What went wrong in any page since it was last asked. */
  readonly complaints: string[] = []

  private constructor(browser: Browser) {
    this.#browser = browser
  }

  static async start(): Promise<PageBrowser> {
    // As root it has no sandbox; it sees nothing but this page.
    const args = ['--no-sandbox', '--disable-gpu']
    return new PageBrowser(await chromium.launch({ executablePath: '/usr/bin/chromium', args }))
  }

  /**
   * @param cookie of a session, for somebody who is signed in already
   * @param answers of the API in place of the server's
   */
  async open(
    url: string,
    { width, height = 800, ...rest }: Screen,
    cookie?: { name: string; value: string },
    answers: Answers = {},
  ): Promise<Page> {
    const context = await this.#browser.newContext({ viewport: { width, height }, ...rest })
    for (const [route, answer] of Object.entries(answers)) await answerWith(context, route, answer)
    if (cookie) await context.addCookies([{ ...cookie, url: new URL(url).origin }])
    const page = await context.newPage()
    page.on('pageerror', error => this.complaints.push(error.message))
    page.on('dialog', dialog => {
      this.complaints.push(`it said ${dialog.message()}`)
      void dialog.dismiss()
    })
    page.on('console', message => {
      // A refusal that the page shows to the person is no fault of the page.
      if (message.type() === 'error' && !/status of 4\d\d|ERR_/.test(message.text()))
        this.complaints.push(message.text())
    })
    await page.goto(url)
    return page
  }

  /** Ends a test: pages that stay open go on working beside the next one's. @returns what went wrong in them */
  async closePages(): Promise<string[]> {
    await Promise.all(this.#browser.contexts().map(context => context.close()))
    return this.complaints.splice(0)
  }

  async close(): Promise<void> {
    await this.#browser.close()
  }
}

type Violation = { id: string; nodes: { target: string[]; failureSummary: string }[] }

/** Every rule of WCAG 2.2 A and AA, and what axe calls best practice. @returns one line for each that is broken */
export async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  const { violations } = (await page.evaluate('axe.run()')) as { violations: Violation[] }
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.length} times, ${nodes[0]!.target.join(' ')}: ${nodes[0]!.failureSummary}`,
  )
}

/** Pixels by which it is wider than the screen. */
export async function overflowOf(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - innerWidth')
}
