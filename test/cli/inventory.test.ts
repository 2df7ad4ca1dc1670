import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { goodSite, type Ran, rackrise } from './rig.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let folder: string
let file: string
beforeEach(async () => {
  ;({ folder, file } = await goodSite())
})
afterEach(() => rm(folder, { recursive: true }))

const inventory = (...args: string[]): Promise<Ran> => rackrise(folder, 'inventory', ...args, '--config', file)

test('no machine is finished: an empty inventory that programs can read, and a word for people', async () => {
  const err = 'no machine is installed yet; see `rackrise machine list`\n'
  expect(await inventory()).toEqual({ status: 0, out: '---\nall:\n  hosts: {}\n', err })
  expect(await inventory('--json')).toEqual({ status: 0, out: '[]\n', err })
  expect(await inventory('--format', 'known_hosts')).toEqual({ status: 0, out: '', err })
})

test('a format that is none, and a word too much', async () => {
  expect(await inventory('--format', 'toml')).toMatchObject({ status: 2 })
  expect(await inventory('node1')).toMatchObject({ status: 2 })
})
