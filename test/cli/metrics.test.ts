import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { goodSite, rackrise } from './rig.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let site: { folder: string; file: string }
beforeAll(async () => {
  site = await goodSite()
})
afterAll(() => rm(site.folder, { recursive: true }))

test('without a running appliance nothing is counted, and the way to start one is told', async () => {
  expect(await rackrise(site.folder, 'metrics', '--config', site.file)).toEqual({
    status: 1,
    out: '',
    err: `rackrise metrics: error: no appliance runs on the state in ${site.folder}/state, and nothing is counted without one; start it with \`rackrise serve\`, or name its site file with --config\n`,
  })
})
