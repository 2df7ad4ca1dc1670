import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { isoTable } from '../../services/cli/iso-list.ts'
import { CD_INFO, proxmoxImage } from '../iso/small-image.ts'
import { goodSite, rackrise } from './rig.ts'
import type { IsoView, LibraryView } from '../../services/console/schema/iso.ts'

// Child processes, on a machine that does other things too.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const FOREIGN = {
  name: 'auto-installer-mode.toml',
  text: 'mode = "http"\n[http]\nurl = "https://old.example.org/"\ntoken = "name:hush"\n',
}

const view = (more: Partial<IsoView>): IsoView => ({
  file: 'a.iso',
  path: '/isos/a.iso',
  bytes: 2048,
  state: 'unusable',
  profiles: [],
  problems: [],
  ...more,
})

const FACTS: IsoView['facts'] = {
  product: 'pve',
  productLong: 'Proxmox VE',
  release: '9.2',
  spin: '1',
  architecture: 'amd64',
  volume: 'PVE',
  autoInstall: true,
  kernel: { path: '/boot/linux26', bytes: 16_000_000 },
  initrd: { path: '/boot/initrd.img', bytes: 55_000_000 },
  memoryBytes: 5_685_000_000,
}

test('the table has columns as wide as what is in them', () => {
  const views = [
    view({}),
    view({ file: 've.iso', bytes: 1_730_000_000, state: 'usable', facts: FACTS, profiles: ['pve', 'zfs'] }),
  ]
  const lines = [
    'FILE    STATE     RELEASE          SIZE     MEMORY    CHECKSUM  PREPARED  PROFILES',
    'a.iso   unusable                   2.0 KiB',
    've.iso  usable    pve 9.2-1 amd64  1.6 GiB  ~5.3 GiB                      pve, zfs',
  ]
  expect(isoTable(views).split('\n')).toEqual(lines)
})

test('on a terminal of 80 columns what has no room is below', () => {
  const checksum: IsoView['checksum'] = {
    outcome: 'good',
    signature: 'good',
    lists: ['SHA256SUMS'],
    sha256: '',
    at: '2026-11-26T10:00:00Z',
  }
  const views = [
    view({ file: 'half.iso', state: 'growing' }),
    view({
      file: 'proxmox-ve_9.2-1.iso',
      bytes: 1_730_000_000,
      state: 'usable',
      facts: FACTS,
      profiles: ['pve'],
      checksum,
    }),
  ]
  expect(isoTable(views, { width: 80 }).split('\n')).toEqual([
    'FILE                  STATE    RELEASE          SIZE     MEMORY    CHECKSUM',
    'half.iso              growing                   2.0 KiB',
    'proxmox-ve_9.2-1.iso  usable   pve 9.2-1 amd64  1.6 GiB  ~5.3 GiB  good, signed',
    '    PROFILES pve',
  ])
})

describe('the program', () => {
  let folder: string
  let file: string
  beforeEach(async () => {
    ;({ folder, file } = await goodSite())
  })
  afterEach(() => rm(folder, { recursive: true }))
  const iso = (...args: string[]) => rackrise(folder, 'iso', ...args, '--config', file)

  test('list shows what is in the folder, then what is wrong with it', async () => {
    await writeFile(join(folder, 'isos', 'broken.iso'), 'not an image')
    await writeFile(join(folder, 'isos', 'foreign.iso'), proxmoxImage(CD_INFO.replace("'9.2'", "'8.4'"), [FOREIGN]))
    const { status, out, err } = await iso('list')
    expect(status).toBe(0)
    expect(out).toMatch(
      /^FILE +STATE +RELEASE +SIZE +MEMORY +CHECKSUM +PREPARED +PROFILES\nbroken\.iso +unusable +12 B\nforeign\.iso +usable +pve 8\.4-1 amd64 +52\.0 KiB +\S+ KiB +http\nproxmox-ve_9\.2-1\.iso +usable +pve 9\.2-1 amd64 +\S+ KiB +\S+ MiB +pve\n$/,
    )
    expect(err).toMatch(
      /broken\.iso: error: the file is not an ISO 9660 image; [^\n]+\n.*foreign\.iso: warning: .*https:\/\/old\.example\.org\//,
    )
    expect(`${out}${err}`).not.toContain('hush')
  })

  test('list for programs', async () => {
    const { folder: where, isos, problems } = JSON.parse((await iso('list', '--json')).out) as LibraryView
    expect([where, problems]).toEqual([join(folder, 'isos'), []])
    expect(isos).toEqual([
      {
        file: 'proxmox-ve_9.2-1.iso',
        path: join(folder, 'isos', 'proxmox-ve_9.2-1.iso'),
        bytes: expect.any(Number),
        state: 'usable',
        facts: {
          product: 'pve',
          productLong: 'Proxmox VE',
          release: '9.2',
          spin: '1',
          architecture: 'amd64',
          volume: 'PVE',
          autoInstall: true,
          kernel: { path: '/boot/linux26', bytes: 150_000 },
          initrd: { path: '/boot/initrd.img', bytes: expect.any(Number) },
          memoryBytes: expect.any(Number),
        },
        profiles: ['pve'],
        problems: [],
      },
    ])
  })

  test('an empty folder, and one that is not there', async () => {
    await rm(join(folder, 'isos', 'proxmox-ve_9.2-1.iso'))
    expect(await iso('list')).toEqual({ status: 0, out: `no ISO is in ${folder}/isos\n`, err: '' })
    await rm(join(folder, 'isos'), { recursive: true })
    const { status, err } = await iso('list')
    expect([status, err]).toEqual([1, expect.stringContaining('the folder of ISOs cannot be read')])
  })

  test('inspect knows names of the library, and tells of a token without telling it', async () => {
    await writeFile(join(folder, 'isos', 'foreign.iso'), proxmoxImage(CD_INFO, [FOREIGN]))
    const { status, out, err } = await iso('inspect', 'foreign.iso')
    expect([status, out]).toEqual([
      0,
      `${folder}/isos/foreign.iso
  state         usable
  size          52.0 KiB (53248 bytes)
  product       Proxmox VE (pve)
  release       9.2-1
  architecture  amd64
  volume        PVE
  automated     yes
  prepared      for mode http, answers from https://old.example.org/, carries a token
  kernel        /boot/linux26, 12 B
  initrd        /boot/initrd.img, 12 B
  memory        144.1 KiB for each machine, an estimate
`,
    ])
    expect(err).toContain('which silently beats DHCP and DNS')
    expect((await iso('inspect', 'foreign.iso', '--json')).out).not.toContain('hush')
  })

  test('check names what was baked in, and is ready, since booting from here replaces it', async () => {
    await writeFile(join(folder, 'isos', 'foreign.iso'), proxmoxImage(CD_INFO, [FOREIGN]))
    const { status, err } = await rackrise(folder, 'check', '--config', file)
    expect([status, err]).toEqual([
      0,
      expect.stringMatching(/^\S+foreign\.iso: warning: .*https:\/\/old\.example\.org\/.*\n$/),
    ])
  })
})

test('inspect needs no site', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rackrise-iso-'))
  try {
    await writeFile(join(folder, 'some.img'), proxmoxImage())
    const { status, out, err } = await rackrise(folder, 'iso', 'inspect', 'some.img')
    expect([status, err]).toEqual([0, ''])
    expect(out).toContain('prepared      no, as Proxmox publishes it')
    expect(await rackrise(folder, 'iso', 'inspect', 'othr.iso')).toEqual({
      status: 1,
      out: '',
      err: `${folder}/othr.iso: error: this file does not exist; name a path, or a file of \`rackrise iso list\`\n`,
    })
    const missing = await rackrise(folder, 'iso', 'inspect', 'other.iso', '--json')
    expect([missing.status, JSON.parse(missing.out)]).toEqual([
      1,
      expect.objectContaining({ state: 'unusable', problems: [expect.objectContaining({ code: 'iso-unreadable' })] }),
    ])
  } finally {
    await rm(folder, { recursive: true })
  }
})

describe('a command line that is wrong', () => {
  test.each([
    [[], 'rackrise iso: say which of list, inspect, verify, prepare; see `rackrise iso --help`'],
    [['eject'], 'rackrise iso: there is no "iso eject", but list, inspect, verify, prepare; see `rackrise iso --help`'],
    [['list', 'a.iso'], 'rackrise iso: "a.iso" is too much; see `rackrise iso --help`'],
    [
      ['inspect'],
      'rackrise iso: iso inspect needs a file: a path, or a name in the library; see `rackrise iso --help`',
    ],
    [
      ['toString'],
      'rackrise iso: there is no "iso toString", but list, inspect, verify, prepare; see `rackrise iso --help`',
    ],
  ])('%j', async (args, line) => {
    expect(await rackrise('/', 'iso', ...args)).toEqual({ status: 2, out: '', err: `${line}\n` })
  })
})
