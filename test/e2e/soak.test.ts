/** Two minutes of what `npm run soak` does for hours: machines, garbage and watchers at once, and nothing is lost, leaked or held. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '../..')
const MACHINES = 100

type Report = {
  verdicts: { what: string; holds: boolean; detail: string }[]
  wrong: string[]
  counts: { lives: number; installed: number; bootedDisk: number; held: number; renewals: number }
  watched: { events: number; lists: number; commands: number }
  garbage: Record<string, number>
}

test(`${MACHINES} machines, hostile neighbours and watchers for two minutes`, { timeout: 300_000 }, () => {
  const { RACKRISE_LAB_OUTSIDE: _, ...env } = process.env
  const words = ['--minutes', '1.5', '--machines', String(MACHINES), '--json']
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'test/soak/run.ts'), ...words], {
    ...{ cwd: ROOT, env, encoding: 'utf8', timeout: 290_000, maxBuffer: 64 * 1024 * 1024 },
  })
  expect(stdout.startsWith('{'), stderr).toBe(true)
  const report = JSON.parse(stdout) as Report
  expect([report.wrong, report.verdicts.filter(({ holds }) => !holds)]).toEqual([[], []])
  expect(status).toBe(0)
  // It was not the peace of an empty rack.
  const { counts, watched, garbage } = report
  expect(counts.installed).toBeGreaterThanOrEqual(MACHINES * 0.9)
  expect([counts.bootedDisk, counts.held, counts.renewals].every(count => count > 0)).toBe(true)
  expect(watched.events).toBeGreaterThan(1000)
  expect([watched.lists, watched.commands].every(count => count > 0)).toBe(true)
  expect(Object.keys(garbage).length).toBeGreaterThanOrEqual(4)
})
