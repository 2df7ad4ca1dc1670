/** Downloads as they go wrong: clients that stall, break off or ask ahead, and files that change under way. */
import { copyFile, readdir, readlink, rename, truncate, utimes } from 'node:fs/promises'
import { get, type IncomingMessage } from 'node:http'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../services/http/server.ts'
import type { IsoEntry } from '../../services/iso/catalogue.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { NODE1 } from '../machine/rig.ts'
import { HERE, Rig, sendRaw } from './rig.ts'

let rig: Rig
beforeEach(async () => {
  rig = await Rig.start()
})
afterEach(() => rig.close())

function iso(): IsoEntry {
  const found = rig.context.catalogue.find('pve:9.2')
  if (isProblem(found)) throw new Error(found.message)
  return found
}

/** Descriptors of this process that are open on files below a folder. */
async function openBelow(folder: string): Promise<number> {
  const links = await Promise.all(
    (await readdir('/proc/self/fd')).map(fd => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  return links.filter(link => link.startsWith(`${folder}/isos`)).length
}

/** A client that has read a little and reads no more. */
function beginDownload(): Promise<IncomingMessage> {
  const at = {
    host: '127.0.0.1',
    port: rig.ports.plain,
    path: '/isos/proxmox-ve_9.2-1/proxmox.iso',
    localAddress: HERE,
    agent: false,
  }
  return new Promise((resolve, reject) => {
    const call = get(at, response => {
      response.on('error', () => {})
      response.once('data', () => resolve(response.pause()))
    })
    call.on('error', reject)
  })
}

/** Reads on to whatever end it comes to. */
function endOf(response: IncomingMessage): Promise<'whole' | 'cut'> {
  return new Promise(resolve => {
    response.once('end', () => resolve('whole')).once('close', () => resolve('cut'))
    response.resume()
  })
}

const LARGE_BYTES = 64 * 1024 * 1024

/** Larger than all socket buffers, so that the sender has to wait for a client that does not read; the hole costs no disk. */
async function makeIsoLarge(): Promise<void> {
  const { path } = iso()
  await truncate(path, LARGE_BYTES)
  // Long ago: what was written just now might still be being copied.
  await utimes(path, 1, 1)
  await rig.context.catalogue.rescan()
  expect(iso().size).toBe(LARGE_BYTES)
}

test('L06 a client that reads nothing any more is cut off, and its file closed', async () => {
  await rig.close()
  rig = await Rig.start({ limits: { ...DEFAULT_LIMITS, idleMs: 1000, checkEveryMs: 10 } })
  await makeIsoLarge()
  await beginDownload()
  await expect.poll(() => openBelow(rig.folder), { interval: 10, timeout: 5000 }).toBe(0)
})

test('a client that breaks off in the middle leaves no file open', async () => {
  await makeIsoLarge()
  for (let n = 0; n < 3; n++) {
    const response = await beginDownload()
    expect(await openBelow(rig.folder)).toBeGreaterThan(0)
    response.destroy()
  }
  await expect.poll(() => openBelow(rig.folder), { interval: 10, timeout: 5000 }).toBe(0)
  expect(rig.registry.byMac(NODE1)).toBeDefined()
})

test('five clients of one ISO share one descriptor of it', async () => {
  await makeIsoLarge()
  const responses = await Promise.all(Array.from({ length: 5 }, beginDownload))
  expect(await openBelow(rig.folder)).toBe(1)
  for (const response of responses) response.destroy()
  await expect.poll(() => openBelow(rig.folder), { interval: 10, timeout: 5000 }).toBe(0)
})

describe('a file that is not what it was when its length was promised', () => {
  test.each([
    ['became shorter', (path: string) => truncate(path, 1024 * 1024)],
    ['was written to', (path: string) => utimes(path, 2, 2)],
  ])('%s: the connection is cut, since a wrong end would be booted', async (_, change) => {
    await makeIsoLarge()
    const response = await beginDownload()
    await change(iso().path)
    expect(await endOf(response)).toBe('cut')
    await expect
      .poll(() => rig.log.lines)
      .toContain('warn a file was changed while it was sent, and its client cut off')
    await expect.poll(() => openBelow(rig.folder), { interval: 10, timeout: 5000 }).toBe(0)
  })

  test('one that was replaced by another is sent as it was, and has another tag from then on', async () => {
    await makeIsoLarge()
    const { path } = iso()
    const response = await beginDownload()
    await copyFile(path, `${path}.new`)
    await rename(`${path}.new`, path)
    const again = await rig.plain('/isos/proxmox-ve_9.2-1/proxmox.iso', { method: 'HEAD' })
    expect(again.headers.etag).not.toBe(response.headers.etag)
    expect(await endOf(response)).toBe('whole')
  })
})

describe('conditions', () => {
  const path = '/isos/proxmox-ve_9.2-1/vmlinuz'

  test('who has the file already is told so, with its tag and without a body', async () => {
    const { headers } = await rig.plain(path, { method: 'HEAD' })
    const { etag, 'last-modified': modified } = headers as Record<string, string>
    const reply = await rig.plain(path, { headers: { 'if-none-match': etag! } })
    expect([reply.status, reply.headers.etag, reply.body.length]).toEqual([304, etag, 0])
    expect((await rig.plain(path, { headers: { 'if-modified-since': modified! } })).status).toBe(304)
    expect((await rig.plain(path, { headers: { 'if-match': '"another"' } })).status).toBe(412)
  })

  test('an initrd made on the wire has a tag and no date: that of its ISO is not its own', async () => {
    await rig.bring('booting')
    const { headers } = await rig.plain(`/boot/${rig.attempt}/initrd.img`, { method: 'HEAD' })
    expect([typeof headers.etag, headers['last-modified']]).toEqual(['string', undefined])
  })

  test('HEAD has no ranges (RFC 9110 §14.2)', async () => {
    const reply = await rig.plain(path, { method: 'HEAD', headers: { range: 'bytes=0-9' } })
    expect([reply.status, reply.headers['content-length']]).toEqual([200, '150000'])
  })
})

test('requests that are sent ahead are answered in their order, on one connection', async () => {
  const ask = (range: string, more = ''): string =>
    `GET /isos/proxmox-ve_9.2-1/vmlinuz HTTP/1.1\r\nHost: x\r\nRange: bytes=${range}\r\n${more}\r\n`
  const all = await sendRaw(rig.ports.plain, ask('0-4') + ask('10-99999') + ask('-3', 'Connection: close\r\n'))
  const kernel = (await rig.plain('/isos/proxmox-ve_9.2-1/vmlinuz')).body.toString('latin1')
  const bodies = all.split(/HTTP\/1\.1 206 [^]*?\r\n\r\n/).slice(1)
  expect(bodies).toEqual([kernel.slice(0, 5), kernel.slice(10, 100_000), kernel.slice(-3)])
})

test('boot.rate-limit: a machine gets its bytes no faster than the site says', async () => {
  await rig.close()
  rig = await Rig.start({ more: '[boot]\nrate-limit = "1MiB/s"\n' })
  const began = performance.now()
  const { body } = await rig.plain('/isos/proxmox-ve_9.2-1/proxmox.iso')
  // What is in the bucket at the beginning comes at once.
  expect(performance.now() - began).toBeGreaterThan(((body.length - 64 * 1024) / (1024 * 1024)) * 1000 - 1)
})
