import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parsePasswordHash } from '../../services/console/password-hash.ts'
import { changeUsersFile, FollowedUsers, loadUsers } from '../../services/console/users-file.ts'
import type { UsersChange } from '../../services/console/users-text.ts'
import { isUsers, type Users } from '../../services/console/users.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import { formatProblem } from '../../services/kit/problem.ts'
import { FakeClock } from '../fake/clock.ts'
import { HeardLog } from '../machine/rig.ts'

const HASH = '$scrypt$ln=10,r=1,p=1$AAECAwQFBgcICQoLDA0ODw$LNHqIdpH2J9jJrH3dyVy0JDTT4R8i3wdC3s9GNzXdWc'
const ANNA = `[[user]]\nname = "anna"\nrole = "operator"\npassword-hash = "${HASH}"\n`

let folder: string
let file: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-users-'))
  file = join(folder, 'users.toml')
})
afterEach(() => rm(folder, { recursive: true }))

const write = (text: string, mode = 0o600): Promise<void> => writeFile(file, text, { mode })
const add = (name: string): UsersChange => ({
  add: 'user',
  user: { name, role: 'viewer', password: parsePasswordHash(HASH)! },
})

async function namesOf(): Promise<string[]> {
  const users = await loadUsers(file)
  return isUsers(users) ? [...users.users.keys()] : users.map(problem => formatProblem(problem).replaceAll(folder, ''))
}

describe('reading', () => {
  test.each<[string, () => Promise<void>, string[]]>([
    ['a file', () => write(ANNA), ['anna']],
    ['none', async () => {}, []],
    [
      'one that a group may read',
      () => write(ANNA, 0o640),
      [
        '/users.toml: error: "/users.toml" holds a secret and has mode 0640; take it away from group and others: chmod 600 "/users.toml"',
      ],
    ],
    [
      'one that is too large',
      () => write(`#${' '.repeat(1024 * 1024)}`),
      ['/users.toml: error: /users.toml is larger than 1 MiB; take out what is not in use'],
    ],
    ['a folder', () => mkdir(file, 0o700), ['/users.toml: error: "/users.toml" is not a file; name a regular file']],
  ])('%s', async (_, prepare, expected) => {
    await prepare()
    expect(await namesOf()).toEqual(expected)
  })
})

describe('following', () => {
  let users: FollowedUsers
  let alarms: Alarms
  let log: HeardLog
  let told: string[][]

  beforeEach(() => {
    alarms = new Alarms(new FakeClock())
    log = new HeardLog()
    told = []
    const onChange = (now: Users): void => void told.push([...now.users.keys()])
    users = new FollowedUsers({ file, alarms, log, onChange })
  })
  const lasting = (): string[] => alarms.list().flatMap(({ code, endedAt }) => (endedAt === undefined ? [code] : []))

  test('a change counts without a restart, and what is as it was is not read again', async () => {
    await write(ANNA)
    await users.look()
    await users.look()
    await write(ANNA + ANNA.replace('anna', 'ben'))
    await users.look()
    expect(told).toEqual([['anna'], ['anna', 'ben']])
  })

  test('another file that the site names counts at the next look; its users alone are known, and with none nobody is', async () => {
    await write(ANNA)
    const site = { file: file as string | undefined }
    const onChange = (now: Users): void => void told.push([...now.users.keys()])
    const options = {
      get file() {
        return site.file
      },
      ...{ alarms, log, onChange },
    }
    const followed = new FollowedUsers(options)
    await followed.look()
    site.file = join(folder, 'others.toml')
    await followed.look()
    expect([...followed.current.users.keys()]).toEqual([])
    await writeFile(site.file, ANNA.replace('anna', 'ben'), { mode: 0o600 })
    await followed.look()
    site.file = undefined
    await followed.look()
    expect(told).toEqual([['anna'], [], ['ben'], []])
    expect(lasting()).toEqual([])
  })

  test.each<[string, () => Promise<void>]>([
    ['broken', () => write(ANNA.replace('operator', 'root'))],
    ['emptied', () => write('')],
    ['opened to others', () => chmod(file, 0o644)],
    ['removed', () => unlink(file)],
  ])('one that was %s leaves those of before, with an alarm until it is mended', async (_, breakIt) => {
    await write(ANNA)
    await users.look()
    await breakIt()
    await users.look()
    await users.look()
    expect([[...users.current.users.keys()], lasting(), told.length]).toEqual([['anna'], ['users-file'], 1])
    await rm(file, { force: true })
    await write(ANNA.replace('anna', 'ben'))
    await users.look()
    expect([[...users.current.users.keys()], lasting(), told.length]).toEqual([['ben'], [], 2])
  })

  test('one that is made while the appliance runs counts; one that is not there is no alarm', async () => {
    await users.look()
    expect([users.current.users.size, lasting()]).toEqual([0, []])
    await changeUsersFile(file, add('anna'))
    await users.look()
    expect(told).toEqual([['anna']])
  })
})

describe('changing', () => {
  test('a new file is its owner’s alone, and says what it is', async () => {
    expect(await changeUsersFile(join(folder, 'new/users.toml'), add('anna'))).toEqual([])
    file = join(folder, 'new/users.toml')
    expect([(await stat(file)).mode & 0o777, await namesOf()]).toEqual([0o600, ['anna']])
    expect(await readFile(file, 'utf8')).toMatch(/^# Who may use the console/)
  })

  test('root makes it for the appliance’s user, and leaves it to whom it belongs', async () => {
    const nobody = 65_534
    if (process.getuid?.() === 0) await chown(folder, nobody, nobody)
    const { uid, gid } = await stat(folder)
    await changeUsersFile(file, add('anna'), folder)
    await changeUsersFile(file, add('ben'), '/')
    const made = await stat(file)
    expect([made.uid, made.gid, made.mode & 0o777]).toEqual([uid, gid, 0o600])
  })

  test('M05 a file that others can read is not built upon', async () => {
    await write(ANNA, 0o644)
    expect((await changeUsersFile(file, add('ben'))).map(({ code }) => code)).toEqual(['file-open'])
  })

  test('two commands at once: one of them is told to come again', async () => {
    await write(ANNA)
    const outcomes = await Promise.all([changeUsersFile(file, add('ben')), changeUsersFile(file, add('cleo'))])
    expect(outcomes.flat().map(({ message }) => message.replaceAll(folder, ''))).toEqual([
      'another command is changing /users.toml',
    ])
    expect(await readdir(folder)).toEqual(['users.toml'])
    expect((await namesOf()).length).toBe(2)
  })

  test('a change that is refused leaves nothing behind', async () => {
    await write(ANNA)
    expect((await changeUsersFile(file, add('anna'))).map(({ code }) => code)).toEqual(['user-exists'])
    expect([await readdir(folder), await readFile(file, 'utf8')]).toEqual([['users.toml'], ANNA])
  })

  test('a link stays one', async () => {
    await write(ANNA)
    const link = join(folder, 'link.toml')
    await symlink(file, link)
    await changeUsersFile(link, add('ben'))
    expect([await namesOf(), (await readdir(folder)).toSorted()]).toEqual([
      ['anna', 'ben'],
      ['link.toml', 'users.toml'],
    ])
  })
})
