/** curl as a client of boot files: what loaders, people and scripts do with ranges, broken downloads and conditions. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readdir, readFile, readlink, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HERE, Rig } from '../http/rig.ts'

let rig: Rig
beforeEach(async () => {
  rig = await Rig.start()
})
afterEach(() => rig.close())

const PLAIN = '/isos/proxmox-ve_9.2-1/proxmox.iso'
/** Of curl, when its time is over. */
const TIMED_OUT = 28

type Outcome = { status: number; stdout: Buffer }

/** curl, standing at node1's address. */
function curl(path: string, ...words: string[]): Promise<Outcome> {
  const url = `http://127.0.0.1:${rig.ports.plain}${path}`
  return new Promise(resolve => {
    const options = { encoding: 'buffer', maxBuffer: 1024 ** 3, timeout: 30_000 } as const
    execFile('curl', ['-sS', '--interface', HERE, ...words, url], options, (error, stdout) =>
      resolve({ status: error ? Number(error.code) : 0, stdout }),
    )
  })
}

async function body(path: string, ...words: string[]): Promise<Buffer> {
  const { status, stdout } = await curl(path, ...words)
  expect(status).toBe(0)
  return stdout
}

const initrd = (): string => `/boot/${rig.attempt}/initrd.img`
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Grows the ISO by a hole, beyond what sockets hold. */
async function makeLarge(bytes: number): Promise<string> {
  const path = join(rig.folder, 'isos', 'proxmox-ve_9.2-1.iso')
  await truncate(path, bytes)
  // Long ago: what was written just now might still be being copied.
  await utimes(path, 1, 1)
  await rig.context.catalogue.rescan()
  return path
}

async function openIsos(): Promise<number> {
  const links = (await readdir('/proc/self/fd')).map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => ''))
  return (await Promise.all(links)).filter(link => link.startsWith(join(rig.folder, 'isos'))).length
}

test('L02 a range is that part of the whole', async () => {
  await rig.bring('booting')
  const whole = await body(initrd())
  for (const [range, start, end] of [
    ['0-0', 0, 1],
    ['100-99999', 100, 100_000],
    ['-777', whole.length - 777, whole.length],
    [`${whole.length - 1}-`, whole.length - 1, whole.length],
  ] as const)
    expect(digest(await body(initrd(), '-r', range))).toBe(digest(whole.subarray(start, end)))
})

test('L02 a broken download that goes on ends as the whole, and the initrd counts as sent', async () => {
  await rig.bring('booting')
  const file = join(rig.folder, 'download')
  const count = async (): Promise<number> => (await rig.types()).filter(type => type === 'initrd-sent').length
  await writeFile(file, await body(initrd(), '-r', '0-199999'))
  expect(await count()).toBe(0)
  await body(initrd(), '-C', '-', '-o', file)
  // Kept behind the last byte, not before it.
  await expect.poll(count).toBe(1)
  expect(digest(await readFile(file))).toBe(digest(await body(initrd())))
})

test('L01 its head says how long it is', async () => {
  const path = await makeLarge(20_000_000)
  const head = (await body(PLAIN, '-I')).toString()
  expect(head).toMatch(/^HTTP\/1\.1 200 /)
  expect(head).toMatch(/^content-length: 20000000\r$/im)
  expect((await stat(path)).size).toBe(20_000_000)
})

test('who has it already is not sent it again', async () => {
  const [file, tag] = [join(rig.folder, 'iso'), join(rig.folder, 'tag')]
  await body(PLAIN, '-R', '-o', file, '--etag-save', tag)
  const code = ['-o', '/dev/null', '-w', '%{http_code} %{size_download}']
  expect((await body(PLAIN, ...code, '--etag-compare', tag)).toString()).toBe('304 0')
  expect((await body(PLAIN, ...code, '-z', file)).toString()).toBe('304 0')
  await makeLarge(20_000_000)
  expect((await body(PLAIN, ...code, '--etag-compare', tag)).toString()).toBe('200 20000000')
})

test('eight at a time, and a slow reader among them, all get the same', async () => {
  const path = await makeLarge(24_000_000)
  const expected = digest(await readFile(path))
  const slow = body(PLAIN, '--limit-rate', '12M')
  const all = await Promise.all([slow, ...Array.from({ length: 7 }, () => body(PLAIN))])
  expect(all.map(digest)).toEqual(all.map(() => expected))
})

test('a client that breaks off leaves nothing behind, and the next one is served', async () => {
  await makeLarge(64_000_000)
  const { status } = await curl(PLAIN, '--limit-rate', '1M', '--max-time', '1', '-o', '/dev/null')
  expect(status).toBe(TIMED_OUT)
  await expect.poll(openIsos, { timeout: 5000 }).toBe(0)
  expect((await body(PLAIN)).length).toBe(64_000_000)
})

test('several files on one connection', async () => {
  const url = `http://127.0.0.1:${rig.ports.plain}/isos/proxmox-ve_9.2-1`
  const quiet = ['-o', '/dev/null', '-w', '%{num_connects} %{http_code} ', `${url}/vmlinuz`]
  const said = (await body(PLAIN, ...quiet, '-o', '/dev/null', `${url}/initrd.img`, '-o', '/dev/null')).toString()
  expect(said).toBe('1 200 0 200 0 200 ')
})
