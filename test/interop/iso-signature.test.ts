/** Lists of checksums that gpg signs and gpgv checks, as people download them: through the program. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { rackrise } from '../cli/rig.ts'
import { proxmoxImage } from '../iso/small-image.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const IMAGE = proxmoxImage()
const SUM = createHash('sha256').update(IMAGE).digest('hex')

let work: string
let folder: string
const file = (name: string): string => join(folder, name)
const gpg = (...args: string[]): Buffer =>
  execFileSync('gpg', ['--homedir', join(work, 'gpg'), '--batch', '--quiet', '--no-autostart', ...args], {
    stdio: 'pipe',
  })

/** Unlike the others it needs an agent, which is ended with the tests. */
function makeKey(name: string): void {
  execFileSync(
    'gpg',
    [
      '--homedir',
      join(work, 'gpg'),
      '--batch',
      '--quiet',
      '--passphrase',
      '',
      '--quick-generate-key',
      name,
      'ed25519',
      'sign',
      'never',
    ],
    { stdio: 'pipe' },
  )
  writeFileSync(join(work, `${name}.gpg`), gpg('--export', name))
  writeFileSync(join(work, `${name}.asc`), gpg('--armor', '--export', name))
}

function sign(by: string, ...how: string[]): void {
  gpg('--yes', '--local-user', by, ...how, '--output', file('SHA256SUMS.asc'), '--detach-sign', file('SHA256SUMS'))
}

beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'rackrise-gpg-'))
  mkdirSync(join(work, 'gpg'), { mode: 0o700 })
  for (const name of ['publisher', 'stranger']) makeKey(name)
})
afterAll(() => {
  execFileSync('gpgconf', ['--homedir', join(work, 'gpg'), '--kill', 'gpg-agent'])
  rmSync(work, { recursive: true, force: true })
})
beforeEach(() => {
  folder = mkdtempSync(join(work, 'isos-'))
  writeFileSync(file('a.iso'), IMAGE)
  writeFileSync(file('SHA256SUMS'), `${SUM}  a.iso\n`)
})

const verify = (keys: string, ...more: string[]) =>
  rackrise(folder, 'iso', 'verify', '--keyring', join(work, keys), ...more, 'a.iso')

test.each([
  ['publisher.gpg', []],
  ['publisher.gpg', ['--armor']],
  ['publisher.asc', ['--armor']],
])('a list signed by whom we trust is good (%s, %j)', async (keys, how) => {
  sign('publisher', ...how)
  expect(await verify(keys)).toEqual({
    status: 0,
    out: 'a.iso  good        SHA256SUMS  signed by publisher\n',
    err: '',
  })
})

test('a list that was changed after it was signed is worth nothing', async () => {
  sign('publisher')
  writeFileSync(file('SHA256SUMS'), `${SUM}  a.iso\n# changed\n`)
  const { status, out, err } = await verify('publisher.gpg')
  expect([status, out]).toEqual([1, 'a.iso  failed\n'])
  expect(err).toContain('a.iso is not what was published: the list was changed after it was signed; download it')
})

test('a list that somebody else has signed is no good where a key was asked for', async () => {
  sign('stranger')
  const { status, out, err } = await verify('publisher.gpg')
  expect([status, out]).toEqual([1, 'a.iso  good        SHA256SUMS\n'])
  expect(err).toContain(
    'error: who wrote the list of checksums is not known: none of the keys given has signed the list',
  )
})

test('something else in place of a signature, and something else in place of keys', async () => {
  writeFileSync(file('SHA256SUMS.asc'), 'no signature')
  expect((await verify('publisher.gpg')).err).toContain('has no signature that gpgv can read')
  sign('publisher')
  writeFileSync(join(work, 'no.gpg'), 'no keys')
  expect((await verify('no.gpg')).status).toBe(1)
  expect(await verify('nowhere.gpg')).toMatchObject({
    status: 1,
    err: expect.stringMatching(/^error: the file of keys \S+nowhere\.gpg cannot be read; correct --keyring\n$/),
  })
})

test('the file itself was changed', async () => {
  sign('publisher')
  const changed = Uint8Array.from(IMAGE)
  changed[40_000]! ^= 1
  writeFileSync(file('a.iso'), changed)
  const { status, err } = await verify('publisher.gpg')
  expect([status, err]).toEqual([1, expect.stringContaining(`SHA256SUMS says ${SUM}, it has `)])
})

test('lists and checksums are those of sha256sum', async () => {
  writeFileSync(file('SHA256SUMS'), execFileSync('sha256sum', ['a.iso'], { cwd: folder }))
  sign('publisher')
  expect((await verify('publisher.gpg')).status).toBe(0)
  writeFileSync(file('SHA256SUMS'), execFileSync('sha256sum', ['--tag', 'a.iso'], { cwd: folder }))
  sign('publisher')
  const { status, out } = await verify('publisher.gpg', '--json')
  expect([status, JSON.parse(out)]).toEqual([
    0,
    [
      {
        path: file('a.iso'),
        checksum: {
          outcome: 'good',
          sha256: SUM,
          lists: ['SHA256SUMS'],
          signature: 'good',
          why: 'signed by publisher',
          at: expect.any(String),
        },
        problems: [],
      },
    ],
  ])
})
