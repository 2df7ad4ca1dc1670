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
  const { setAside, held, willInstall } = JSON.parse(restored.out) as Record<string, string[]> & { setAside: string }
  expect([held, willInstall, restored.err]).toEqual([['node1'], [], ''])
  expect((await readdir(setAside)).toSorted()).toEqual(['secret.key', 'state.sqlite'])
})

test('a folder that is not there is named', async () => {
  expect(await run('backup', join(folder, 'backups', 'rack.backup'))).toEqual({
    status: 1,
    out: '',
    err: `rackrise backup: there is no folder ${folder}/backups; make it, or name another file\n`,
  })
})

test('a backup that is not there is told before anything else', async () => {
  expect(await run('restore', 'rack-7.backup')).toEqual({
    status: 1,
    out: '',
    err: 'rackrise restore: there is no file rack-7.backup; name a backup, as `rackrise backup` writes it\n',
  })
})

const UNKNOWN =
  'warning: what was installed since, this state does not know: nothing installs until a person approves it, whatever `approve` says\n'

test('T16 a restored state holds what it would have installed, names it, and a person approves it again', async () => {
  await run('backup', backup)
  const restored = await run('restore', backup, '--force')
  expect([restored.status, restored.err]).toEqual([
    0,
    `${UNKNOWN}warning: held, and would have installed: node1; look at their disks, then \`rackrise machine approve node1\`\n`,
  ])
  expect(restored.out).toMatch(/^\S+ is as it was at \d{4}-\S+Z: 3 events, 0 leases; it took [\d.]+ s\nWhat was there/)
  expect(await stateOf('node1')).toBe('held')
  expect((await run('machine', 'timeline', 'node1')).out).toMatch(
    /held: restored from a backup of \d{4}-\S+Z, and what/,
  )
  expect((await run('explain', 'node1')).out).toContain('boots the disk: restored from a backup of ')
  expect((await run('machine', 'approve', 'node1')).status).toBe(0)
  expect(await stateOf('node1')).toBe('approved')
})

test('T16 what a restored state has never seen is held although its entry approves it', async () => {
  const listed = await readFile(file, 'utf8')
  await writeFile(file, listed.slice(0, listed.indexOf('[[machine]]')))
  await rm(state, { recursive: true })
  await run('machine', 'list')
  await run('backup', backup)
  await rm(state, { recursive: true })
  await writeFile(file, listed.replace('[[machine]]', '[[machine]]\napprove = true'))
  const restored = await run('restore', backup)
  expect([restored.status, restored.err]).toEqual([
    0,
    expect.stringContaining('held, and would have installed: node1;'),
  ])
  expect(await stateOf('node1')).toBe('held')
})

test('T16 once all is known, what is new is approved by the site again; what is held stays held', async () => {
  const listed = await readFile(file, 'utf8')
  await run('backup', backup)
  await run('restore', backup, '--force')
  const again = '[[machine]]\nname = "node8"\nmac = ["52:54:00:aa:00:08"]\nprofile = "pve"\napprove = true\n'
  expect(await run('restore', '--all-known', '--force')).toMatchObject({ status: 2, out: '' })
  expect(await run('restore', '--all-known')).toEqual({
    status: 0,
    out: 'The site file approves machines that are new again; those that are held wait for a person\n',
    err: '',
  })
  await writeFile(file, `${listed}\n${again}`)
  expect([await stateOf('node1'), await stateOf('node8')]).toEqual(['held', 'approved'])
  const { out } = await run('restore', '--all-known')
  expect(out).toBe(`${state} holds no new machines: it was not restored, or that was said before\n`)
})

test('a move in which nothing was installed keeps approvals, by the word of who moves it', async () => {
  await run('backup', backup)
  const restored = await run('restore', backup, '--force', '--nothing-since')
  expect([restored.status, restored.err]).toEqual([
    0,
    'warning: by your word nothing was installed since, and these install at their next network boot: node1\n',
  ])
  expect(await stateOf('node1')).toBe('approved')
  const { out } = await run('restore', backup, '--force', '--nothing-since', '--json')
  expect(JSON.parse(out)).toMatchObject({ held: [], willInstall: ['node1'] })
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
