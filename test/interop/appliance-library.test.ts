/** The library of a running appliance: files come, grow, are replaced, fail and go, and it is never started again. */
import { createHash } from 'node:crypto'
import { appendFileSync, copyFileSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { curl } from './appliance-clients.ts'
import { ISO, Rig, type Running, until } from './appliance-rig.ts'
import type { IsoView, LibraryView } from '../../services/console/schema/iso.ts'

const LIMIT_MS = 60_000
/** Two seconds of quiet and a look a second, on a machine that does other things too; far below the thirty of the looks now and then. */
const SOON_MS = 15_000

let rig: Rig
let site: string
let appliance: Running
let image: Buffer

beforeAll(async () => {
  rig = await Rig.open('library')
  image = readFileSync(rig.path('isos', ISO))
  site = rig.site()
  appliance = await rig.serve(site)
}, LIMIT_MS)

afterAll(() => rig.close(), LIMIT_MS)

/** What the appliance says of itself, without making it look. */
function ask(): Promise<LibraryView> {
  return new Promise((resolve, reject) => {
    const call = get({ socketPath: rig.path('state', 'control.sock'), path: '/api/v1/isos' }, response => {
      response.setEncoding('utf8')
      let text = ''
      response.on('data', part => (text += part))
      response.on('end', () => resolve(JSON.parse(text) as LibraryView))
    })
    call.on('error', reject)
  })
}

const viewOf = async (file: string): Promise<IsoView | undefined> => (await ask()).isos.find(iso => iso.file === file)

const becomes = (file: string, what: string, holds: (view: IsoView | undefined) => boolean): Promise<IsoView | true> =>
  until(
    `${file} ${what}`,
    async () => {
      const view = await viewOf(file)
      return holds(view) ? (view ?? true) : undefined
    },
    SOON_MS,
  )

const servedBytes = async (file: string): Promise<number> => {
  const words = ['-o', '/dev/null', '-w', '%{http_code} %{size_download}', `http://10.77.0.1/isos/${file}/proxmox.iso`]
  const [code, bytes] = (await rig.run('rack', ['curl', '-sS', ...words])).stdout.split(' ')
  return code === '200' ? Number(bytes) : 0
}

test(
  'a file that is being copied is told as such, and served when it is whole',
  async () => {
    const path = rig.path('isos', 'new.iso')
    writeFileSync(path, image.subarray(0, 100_000))
    await becomes('new.iso', 'is growing', view => view?.state === 'growing')
    expect(await servedBytes('new.iso')).toBe(0)
    appendFileSync(path, image.subarray(100_000))
    await becomes('new.iso', 'is usable', view => view?.state === 'usable')
    expect(await servedBytes('new.iso')).toBe(image.length)
    // The initrd was measured meanwhile, or is soon: the memory is no estimate any more.
    await becomes('new.iso', 'is measured', view => view?.facts?.initrd.unpackedBytes !== undefined)
  },
  LIMIT_MS,
)

test(
  'what replaces a file under its name is noticed',
  async () => {
    const before = statSync(rig.path('isos', 'new.iso'))
    const other = Buffer.from(image)
    // In both files that say which release it is.
    for (let at = other.indexOf("RELEASE='9.2'"); at >= 0; at = other.indexOf("RELEASE='9.2'", at))
      other.write('9.7', at + 9)
    writeFileSync(rig.path('isos', 'part'), other)
    renameSync(rig.path('isos', 'part'), rig.path('isos', 'new.iso'))
    expect(statSync(rig.path('isos', 'new.iso')).size).toBe(before.size)
    await becomes('new.iso', 'is another release', view => view?.facts?.release === '9.7')
  },
  LIMIT_MS,
)

test(
  'a checksum that fails takes it out, and the right one takes it in again',
  async () => {
    const sums = (sum: string): void => writeFileSync(rig.path('isos', 'SHA256SUMS'), `${sum}  new.iso\n`)
    sums('0'.repeat(64))
    expect(await rig.cli(site, 'iso', 'verify', 'new.iso')).toMatchObject({ status: 1, stdout: 'new.iso  failed\n' })
    expect(await viewOf('new.iso')).toMatchObject({ state: 'unusable', checksum: { outcome: 'failed' } })
    expect(await servedBytes('new.iso')).toBe(0)
    sums(
      createHash('sha256')
        .update(readFileSync(rig.path('isos', 'new.iso')))
        .digest('hex'),
    )
    expect((await rig.cli(site, 'iso', 'verify', 'new.iso')).status).toBe(0)
    expect(await servedBytes('new.iso')).toBe(image.length)
    expect((await rig.cli(site, 'iso', 'list')).stdout).toMatch(/\nnew\.iso +usable +pve 9\.7-1 amd64 .* good/)
  },
  LIMIT_MS,
)

test(
  'a profile whose ISO fails is an alarm until it is mended',
  async () => {
    const lasting = async (): Promise<string> =>
      (await rig.cli(site, 'alarm', 'list')).stdout.replaceAll(/^over: .*$/gm, '')
    writeFileSync(rig.path('isos', `${ISO}.sha256`), `${'0'.repeat(64)}\n`)
    expect((await rig.cli(site, 'iso', 'verify', ISO)).status).toBe(1)
    expect(await lasting()).toContain(`alarm iso-profile pve: first `)
    rmSync(rig.path('isos', `${ISO}.sha256`))
    expect((await rig.cli(site, 'iso', 'verify', ISO)).status).toBe(1)
    expect(await lasting()).not.toContain('alarm iso-profile')
  },
  LIMIT_MS,
)

test(
  'a file that is no ISO is told, one that goes is gone, and nothing of it was an error',
  async () => {
    copyFileSync(rig.path('loaders', 'snponly.efi'), rig.path('isos', 'odd.iso'))
    await becomes('odd.iso', 'is no ISO', view => view?.problems[0]?.code === 'iso-not-iso9660')
    for (const name of ['odd.iso', 'new.iso']) rmSync(rig.path('isos', name))
    await becomes('new.iso', 'is gone', view => view === undefined)
    expect((await ask()).isos.map(({ file, state }) => [file, state])).toEqual([[ISO, 'usable']])
    expect(appliance.log().filter(({ level }) => level >= 50)).toEqual([])
    expect((await curl(rig, 'rack', 'http://10.77.0.1/boot.ipxe')).status).toBe(0)
  },
  LIMIT_MS,
)
