/** The appliance that serves a site file is found although the file names another state folder by now. */
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { controlSocketsIn, socketServing } from '../../services/cli/serving-socket.ts'
import { closeConsoleApp, type ConsoleApp } from '../../services/console/app.ts'
import { type FakeAppliance, fakeAppliance } from '../console/rig.ts'
import { LISTED } from '../machine/rig.ts'
import { WITH_PROFILE } from '../site/sites.ts'
import { rackrise } from './rig.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

test('sockets that somebody listens on, out of the table of the kernel', () => {
  const table = [
    'Num       RefCount Protocol Flags    Type St Inode Path',
    '0000000000000000: 00000002 00000000 00010000 0001 01 22222 /var/lib/rackrise/control.sock',
    // Connected, another name, a datagram socket, one without a path, an abstract one.
    '0000000000000000: 00000003 00000000 00000000 0001 03 33333 /var/lib/rackrise/control.sock',
    '0000000000000000: 00000002 00000000 00010000 0001 01 44444 /run/other.sock',
    '0000000000000000: 00000002 00000000 00010000 0002 01 55555 /run/a/control.sock',
    '0000000000000000: 00000003 00000000 00000000 0001 03 66666',
    '0000000000000000: 00000002 00000000 00010000 0001 01 77777 @/control.sock',
    '0000000000000000: 00000002 00000000 00010000 0001 01 8 /srv/with a blank/control.sock',
    '',
  ].join('\n')
  expect(controlSocketsIn(table)).toEqual(['/var/lib/rackrise/control.sock', '/srv/with a blank/control.sock'])
})

let folder: string
let file: string
let appliance: FakeAppliance
let app: ConsoleApp

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-serving-'))
  file = join(folder, 'site.toml')
  await writeFile(file, `${WITH_PROFILE}${LISTED}[paths]\nstate = "${folder}/new"\n`)
  appliance = await fakeAppliance({ file })
  app = appliance.app
  await mkdir(join(folder, 'old'), { mode: 0o700 })
  await app.listen({ path: join(folder, 'old', 'control.sock') })
})
afterEach(async () => {
  await closeConsoleApp(app)
  await rm(folder, { recursive: true })
})

test('by its file, whatever that is called', async () => {
  const other = join(folder, 'other.toml')
  const link = join(folder, 'link.toml')
  await writeFile(other, '')
  await symlink(file, link)
  const found = { path: join(folder, 'old', 'control.sock'), user: 'anna' }
  expect([
    await socketServing(file, 'anna'),
    await socketServing(link, 'anna'),
    await socketServing(other, 'anna'),
    await socketServing(join(folder, 'none.toml'), 'anna'),
  ]).toEqual([found, found, undefined, undefined])
})

test('`rackrise reload` is told by it why that file is refused, and `lease list` shows its leases', async () => {
  const problem = {
    ...{ code: 'needs-restart', severity: 'error' as const, place: { file, line: 19, column: 1 } },
    message: `paths.state can't change while the appliance runs: it is ${folder}/old, and would be ${folder}/new`,
    hint: 'stop the appliance, move the folder there, and start it; or put the old value back',
  }
  appliance.reloading.next = { refused: true, problems: [problem] }
  expect(await rackrise(folder, 'reload', '--config', file)).toEqual({
    status: 1,
    out: '',
    err: [
      `${file}:19:1: error: ${problem.message}; ${problem.hint}`,
      'rackrise reload: nothing was changed; the site file of before is served on',
      '',
    ].join('\n'),
  })
  expect((await rackrise(folder, 'lease', 'list', '--config', file)).out).toContain('10.77.0.11')
})

test('where nobody serves it, that is said', async () => {
  await writeFile(join(folder, 'other.toml'), `${WITH_PROFILE}${LISTED}[paths]\nstate = "${folder}/new"\n`)
  const { status, err } = await rackrise(folder, 'reload', '--config', join(folder, 'other.toml'))
  expect([status, err]).toEqual([
    1,
    expect.stringMatching(/no appliance runs on the state in .*\/new, and without one there is nothing to reload/),
  ])
})
