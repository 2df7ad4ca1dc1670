import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { goodSite, type Ran, rackrise } from './rig.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

let folder: string
let file: string
let state: string
let backup: string
beforeEach(async () => {
  ;({ folder, file } = await goodSite())
  state = join(folder, 'state')
  backup = join(folder, 'rack.backup')
  await rackrise(folder, 'machine', 'approve', 'node1', '--config', file)
})
afterEach(() => rm(folder, { recursive: true }))

const run = (...args: string[]): Promise<Ran> => rackrise(folder, ...args, '--config', file)
const stateOf = async (name: string): Promise<string> =>
  (JSON.parse((await run('machine', 'show', name, '--json')).out) as { state: string }).state

test('a state that went on is as it was, and what it had become is kept aside', async () => {
  const done = await run('backup', backup)
  expect(done).toMatchObject({ status: 0, err: '' })
  expect(done.out).toContain(`${backup}: 3 events, 0 leases, secret.key; `)
  await run('machine', 'block', 'node1')
  expect(await run('restore', backup)).toEqual({
    status: 1,
    out: '',
    err: `rackrise restore: ${state} has a state already; with --force it is set aside, nothing is deleted\n`,
  })
  const restored = await run('restore', backup, '--force', '--json')
  const { setAside, willInstall } = JSON.parse(restored.out) as { setAside: string; willInstall: string[] }
  expect(willInstall).toEqual(['node1'])
  expect(await stateOf('node1')).toBe('approved')
  expect((await readdir(setAside)).toSorted()).toEqual(['secret.key', 'state.sqlite'])
})

test('a restore says what would install by the older state, and that `approve = true` counts again', async () => {
  await run('backup', backup, '--force')
  await run('machine', 'block', 'node1')
  const { status, err } = await run('restore', backup, '--force')
  expect([status, err]).toEqual([
    0,
    `warning: what was installed since this backup, this state does not know; look before you start it
warning: by it these install at their next network boot, unless you block them: node1
warning: \`approve = true\` counts again for machines that it has not seen; take it out of the site file
`,
  ])
})

test('a file is not replaced unless that is said, and without a name it is named by site and time', async () => {
  await writeFile(backup, 'mine')
  expect(await run('backup', backup)).toMatchObject({ status: 1, out: '' })
  expect(await readFile(backup, 'utf8')).toBe('mine')
  expect(await run('backup', backup, '--force')).toMatchObject({ status: 0 })
  const { out } = await run('backup', '--json')
  expect((JSON.parse(out) as { file: string }).file).toMatch(/^rackrise-[A-Za-z0-9.-]+-\d{8}T\d{6}Z\.backup$/)
})

test('what is no backup ends with a line that says so', async () => {
  await writeFile(backup, 'not a database at all, but long enough to be looked at')
  const refused = await run('restore', backup, '--force')
  expect(refused).toMatchObject({ status: 1, out: '' })
  expect(refused.err).toMatch(/^rackrise restore: error: can't restore .*; see that it is a backup of Rackrise .*\n$/)
  expect((await stat(state)).isDirectory()).toBe(true)
})
