import { open, truncate, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readImage } from '../../services/iso/iso9660.ts'
import type { IsoEntry } from '../../services/iso/catalogue.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { STRANGER } from '../machine/rig.ts'
import { ELSEWHERE, type Reply, Rig } from './rig.ts'

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

async function partOf({ path }: IsoEntry, { offset, length }: { offset: number; length: number }): Promise<Buffer> {
  const handle = await open(path)
  const { buffer } = await handle.read(Buffer.alloc(length), 0, length, offset)
  await handle.close()
  return buffer
}

const kernelOf = (entry: IsoEntry): Promise<Buffer> => partOf(entry, entry.kernel)

/** Facts about downloads are kept behind the last byte, not before it. */
const lastType = async (): Promise<string | undefined> => (await rig.types()).at(-1)

const pick = ({ status, headers }: Reply): unknown[] => [
  status,
  headers['content-length'],
  headers['accept-ranges'],
  headers['content-range'],
  headers['cache-control'],
]

/** The text of the mode file in an initrd as it was sent: a cpio archive with one ISO, then the original initrd. */
async function modeFileIn(initrd: Buffer): Promise<string> {
  const at = initrd.indexOf('proxmox.iso\0')
  const volume = initrd.subarray(at).indexOf('\u0001CD001', 0, 'latin1') - 16 * 2048 + at
  const image = await readImage(
    async (offset, length) => initrd.subarray(volume + offset, volume + offset + length),
    initrd.length - volume,
  )
  if (isProblem(image)) throw new Error(image.message)
  const text = initrd.subarray(volume).toString('latin1')
  return /mode = "http"[\s\S]*?(?=\0)/.exec(text)![0]
}

describe('kernel and initrd of an attempt', () => {
  test('the ISO by itself is the one in the initrd, and is told as such', async () => {
    await rig.bring('booting')
    const initrd = (await rig.plain(`/boot/${rig.attempt}/initrd.img`)).body
    const reply = await rig.plain(`/boot/${rig.attempt}/proxmox.iso`)
    expect(pick(reply)[0]).toBe(200)
    expect(initrd.includes(reply.body)).toBe(true)
    expect(reply.body.subarray(16 * 2048 + 1, 16 * 2048 + 6).toString()).toBe('CD001')
    await expect.poll(lastType).toBe('initrd-sent')
  })

  test('the kernel is that of the ISO, to the byte, with its exact length', async () => {
    await rig.bring('booting')
    const kernel = await kernelOf(iso())
    const reply = await rig.plain(`/boot/${rig.attempt}/vmlinuz`)
    expect(pick(reply)).toEqual([200, '150000', 'bytes', undefined, 'no-store'])
    expect(reply.body.equals(kernel)).toBe(true)
    expect(reply.headers['transfer-encoding']).toBeUndefined()
    await expect.poll(lastType, { timeout: 5000 }).toBe('kernel-sent')
  })

  test('the initrd carries the ISO with the mode file and the bearer token of the attempt', async () => {
    await rig.bring('booting')
    const reply = await rig.plain(`/boot/${rig.attempt}/initrd.img`)
    expect(await modeFileIn(reply.body)).toBe(
      `mode = "http"\npartition_label = "proxmox-ais"\n\n[http]\ntoken = "${rig.token('bearer')}"\n`,
    )
    expect(reply.headers['content-length']).toBe(String(reply.body.length))
    expect(reply.body.subarray(-iso().initrd.length).equals(await partOf(iso(), iso().initrd))).toBe(true)
    await expect.poll(lastType, { timeout: 5000 }).toBe('initrd-sent')
    expect((await rig.types()).at(-2)).toBe('initrd-started')
  })

  test.each(['proxy', 'off'])(
    'mode %s: nobody sends option 250, so the mode file says where the answer is',
    async mode => {
      await rig.close()
      rig = await Rig.start({ dhcp: `[dhcp]\nmode = "${mode}"` })
      await rig.bring('booting')
      const { body } = await rig.plain(`/boot/${rig.attempt}/initrd.img`)
      const { fingerprint } = rig.context.certificate.current
      expect(await modeFileIn(body)).toBe(
        `mode = "http"\npartition_label = "proxmox-ais"\n\n[http]\nurl = "https://10.77.0.1/answer/${rig.token('answer')}"\ncert_fingerprint = "${fingerprint}"\ntoken = "${rig.token('bearer')}"\n`,
      )
      expect((await rig.plain(`/boot/${rig.attempt}/initrd.img`, { from: ELSEWHERE })).status).toBe(403)
    },
  )

  test('an installer that knows no token gets a mode file without one', async () => {
    await rig.close()
    rig = await Rig.start({ releases: ['8.2'], iso: 'pve:8.2' })
    await rig.bring('booting')
    const { body } = await rig.plain(`/boot/${rig.attempt}/initrd.img`)
    expect(await modeFileIn(body)).toBe('mode = "http"\n')
  })

  test('every attempt has its own initrd and its own entity tag', async () => {
    await rig.bring('booting')
    const first = await rig.plain(`/boot/${rig.attempt}/initrd.img`)
    const old = rig.attempt
    await rig.approve(true)
    await rig.script()
    const second = await rig.plain(`/boot/${rig.attempt}/initrd.img`)
    expect([second.headers.etag === first.headers.etag, second.body.equals(first.body)]).toEqual([false, false])
    expect((await rig.plain(`/boot/${old}/initrd.img`)).status).toBe(404)
  })

  test('L01 HEAD is GET without the body', async () => {
    await rig.bring('booting')
    for (const file of ['vmlinuz', 'initrd.img']) {
      const path = `/boot/${rig.attempt}/${file}`
      const [got, head] = [await rig.plain(path), await rig.plain(path, { method: 'HEAD' })]
      const { date: _one, ...gotHeaders } = got.headers
      const { date: _two, ...headHeaders } = head.headers
      expect([head.status, head.body.length, headHeaders]).toEqual([200, 0, gotHeaders])
    }
  })

  test('HEAD is no download: nothing about it is on the timeline', async () => {
    await rig.bring('booting')
    const before = await rig.types()
    await rig.plain(`/boot/${rig.attempt}/initrd.img`, { method: 'HEAD' })
    expect(await rig.types()).toEqual(before)
  })

  test('progress is known in bytes', async () => {
    await rig.bring('booting')
    const { body } = await rig.plain(`/boot/${rig.attempt}/initrd.img`)
    await expect
      .poll(() => rig.registry.progress(rig.node1))
      .toMatchObject({ file: 'initrd', sent: body.length, total: body.length })
  })

  test('progress goes on where a broken download did, and begins anew with a retry', async () => {
    await rig.bring('booting')
    const path = `/boot/${rig.attempt}/vmlinuz`
    const sent = (): number | undefined => rig.registry.progress(rig.node1)?.sent
    await rig.plain(path, { headers: { range: 'bytes=0-49999' } })
    await expect.poll(sent).toBe(50_000)
    await rig.plain(path, { headers: { range: 'bytes=50000-99999' } })
    await expect.poll(sent).toBe(100_000)
    await rig.plain(path, { headers: { range: 'bytes=0-9' } })
    await expect.poll(sent).toBe(10)
  })

  test('a look at the last octet is no progress, and the kernel is not sent by it', async () => {
    await rig.bring('booting')
    await rig.plain(`/boot/${rig.attempt}/vmlinuz`, { headers: { range: 'bytes=-1' } })
    await rig.plain(`/boot/${rig.attempt}/vmlinuz`, { headers: { range: 'bytes=0-9' } })
    await expect.poll(() => rig.registry.progress(rig.node1)?.sent).toBe(10)
    expect(await lastType()).toBe('script-served')
  })

  test('parts of the library count as progress of the machine that stands there', async () => {
    await rig.bring('booting')
    const { body } = await rig.plain('/isos/proxmox-ve_9.2-1/proxmox.iso')
    await expect
      .poll(() => rig.registry.progress(rig.node1))
      .toMatchObject({ file: 'iso', sent: body.length, total: body.length })
  })
})

describe('L02 ranges', () => {
  test.each([
    ['the first octet', 'bytes=0-0', 206, 0, 1],
    ['from the middle to the end, as a broken-off download goes on', 'bytes=149000-', 206, 149_000, 150_000],
    ['the last hundred', 'bytes=-100', 206, 149_900, 150_000],
    ['beyond the end is cut', 'bytes=149999-999999', 206, 149_999, 150_000],
    ['two ranges: the whole is sent', 'bytes=0-1,5-6', 200, 0, 150_000],
    ['another unit: the whole is sent', 'lines=1-2', 200, 0, 150_000],
    ['backwards is no range: the whole is sent', 'bytes=5-3', 200, 0, 150_000],
    ['more than all of the end is all', 'bytes=-999999', 206, 0, 150_000],
  ])('%s', async (_, range, status, start, end) => {
    await rig.bring('booting')
    const reply = await rig.plain(`/boot/${rig.attempt}/vmlinuz`, { headers: { range } })
    const kernel = await kernelOf(iso())
    expect(pick(reply)).toEqual([
      status,
      String(end - start),
      'bytes',
      status === 206 ? `bytes ${start}-${end - 1}/150000` : undefined,
      'no-store',
    ])
    expect(reply.body.equals(kernel.subarray(start, end))).toBe(true)
  })

  test('beyond the end: 416 with the size, and no body', async () => {
    await rig.bring('booting')
    const reply = await rig.plain(`/boot/${rig.attempt}/vmlinuz`, { headers: { range: 'bytes=150000-' } })
    expect([...pick(reply), reply.body.length]).toEqual([416, '0', 'bytes', 'bytes */150000', 'no-store', 0])
  })

  test('a range across the seams of the initrd is what the whole has there', async () => {
    await rig.bring('booting')
    const whole = (await rig.plain(`/boot/${rig.attempt}/initrd.img`)).body
    const middle = whole.length >> 1
    const reply = await rig.plain(`/boot/${rig.attempt}/initrd.img`, { headers: { range: `bytes=100-${middle}` } })
    expect(reply.body.equals(whole.subarray(100, middle + 1))).toBe(true)
  })

  test('If-Range: the rest while it is the same file, the whole if it is another one', async () => {
    await rig.bring('booting')
    const path = `/boot/${rig.attempt}/vmlinuz`
    const etag = (await rig.plain(path, { method: 'HEAD' })).headers.etag!
    const ask = (ifRange: string): Promise<Reply> =>
      rig.plain(path, { headers: { range: 'bytes=1-', 'if-range': ifRange } })
    expect([(await ask(etag)).status, (await ask('"another"')).status]).toEqual([206, 200])
  })

  test('a kernel fetched in two pieces is sent once, with the second', async () => {
    await rig.bring('booting')
    const path = `/boot/${rig.attempt}/vmlinuz`
    await rig.plain(path, { headers: { range: 'bytes=0-99999' } })
    expect((await rig.types()).at(-1)).toBe('script-served')
    await rig.plain(path, { headers: { range: 'bytes=100000-' } })
    await expect.poll(lastType, { timeout: 5000 }).toBe('kernel-sent')
  })
})

describe('who may not have them', () => {
  test.each(['held', 'approved', 'installing', 'installed', 'failed', 'blocked'] as const)(
    '%s: nothing is loaded',
    async state => {
      await rig.bring(state)
      const reply = await rig.plain(`/boot/${rig.node1.attempt?.id ?? 'a1a1a1a1'}/vmlinuz`)
      expect([reply.status, reply.text]).toEqual([
        404,
        'no such attempt is booting; power-cycle the machine for a new boot script\n',
      ])
    },
  )

  test('a machine that loads longer than the alarm waits goes on', async () => {
    await rig.bring('stalled')
    expect((await rig.plain(`/boot/${rig.attempt}/vmlinuz`)).status).toBe(200)
  })

  test('another address, even with the right attempt', async () => {
    await rig.bring('booting')
    rig.holders.set(ELSEWHERE, STRANGER)
    const reply = await rig.plain(`/boot/${rig.attempt}/initrd.img`, { from: ELSEWHERE })
    expect([reply.status, reply.text]).toEqual([
      403,
      'this attempt belongs to another address; boot the machine by DHCP of this appliance\n',
    ])
  })

  test('an ISO that was replaced meanwhile is not served in pieces of two', async () => {
    await rig.bring('booting')
    await truncate(iso().path, 20 * 2048)
    await writeFile(iso().path, Buffer.alloc(40 * 2048))
    const reply = await rig.plain(`/boot/${rig.attempt}/initrd.img`)
    expect([reply.status, reply.text]).toEqual([
      500,
      'proxmox-ve_9.2-1.iso was changed or removed while the appliance runs; boot the machine again in a minute: the library notices the new file by itself\n',
    ])
  })

  test('an ISO that became shorter since the library was read: an error, and no kernel of half its length', async () => {
    await rig.bring('booting')
    const { path, kernel } = iso()
    await truncate(path, kernel.offset + 100)
    const reply = await rig.plain(`/boot/${rig.attempt}/vmlinuz`)
    expect([reply.status, reply.text]).toEqual([500, 'this file was changed or removed; try again in a minute\n'])
  })
})

describe('parts of the library, and loaders', () => {
  test.each([
    ['proxmox-ve_9.2-1.iso', 'vmlinuz'],
    ['proxmox-ve_9.2-1', 'initrd.img'],
    ['proxmox-ve_9.2-1', 'proxmox.iso'],
  ])('/isos/%s/%s', async (name, part) => {
    const { size, kernel, initrd } = iso()
    const range = { vmlinuz: kernel, 'initrd.img': initrd, 'proxmox.iso': { offset: 0, length: size } }[part]!
    const reply = await rig.plain(`/isos/${name}/${part}`)
    expect(reply.status).toBe(200)
    expect(reply.body.equals(await partOf(iso(), range))).toBe(true)
  })

  test.each(['/isos/proxmox-ve_9.2-1/squashfs', '/isos/other.iso/vmlinuz', '/isos/constructor/vmlinuz'])(
    '%s is not there',
    async path => {
      const reply = await rig.plain(path)
      expect([reply.status, reply.text]).toEqual([
        404,
        'no such file in the library; see `rackrise check` for the ISOs there are\n',
      ])
    },
  )

  test('a loader by UEFI HTTP Boot, which asks for its head first, is on the timeline of who stands there', async () => {
    await rig.script()
    const head = await rig.plain('/loaders/snponly.efi', { method: 'HEAD' })
    expect([head.headers['content-length'], head.status]).toEqual(['8', 200])
    expect((await rig.plain('/loaders/snponly.efi')).text).toBe('a loader')
    await expect.poll(lastType, { timeout: 5000 }).toBe('loader-sent')
    await rig.plain('/loaders/snponly.efi', { from: ELSEWHERE })
    expect((await rig.types()).filter(type => type === 'loader-sent')).toHaveLength(1)
  })

  test('a loader that is not there', async () => {
    const reply = await rig.plain('/loaders/__proto__')
    expect([reply.status, reply.text]).toEqual([404, 'no such loader; see boot.loaders in the site file\n'])
  })
})
