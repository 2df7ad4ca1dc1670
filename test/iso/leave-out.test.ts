import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryNeeded } from '../../services/iso/entry.ts'
import { injectFiles, type IsoSource } from '../../services/iso/inject.ts'
import { inspectImage } from '../../services/iso/inspect.ts'
import { type IsoImage, readFile, readImage } from '../../services/iso/iso9660.ts'
import { leaveOutFolder } from '../../services/iso/leave-out.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { type Segment, segmentLength } from '../../services/kit/segments.ts'
import { proxmoxImage, readerOf, smallImage } from './small-image.ts'

const SECTOR = 2048

async function open(bytes: Uint8Array): Promise<IsoImage> {
  const image = await readImage(readerOf(bytes), bytes.length)
  if (isProblem(image)) throw new Error(image.message)
  return image
}

const leaveOut = async (bytes: Uint8Array) => leaveOutFolder('x.iso', await open(bytes), 'boot')

function bytesIn(file: Uint8Array, segments: readonly Segment[]): Uint8Array {
  const parts = segments.map(segment =>
    segment.from === 'memory' ? segment.bytes : file.subarray(segment.offset, segment.offset + segment.length),
  )
  return Buffer.concat(parts)
}

const BOOT = { name: 'boot', files: [{ name: 'linux26', text: 'kernel bytes' }] }
const OTHERS = { name: 'zz', files: [{ name: 'packages', text: 'of the system' }] }
const image = () => smallImage({ files: [{ name: 'first', text: '1' }], folders: [BOOT, OTHERS] })

describe('an image with /boot in the middle', () => {
  test('what lies behind moves forward, and is read where it is now', async () => {
    const original = image()
    const source = (await leaveOut(original)) as IsoSource
    const bytes = bytesIn(original, source.segments)
    expect(bytes.length).toBe(original.length - SECTOR)
    const lean = await open(bytes)
    expect(Buffer.from((await readFile(lean, '/first', 100))!).toString()).toBe('1')
    expect(Buffer.from((await readFile(lean, '/zz/packages', 100))!).toString()).toBe('of the system')
    expect(await readFile(lean, '/boot/linux26', 100)).toHaveLength(0)
    expect(Buffer.from(bytes).includes('kernel bytes')).toBe(false)
    // Volume size in both byte orders: one sector less.
    expect([...bytes.subarray(16 * SECTOR + 80, 16 * SECTOR + 88)]).toEqual([24, 0, 0, 0, 0, 0, 0, 24])
  })

  test('the data stays on disk; only sectors with numbers that change are in memory', async () => {
    const { segments } = (await leaveOut(image())) as IsoSource
    const inMemory = segments.filter(({ from }) => from === 'memory')
    expect(inMemory.reduce((sum, segment) => sum + segmentLength(segment), 0)).toBeLessThan(26 * SECTOR)
    expect(segments.at(-1)).toEqual({ from: 'file', path: 'x.iso', offset: 24 * SECTOR, length: SECTOR })
  })

  test('a mode file goes into it like into any other', async () => {
    const original = image()
    const mode = { name: 'auto-installer-mode.toml', bytes: Buffer.from('mode = "http"\n') }
    const segments = injectFiles((await leaveOut(original)) as IsoSource, [mode])
    if (isProblem(segments)) throw new Error(segments.message)
    const injected = await open(bytesIn(original, segments))
    expect(Buffer.from((await readFile(injected, '/auto-installer-mode.toml', 100))!).toString()).toBe(
      'mode = "http"\n',
    )
    expect(Buffer.from((await readFile(injected, '/zz/packages', 100))!).toString()).toBe('of the system')
  })

  test('boot code goes too: nothing may point to what has moved', async () => {
    const original = image()
    original.set([0x55, 0xaa], 510)
    const { segments } = (await leaveOut(original)) as IsoSource
    expect(
      bytesIn(original, segments)
        .subarray(0, 16 * SECTOR)
        .every(byte => byte === 0),
    ).toBe(true)
  })
})

test('a machine needs three times less memory for each byte that is left out', async () => {
  const bytes = proxmoxImage()
  const entry = await inspectImage(await open(bytes), { path: 'x.iso', file: 'x.iso' })
  if (isProblem(entry)) throw new Error(entry.message)
  const { served, ...whole } = entry
  // Kernel and initrd have a sector each.
  expect(served?.image.size).toBe(bytes.length - 2 * SECTOR)
  expect(memoryNeeded(whole) - memoryNeeded(entry)).toBe(3 * 2 * SECTOR)
})

describe('served whole, because', () => {
  test('there is no such folder', async () => {
    expect(await leaveOut(smallImage({ files: [{ name: 'boot', text: 'a file' }], folders: [OTHERS] }))).toBeUndefined()
  })

  test('its only file has its data in common with another', async () => {
    const original = image()
    // Records of files stand behind `.` and `..`, of 34 bytes each.
    const [linux26, packages] = [20, 21].map(sector => new DataView(original.buffer, sector * SECTOR + 68))
    packages!.setUint32(2, linux26!.getUint32(2, true), true)
    packages!.setUint32(6, linux26!.getUint32(2, true), false)
    expect(await leaveOut(original)).toBeUndefined()
  })

  test('a path table is not understood', async () => {
    const original = image()
    new DataView(original.buffer).setUint32(16 * SECTOR + 132, 10, true)
    expect(await leaveOut(original)).toBeDefined()
    original[18 * SECTOR] = 0
    expect(await leaveOut(original)).toBeUndefined()
  })
})

test('damaged images are left whole or made sound, and never break it', async () => {
  const good = image()
  const change = fc.tuple(fc.integer({ min: 16 * SECTOR, max: 23 * SECTOR - 1 }), fc.integer({ min: 0, max: 255 }))
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async changes => {
      const bytes = good.slice()
      for (const [offset, value] of changes) bytes[offset] = value
      const damaged = await readImage(readerOf(bytes), bytes.length)
      if (isProblem(damaged)) return
      const source = await leaveOutFolder('x.iso', damaged, 'boot')
      if (source)
        expect(isProblem(await readImage(readerOf(bytesIn(bytes, source.segments)), source.image.size))).toBe(false)
    }),
    { numRuns: 300 },
  )
})
