import { appendFile, chmod, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { isPassword } from '../../services/console/password-hash.ts'
import { loadUsers } from '../../services/console/users-file.ts'
import { findToken, isUsers, type Users } from '../../services/console/users.ts'
import { goodSite, rackrise, rackriseWith } from './rig.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const PASSWORD = 'a rack of seven servers'
let folder: string
let file: string

beforeAll(async () => {
  const site = await goodSite()
  folder = site.folder
  file = join(folder, 'users.toml')
  await appendFile(site.file, '[console]\nusers-file = "users.toml"\n')
})
afterEach(() => rm(file, { force: true }))
afterAll(() => rm(folder, { recursive: true, force: true }))

const run = (...args: string[]) => rackrise(folder, ...args, '--config', 'site.toml')
const runWith = (input: string, ...args: string[]) => rackriseWith(input, folder, ...args, '--config', 'site.toml')

async function users(): Promise<Users> {
  const read = await loadUsers(file)
  if (!isUsers(read)) throw new Error(JSON.stringify(read))
  return read
}

test('a user, from nothing to nothing', async () => {
  const added = await runWith(`${PASSWORD}\n`, 'user', 'add', 'anna', '--role', 'operator', '--password-stdin')
  expect([added.status, added.out]).toEqual([0, 'anna may sign in as operator\n'])
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  const anna = (await users()).users.get('anna')!
  expect([anna.role, await isPassword(PASSWORD, anna.password)]).toEqual(['operator', true])
  expect(await readFile(file, 'utf8')).not.toContain('seven')

  expect((await run('user', 'list')).out).toBe('NAME  ROLE\nanna  operator\n')
  const changed = await runWith('a rack of eight servers', 'user', 'password', 'anna', '--password-stdin')
  expect([changed.status, changed.out]).toEqual([0, 'anna has another password\n'])
  expect(await isPassword('a rack of eight servers', (await users()).users.get('anna')!.password)).toBe(true)

  const again = await runWith(PASSWORD, 'user', 'add', 'anna', '--role', 'viewer', '--password-stdin')
  expect([again.status, again.err]).toEqual([
    1,
    'error: anna is there already; set another password with `rackrise user password anna`, or remove it first\n',
  ])
  expect((await run('user', 'remove', 'anna', '--json')).out).toBe('{\n  "name": "anna"\n}\n')
  expect((await run('user', 'list')).out).toBe(`${file} has no users\n`)
}, 60_000)

test('a token, shown once', async () => {
  const added = await run('token', 'add', 'grafana', '--role', 'viewer', '--expires', '365d')
  expect([added.status, added.out]).toEqual([0, expect.stringMatching(/^rackrise_[\w-]{43}\n$/)])
  expect(added.err).toMatch(
    /token of grafana, viewer until \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ; it is shown this once and kept nowhere\n$/,
  )
  expect(findToken(await users(), added.out.trim(), Date.now())).toEqual({
    token: expect.objectContaining({ name: 'grafana', role: 'viewer' }),
  })
  expect(await readFile(file, 'utf8')).not.toContain(added.out.trim())
  expect((await run('token', 'list')).out).toMatch(/^NAME {5}ROLE {4}EXPIRES\ngrafana {2}viewer {2}\d{4}-.*Z\n$/)
  const json = JSON.parse((await run('token', 'add', 'ci', '--role', 'operator', '--json')).out) as object
  expect(json).toEqual({ name: 'ci', role: 'operator', token: expect.stringMatching(/^rackrise_/) })
  expect((await run('token', 'remove', 'ci')).out).toBe('the token of ci is void\n')
}, 60_000)

test.each<[string, string[], string, number, string]>([
  [
    'a short password',
    ['user', 'add', 'anna', '--role', 'viewer', '--password-stdin'],
    'short',
    1,
    'it has 5 characters, and 12 are the least',
  ],
  [
    'nobody to ask',
    ['user', 'add', 'anna', '--role', 'viewer'],
    '',
    1,
    'there is no terminal to ask for a password; say --password-stdin',
  ],
  ['no role', ['user', 'add', 'anna'], '', 2, 'say --role viewer or --role operator'],
  ['a role that is none', ['token', 'add', 'ci', '--role', 'root'], '', 2, 'say --role viewer or --role operator'],
  ['a name with a blank', ['user', 'add', 'anna b', '--role', 'viewer'], '', 2, '"anna b" is no name'],
  ['no name', ['token', 'remove'], '', 2, 'say which token'],
  ['a word too much', ['user', 'list', 'anna'], '', 2, '"anna" is too much'],
  ['a verb that is none', ['token', 'show'], '', 2, 'there is no "token show"'],
  [
    'a time that is none',
    ['token', 'add', 'ci', '--role', 'viewer', '--expires', 'soon'],
    '',
    2,
    '--expires is a time such as 12h or 90d',
  ],
  ['nobody of that name', ['user', 'password', 'zoe'], '', 1, 'there is no user zoe'],
])('refused: %s', async (_, args, input, status, why) => {
  const ran = await runWith(input, ...args)
  expect([ran.status, ran.out]).toEqual([status, ''])
  expect(ran.err).toContain(why)
})

test('M05 a users file that others can read is neither read nor changed', async () => {
  await run('token', 'add', 'ci', '--role', 'viewer')
  await chmod(file, 0o640)
  const { status, err } = await run('token', 'list')
  expect([status, err]).toEqual([1, expect.stringContaining('holds a secret and has mode 0640')])
}, 60_000)

test('check tells what is wrong with the users file', async () => {
  await writeFile(file, '[[user]]\nname = "anna"\nrole = "root"\n', { mode: 0o600 })
  const { status, err } = await run('check')
  expect([status, err.split('\n').filter(line => line.includes('users.toml'))]).toEqual([
    1,
    [
      `${file}:1:1: error: "password-hash" in [[user]] is missing; add it, as \`rackrise user password NAME\` does`,
      `${file}:3:1: error: "role" in [[user]]: "root" is not a choice; write one of "viewer", "operator"`,
    ],
  ])
}, 60_000)

test('without a users file in the site', async () => {
  const site = await goodSite()
  const { status, err } = await rackrise(site.folder, 'user', 'list', '--config', 'site.toml')
  await rm(site.folder, { recursive: true })
  expect([status, err]).toEqual([1, expect.stringContaining('set "users-file" in [console]')])
})
