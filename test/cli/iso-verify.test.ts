import { createHash } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Progress, progressLine } from '../../services/cli/progress.ts'
import { addIsoApi } from '../../services/console/iso-api.ts'
import { localIsos } from '../../services/console/isos.ts'
import { closeConsoleApp } from '../../services/console/app.ts'
import { socketApp } from '../console/rig.ts'
import { openCatalogue } from '../../services/iso/catalogue.ts'
import { notesIn } from '../../services/iso/notes.ts'
import { Fleet, siteOf } from '../machine/rig.ts'
import { goodSite, rackrise } from './rig.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const NAME = 'proxmox-ve_9.2-1.iso'

test.each([
  [0, 0, 'a.iso  [                        ]    0 %  0 B/s'],
  [512, 1000, 'a.iso  [############            ]   50 %  512 B/s  1 s left'],
  [
    1000,
    10_000,
    'a.iso  [#######################]   97 %  100 B/s  1 s left'.replace(
      '[#######################]',
      '[####################### ]',
    ),
  ],
  [1024, 2000, 'a.iso  [########################]  100 %  512 B/s  0 s left'],
])('%i of 1024 bytes after %i ms', (done, elapsed, line) => {
  expect(progressLine('a.iso', done, 1024, elapsed)).toBe(line)
})

test('progress draws over one line of a terminal, ten times a second at most, and is silent in a pipe', () => {
  let now = 0
  let drawn: string[] = []
  const terminal = { isTTY: true, columns: 20, write: (text: string) => void drawn.push(text) }
  const progress = new Progress('a.iso', terminal, () => now)
  for (now = 0; now < 200; now += 10) progress.show(now, 200)
  progress.clear()
  expect(drawn).toEqual(['\r\u001b[Ka.iso  [           ', '\r\u001b[Ka.iso  [###########', '\r\u001b[K'])
  drawn = []
  const silent = new Progress('a.iso', { ...terminal, isTTY: false }, () => now)
  silent.show(1, 2)
  silent.clear()
  expect(drawn).toEqual([])
})

let folder: string
let file: string
let image: Buffer
beforeEach(async () => {
  ;({ folder, file } = await goodSite())
  image = await readFile(join(folder, 'isos', NAME))
})
afterEach(() => rm(folder, { recursive: true }))

const iso = (...args: string[]) => rackrise(folder, 'iso', ...args, '--config', file)
const sums = (sum: string) => writeFile(join(folder, 'isos', 'SHA256SUMS'), `${sum}  ${NAME}\n`)
const right = () => createHash('sha256').update(image).digest('hex')

test('a good file is good, is remembered, and list says so', async () => {
  await sums(right())
  const { status, out, err } = await iso('verify')
  expect([status, out]).toEqual([0, `${NAME}  good        SHA256SUMS\n`])
  expect(err).toMatch(
    /warning: who wrote the list of checksums is not known: SHA256SUMS has no signature beside it; [^\n]+\n$/,
  )
  expect((await iso('list')).out).toMatch(/ +good +pve\n$/)
  expect((await iso('inspect', NAME)).out).toMatch(
    /\n  checksum      good, looked at 20\d\d-[^\n]+Z\n  profiles      pve\n$/,
  )
})

test('a file that failed is an error of check, is shown by list, and is no longer used', async () => {
  await sums('ab'.repeat(32))
  const { status, out, err } = await iso('verify', NAME)
  expect([status, out]).toEqual([1, `${NAME}  failed\n`])
  expect(err).toContain(
    `error: ${NAME} is not what was published: SHA256SUMS says ${'ab'.repeat(32)}, it has ${right()}; `,
  )
  const list = await iso('list')
  expect(list.out).toMatch(/ unusable  pve 9\.2-1 amd64 .* failed *\n$/)
  expect(list.err).toContain('is not what was published')
  const check = await rackrise(folder, 'check', '--config', file)
  expect([check.status, check.err]).toEqual([
    1,
    expect.stringContaining(`${NAME}: error: ${NAME} is not what was published`),
  ])
  expect(check.err).toContain(
    `profile pve: no ISO fits "pve:latest"; there is ${NAME} (cannot be used: iso-checksum-failed)`,
  )
  // Downloaded again.
  await writeFile(join(folder, 'isos', NAME), image)
  expect((await rackrise(folder, 'check', '--config', file)).status).toBe(0)
})

test('a file that no list names is not verified, and its checksum is said', async () => {
  const { status, out, err } = await iso('verify', '--json')
  expect([status, err]).toEqual([1, ''])
  expect(JSON.parse(out)).toMatchObject([
    {
      path: join(folder, 'isos', NAME),
      checksum: { outcome: 'unlisted', sha256: right() },
      problems: [{ code: 'iso-unlisted' }],
    },
  ])
})

test('a file that is being copied is left for the next time', async () => {
  await writeFile(join(folder, 'isos', 'half.iso'), image.subarray(0, 100_000))
  await sums(right())
  const { status, out, err } = await iso('verify')
  expect([status, out]).toEqual([0, `${NAME}  good        SHA256SUMS\n`])
  expect(err).toMatch(
    /half\.iso: warning: the file is still being copied: the ISO should have \d+ bytes and has 100000; /,
  )
})

test('nothing to verify', async () => {
  await rm(join(folder, 'isos', NAME))
  expect(await iso('verify')).toEqual({
    status: 1,
    out: '',
    err: `rackrise iso: nothing to verify is in ${folder}/isos\n`,
  })
  expect(await iso('verify', 'other.iso')).toMatchObject({
    status: 1,
    out: 'other.iso  unreadable\n',
    err: expect.stringContaining(`${folder}/isos/other.iso: error: this ISO cannot be read: ENOENT`),
  })
})

test('an option of another verb is refused', async () => {
  expect(await iso('list', '--keyring', 'x')).toEqual({
    status: 2,
    out: '',
    err: 'rackrise iso: --keyring is not for iso list; see `rackrise iso --help`\n',
  })
})

describe('beside a running appliance', () => {
  let close: () => Promise<void>
  let served: () => string[]
  beforeEach(async () => {
    const { log, site } = await Fleet.open(siteOf())
    const state = join(folder, 'state')
    await mkdir(state, { mode: 0o700 })
    const catalogue = await openCatalogue(join(folder, 'isos'), log, { notes: notesIn(state) })
    served = () => catalogue.entries().map(({ file: name }) => name)
    const app = await socketApp(log)
    addIsoApi(app, localIsos(catalogue, site))
    await app.listen({ path: join(state, 'control.sock') })
    close = () => closeConsoleApp(app)
  })
  afterEach(() => close())

  test('what was found counts at once', async () => {
    expect(served()).toEqual([NAME])
    await sums('ab'.repeat(32))
    expect((await iso('verify')).status).toBe(1)
    expect(served()).toEqual([])
    await sums(right())
    expect((await iso('verify')).status).toBe(0)
    expect(served()).toEqual([NAME])
    expect((await iso('list', '--json')).out).toContain('"outcome": "good"')
  })
})
