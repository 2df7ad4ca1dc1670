/** The console over a rack that lives: forty machines from power-on to installed, by what a person sees and clicks in a browser. */
import { expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { systemClock } from '../../services/kit/clock.ts'
import { openConsoleForward } from '../../services/lab/console-forward.ts'
import { type LabMachine, planMachines } from '../../services/lab/rack-plan.ts'
import { runSimulatedRack } from '../../services/lab/run-rack.ts'
import type { Lab } from '../../services/lab/session.ts'
import { overflowOf, PageBrowser, violationsOf } from '../interop/page-browser.ts'
import { countOf, timelineOf, withLab } from './rig.ts'

const MACHINES = 40
const SCREEN = { width: 1280, height: 900 }
/** For a whole rack on two busy cores. */
const PATIENCE_MS = 90_000

/** Power-on; resolves with how each machine ended, by name. */
async function powerOn(lab: Lab, machines: readonly LabMachine[]): Promise<Set<string>> {
  const outcomes = await runSimulatedRack({
    lab,
    machines,
    clock: systemClock,
    signal: new AbortController().signal,
    display: { show() {} },
  })
  return new Set(machines.map(({ name }) => outcomes.get(name)?.outcome ?? 'nothing'))
}

const states = (page: Page, state: string) => page.locator('.row .cell-state').getByText(state, { exact: true })
/** Of the filter, which knows the machines that are not drawn, too. */
const countIn = async (page: Page, state: string): Promise<number> =>
  Number(/(\d+)$/.exec(await page.getByRole('button', { name: new RegExp(`^${state}`) }).innerText())?.[1] ?? 0)
const until = (page: Page, state: string, count: number): Promise<void> =>
  expect.poll(() => countIn(page, state), { timeout: PATIENCE_MS }).toBe(count)

async function order(page: Page, action: 'Approve' | 'Reinstall', question: string, reason: string): Promise<string> {
  await page.getByRole('button', { name: `${action}…` }).click()
  const dialog = page.getByRole('dialog', { name: question })
  await dialog.waitFor()
  const text = await dialog.innerText()
  await dialog.getByLabel(/^Reason/).fill(reason)
  await dialog.getByRole('button', { name: new RegExp(`^${action}`) }).click()
  await dialog.waitFor({ state: 'detached', timeout: PATIENCE_MS })
  return text
}

test('forty machines: seen, approved, installed and one of them installed anew, through the page', {
  timeout: 6 * 60_000,
}, async () => {
  const machines = planMachines(MACHINES, 'mixed', false)
  const forward = await openConsoleForward(0)
  const browser = await PageBrowser.start()
  try {
    await withLab({ kind: 'simulated', machines, forward }, async ({ lab }) => {
      const page = await browser.open(await lab.consoleLink(), SCREEN)
      await page.getByText('Live', { exact: true }).waitFor()

      // Nobody approved them, so they boot disks that are blank, and wait.
      expect(await powerOn(lab, machines)).toEqual(new Set(['held']))
      await until(page, 'held', MACHINES)

      await page.getByRole('checkbox', { name: /^Select all/ }).check()
      await page.getByText(`${MACHINES} selected`).waitFor()
      const asked = await order(page, 'Approve', `Approve ${MACHINES} machines for installation?`, 'first rack')
      for (const { mac, serial } of machines) {
        expect(asked).toContain(mac)
        expect(asked).toContain(serial)
      }
      await until(page, 'approved', MACHINES)

      const installing = powerOn(lab, machines)
      await states(page, 'booting').first().waitFor({ timeout: PATIENCE_MS })
      expect(await installing).toEqual(new Set(['installed']))
      await until(page, 'installed', MACHINES)

      // Back on the network, they boot their disks.
      expect(
        await powerOn(
          lab,
          machines.slice(0, 5).map(machine => ({ ...machine, disk: 'bootable' as const })),
        ),
      ).toEqual(new Set(['booted-disk']))

      await page.getByRole('link', { name: 'node7', exact: true }).click()
      await page.getByRole('heading', { level: 1, name: 'node7' }).waitFor()
      await page
        .getByText(/first rack/)
        .first()
        .waitFor()
      await order(page, 'Reinstall', 'Reinstall node7?', 'new disks')
      const node7 = machines.filter(({ name }) => name === 'node7')
      expect(await powerOn(lab, node7)).toEqual(new Set(['installed']))
      await page
        .getByText(/new disks/)
        .first()
        .waitFor()
      expect(countOf(await timelineOf(lab, 'node7'), 'reported')).toBe(2)
      expect(countOf(await timelineOf(lab, 'node8'), 'reported')).toBe(1)
      expect(await violationsOf(page)).toEqual([])

      await page.goBack()
      await until(page, 'installed', MACHINES)
      expect(await violationsOf(page)).toEqual([])
      expect(await overflowOf(page)).toBeLessThanOrEqual(0)
    })
    expect(browser.complaints).toEqual([])
  } finally {
    await browser.close()
    await forward.close()
  }
})
