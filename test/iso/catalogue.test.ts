import { mkdir, mkdtemp, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type IsoEntry, memoryNeeded, openCatalogue } from '../../services/iso/catalogue.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import type { Log } from '../../services/kit/log.ts'
import type { Problem } from '../../services/kit/problem.ts'
import { CD_INFO, proxmoxImage, smallImage } from './small-image.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-iso-'))
})
afterEach(() => rm(folder, { recursive: true }))

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }
const put = (name: string, bytes: Uint8Array) => writeFile(join(folder, name), bytes)
const info = (product: string, release: string, spin: string, more = '') =>
  proxmoxImage(`RELEASE='${release}'\nISORELEASE='${spin}'\nPRODUCT='${product}'\n${more}`)

function fileOf(found: ReturnType<Awaited<ReturnType<typeof openCatalogue>>['find']>): string {
  return isProblem(found) ? found.code : found.file
}

test('an image of Proxmox is an entry with everything that booting needs', async () => {
  await put('proxmox-ve_9.2-1.iso', proxmoxImage())
  const catalogue = await openCatalogue(folder, silent)
  expect(catalogue.problems()).toEqual([])
  const [entry, ...others] = catalogue.entries()
  expect(others).toEqual([])
  expect(entry).toMatchObject({
    file: 'proxmox-ve_9.2-1.iso',
    path: join(folder, 'proxmox-ve_9.2-1.iso'),
    size: 25 * 2048,
    release: { product: 'pve', productLong: 'Proxmox VE', release: '9.2', isorelease: '1', arch: 'amd64' },
    kernel: { path: '/boot/linux26', offset: 23 * 2048, length: 12 },
    initrd: { path: '/boot/initrd.img', offset: 24 * 2048, length: 12 },
    autoInstallCapable: true,
  })
  expect(entry).not.toHaveProperty('modeFile')
})

test('a mode file that somebody baked in is told', async () => {
  const mode = 'mode = "http"\n[http]\nurl = "https://old.example.org/"\n'
  await put('a.iso', proxmoxImage(CD_INFO, [{ name: 'auto-installer-mode.toml', text: mode }]))
  const [entry] = (await openCatalogue(folder, silent)).entries()
  expect(entry?.modeFile).toEqual({ mode: 'http', url: 'https://old.example.org/' })
})

test('the release is read from /.disk/info where /.cd-info is missing', async () => {
  const files = [
    { name: 'linux26', text: 'k' },
    { name: 'initrd.img', text: 'i' },
  ]
  const folders = [
    { name: '.disk', files: [{ name: 'info', text: CD_INFO }] },
    { name: 'boot', files },
  ]
  await put('a.iso', smallImage({ files: [], folders }))
  const catalogue = await openCatalogue(folder, silent)
  expect(catalogue.entries()[0]?.release.release).toBe('9.2')
  expect(catalogue.problems()).toMatchObject([{ code: 'iso-not-capable', severity: 'warning' }])
})

test('what is wrong with one file does not stop the others', async () => {
  await put('good.iso', proxmoxImage())
  await put('half.iso', proxmoxImage().subarray(0, 21 * 2048))
  await utimes(join(folder, 'half.iso'), 1, 1)
  await put('page.iso', Buffer.from('<html>'))
  await put('debian.iso', smallImage({ files: [{ name: 'README', text: 'x' }] }))
  await put('prepared.iso', smallImage({ files: [{ name: '.cd-info', text: CD_INFO }] }))
  await put('my iso.iso', proxmoxImage())
  await put('README.md', Buffer.from('drop ISOs here'))
  await mkdir(join(folder, 'old.iso'))
  await symlink('/etc/passwd', join(folder, 'link.iso'))
  const catalogue = await openCatalogue(folder, silent)
  expect(catalogue.entries().map(({ file }) => file)).toEqual(['good.iso'])
  expect(catalogue.problems().map(({ code, place }) => [place?.file.slice(folder.length + 1), code])).toEqual([
    ['debian.iso', 'iso-not-proxmox'],
    ['half.iso', 'iso-truncated'],
    ['link.iso', 'iso-not-regular'],
    ['my iso.iso', 'iso-name'],
    ['old.iso', 'iso-not-regular'],
    ['page.iso', 'iso-not-iso9660'],
    ['prepared.iso', 'iso-no-boot-files'],
  ])
})

test('what could not be served is told when it is put there: no long names, or 4 GiB', async () => {
  await put('plain.iso', smallImage({ files: [{ name: 'readme', text: 'x' }], rockRidge: false }))
  await put('large.iso', proxmoxImage())
  // A sparse file: it takes no room.
  await truncate(join(folder, 'large.iso'), 2 ** 32 - 4096)
  const catalogue = await openCatalogue(folder, silent)
  expect(catalogue.problems().map(({ code, place }) => [place?.file.slice(folder.length + 1), code])).toEqual([
    ['large.iso', 'iso-too-large'],
    ['plain.iso', 'iso-no-long-names'],
  ])
})

test('a folder that is not there is a problem, not an exception', async () => {
  const catalogue = await openCatalogue(join(folder, 'isos'), silent)
  expect(catalogue.entries()).toEqual([])
  expect(catalogue.problems()).toMatchObject([{ code: 'iso-folder', place: { file: join(folder, 'isos') } }])
})

test.each([
  ['pve:latest', 've-9.10-1.iso'],
  ['pve:9.2', 've-9.2-10.iso'],
  ['pbs:4.1', 'bs-4.1-1.iso'],
  ['pbs:latest', 'bs-4.1-1.iso'],
  ['pmg:latest', 'iso-unknown'],
  ['pve:8.4', 'iso-unknown'],
  ['ve-9.2-2.iso', 've-9.2-2.iso'],
  ['ve-11.0-1-arm64.iso', 've-11.0-1-arm64.iso'],
  ['../ve-9.2-2.iso', 'iso-unknown'],
  ['pdm:latest', 'dm-arm64.iso'],
])('%s is %s', async (selector, file) => {
  await put('ve-9.2-2.iso', info('pve', '9.2', '2'))
  await put('ve-9.2-10.iso', info('pve', '9.2', '10'))
  await put('ve-9.10-1.iso', info('pve', '9.10', '1'))
  await put('ve-11.0-1-arm64.iso', info('pve', '11.0', '1', "ARCH='arm64'\n"))
  await put('bs-4.1-1.iso', info('pbs', '4.1', '1'))
  await put('dm-arm64.iso', info('pdm', '1.0', '1', "ARCH='arm64'\n"))
  expect(fileOf((await openCatalogue(folder, silent)).find(selector))).toBe(file)
})

test('of one release the image as published is meant, before one that somebody prepared', async () => {
  const mode = { name: 'auto-installer-mode.toml', text: 'mode = "iso"\n' }
  await put('a-prepared.iso', proxmoxImage(CD_INFO, [mode]))
  await put('b.iso', proxmoxImage())
  const catalogue = await openCatalogue(folder, silent)
  expect(fileOf(catalogue.find('pve:latest'))).toBe('b.iso')
  expect(fileOf(catalogue.find('a-prepared.iso'))).toBe('a-prepared.iso')
  await put('c-prepared.iso', proxmoxImage(CD_INFO.replace("'1'", "'2'"), [mode]))
  expect(fileOf((await openCatalogue(folder, silent)).find('pve:latest'))).toBe('c-prepared.iso')
})

test('an unknown selector is answered with what there is', async () => {
  expect((await openCatalogue(folder, silent)).find('pve:latest')).toMatchObject({
    message: 'no ISO fits "pve:latest"; there is none',
  })
  await put('ve.iso', proxmoxImage())
  await put('bs.iso', Buffer.from('<html>'))
  expect((await openCatalogue(folder, silent)).find('pbs:latest')).toMatchObject({
    message: 'no ISO fits "pbs:latest"; there is ve.iso (pve 9.2-1), bs.iso (cannot be used: iso-not-iso9660)',
    hint: `put one into ${folder}, or correct the profile's iso`,
  })
})

test('a rescan sees what came, went and changed, and keeps what did not', async () => {
  await put('stays.iso', proxmoxImage())
  await put('goes.iso', proxmoxImage())
  await put('changes.iso', Buffer.from('half of a copy'))
  const clock = { now: () => Date.now() + 10_000 }
  const catalogue = await openCatalogue(folder, silent, { clock })
  const before = catalogue.find('stays.iso')
  expect(catalogue.entries().map(({ file }) => file)).toEqual(['goes.iso', 'stays.iso'])
  await rm(join(folder, 'goes.iso'))
  await put('changes.iso', proxmoxImage())
  await put('comes.iso', proxmoxImage())
  await Promise.all([catalogue.rescan(), catalogue.rescan()])
  expect(catalogue.entries().map(({ file }) => file)).toEqual(['changes.iso', 'comes.iso', 'stays.iso'])
  expect(catalogue.find('stays.iso')).toBe(before)
  expect(catalogue.problems()).toEqual([])
})

describe('while the appliance runs', () => {
  const START = Date.UTC(2026, 0, 1, 12)
  let now: number
  const written = async (name: string, bytes: Uint8Array) => {
    await put(name, bytes)
    await utimes(join(folder, name), now / 1000, now / 1000)
  }
  const open = () => {
    now = START
    return openCatalogue(folder, silent, { clock: { now: () => now } })
  }
  const problemOf = (found: IsoEntry | Problem) => (isProblem(found) ? `${found.severity} ${found.code}` : 'usable')

  test('a file that grows is told as such, and is used once it is whole and nobody writes to it', async () => {
    const catalogue = await open()
    const said = async (bytes: number, afterMs: number) => {
      now += afterMs
      if (bytes > 0) await written('a.iso', proxmoxImage().subarray(0, bytes))
      await catalogue.rescan()
      return [problemOf(catalogue.find('a.iso')), catalogue.isSettling()]
    }
    expect(await said(1, 0)).toEqual(['warning iso-growing', true])
    expect(await said(40_000, 1000)).toEqual(['warning iso-growing', true])
    // The copy waits for the network for a while.
    expect(await said(0, 20_000)).toEqual(['warning iso-growing', false])
    expect(catalogue.problems()[0]).toMatchObject({
      message: 'the file is still being copied: the ISO should have 51200 bytes and has 40000',
      hint: 'wait until it is copied wholly; if nobody is copying it, download it again',
    })
    // It is whole, but may have been made as large as it will be at the beginning.
    expect(await said(51_200, 1000)).toEqual(['warning iso-growing', true])
    expect(await said(51_200, 1000)).toEqual(['warning iso-growing', true])
    expect(await said(0, 1999)).toEqual(['warning iso-growing', true])
    expect(await said(0, 1)).toEqual(['usable', false])
  })

  test('a copy is one line of the log, however long it takes, and a foreign URL is another', async () => {
    const lines: string[] = []
    const log: Log = { ...silent, warn: (_, message) => lines.push(message) }
    now = START
    const ours = { answerUrl: 'https://10.77.0.1/answer' }
    const catalogue = await openCatalogue(folder, log, { clock: { now: () => now }, ours })
    for (let bytes = 1000; bytes < 20_000; bytes += 1000) {
      await written('a.iso', proxmoxImage().subarray(0, bytes))
      await catalogue.rescan()
      now += 1000
    }
    expect(lines).toEqual([expect.stringContaining('the file is still being copied: 1000 bytes so far')])
    const mode = { name: 'auto-installer-mode.toml', text: 'mode = "http"\n[http]\nurl = "https://old.example.org/"\n' }
    await written('a.iso', proxmoxImage(CD_INFO, [mode]))
    now += 5000
    await catalogue.rescan()
    expect(lines.slice(1)).toEqual([expect.stringContaining('it was prepared for https://old.example.org/')])
  })

  test('a copy that stopped is a damaged file in the end', async () => {
    const catalogue = await open()
    await written('a.iso', proxmoxImage().subarray(0, 40_000))
    now += 59_999
    await catalogue.rescan()
    expect(problemOf(catalogue.find('a.iso'))).toBe('warning iso-growing')
    now += 1
    await catalogue.rescan()
    expect(problemOf(catalogue.find('a.iso'))).toBe('error iso-truncated')
  })

  test('a file that another one replaces is noticed, also of the same size and age', async () => {
    const catalogue = await open()
    await written('a.iso', info('pve', '9.1', '1'))
    await written('b.iso', info('pve', '9.2', '1'))
    now += 5000
    await catalogue.rescan()
    const { size } = await stat(join(folder, 'a.iso'))
    expect((await stat(join(folder, 'b.iso'))).size).toBe(size)
    await rename(join(folder, 'b.iso'), join(folder, 'a.iso'))
    await catalogue.rescan()
    expect(catalogue.files().map(({ file }) => file)).toEqual(['a.iso'])
    expect(catalogue.find('a.iso')).toMatchObject({ release: { release: '9.2' } })
  })

  test('a file from the future is used', async () => {
    const catalogue = await open()
    now += 3_600_000
    await written('a.iso', proxmoxImage())
    now -= 3_600_000
    await catalogue.rescan()
    expect(problemOf(catalogue.find('a.iso'))).toBe('usable')
  })

  test('many that ask at once cost two looks', async () => {
    let looks = 0
    const catalogue = await openCatalogue(folder, silent, { clock: { now: () => (looks++, START) } })
    await written('a.iso', proxmoxImage())
    await Promise.all(Array.from({ length: 50 }, () => catalogue.rescan()))
    expect(looks).toBeLessThanOrEqual(2)
  })

  test('more files than anybody has are not looked at', async () => {
    for (let index = 100; index < 357; index++) await put(`${index}.iso`, Buffer.from('x'))
    const catalogue = await open()
    expect(catalogue.files()).toHaveLength(256)
    expect(catalogue.folderProblems()).toMatchObject([{ code: 'iso-too-many', severity: 'warning' }])
  })
})

test('the estimate of memory agrees with what was measured for 1.73 GB: 5 GB fail, 8 GB are fine', () => {
  const entry = { size: 1_730_000_000, initrd: { path: '/boot/initrd.img', offset: 0, length: 55_000_000 } }
  expect(memoryNeeded(entry satisfies Pick<IsoEntry, 'size' | 'initrd'>)).toBe(5_685_000_000)
})
