import { crc32 } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { growTables, readGpt, SYSTEM_AREA_BYTES } from '../../services/iso/grow.ts'

const BLOCK = 512

type Partition = [first: number, last: number]

/** Protective MBR, header in block 1, an array of four entries in block 2; the image has `blocks`. */
function systemArea(partitions: Partition[], blocks: number): Uint8Array {
  const bytes = new Uint8Array(SYSTEM_AREA_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set([0x55, 0xaa], 510)
  bytes[446 + 4] = 0xee
  view.setUint32(446 + 8, 1, true)
  view.setUint32(446 + 12, blocks - 1, true)
  for (const [index, [first, last]] of partitions.entries()) {
    const at = 2 * BLOCK + index * 128
    bytes.fill(0xa2, at, at + 16)
    view.setBigUint64(at + 32, BigInt(first), true)
    view.setBigUint64(at + 40, BigInt(last), true)
  }
  bytes.set(Buffer.from('EFI PART'), BLOCK)
  view.setUint32(BLOCK + 12, 92, true)
  view.setBigUint64(BLOCK + 24, 1n, true)
  view.setBigUint64(BLOCK + 32, BigInt(blocks - 1), true)
  view.setBigUint64(BLOCK + 40, 64n, true)
  view.setBigUint64(BLOCK + 48, BigInt(blocks - 3), true)
  view.setBigUint64(BLOCK + 72, 2n, true)
  view.setUint32(BLOCK + 80, 4, true)
  view.setUint32(BLOCK + 84, 128, true)
  view.setUint32(BLOCK + 88, crc32(bytes.subarray(2 * BLOCK, 3 * BLOCK)), true)
  view.setUint32(BLOCK + 16, crc32(bytes.subarray(BLOCK, BLOCK + 92)), true)
  return bytes
}

/** The system area with what growing changes there. */
function grownArea(area: Uint8Array, before: number, after: number) {
  const { patches, appended } = growTables(area, before, after)
  const bytes = area.slice()
  const elsewhere = patches.filter(({ offset }) => offset >= SYSTEM_AREA_BYTES)
  for (const { offset, bytes: patch } of patches) if (offset < SYSTEM_AREA_BYTES) bytes.set(patch, offset)
  return { bytes, elsewhere, appended }
}

describe('an image of 200 blocks that gets two sectors more', () => {
  const area = systemArea(
    [
      [64, 127],
      [128, 195],
    ],
    200,
  )
  const { bytes, elsewhere, appended } = grownArea(area, 200 * BLOCK, 208 * BLOCK)

  test('the header says where the backup is: at the very end', () => {
    // 208 blocks, two for the backup, and a whole sector at the end: 212.
    expect(readGpt(bytes)).toMatchObject({ alternate: 211, lastUsable: 209, entriesAt: 2 })
    expect(appended.length).toBe(4 * BLOCK)
  })

  test('the last partition goes on to the new end, the first stays', () => {
    const view = new DataView(bytes.buffer)
    expect([view.getBigUint64(2 * BLOCK + 40, true), view.getBigUint64(2 * BLOCK + 128 + 40, true)]).toEqual([
      127n,
      207n,
    ])
  })

  test('the protective partition covers all of it', () => {
    expect(new DataView(bytes.buffer).getUint32(446 + 12, true)).toBe(211)
  })

  test('the backup is the same the other way round', () => {
    const header = appended.slice(3 * BLOCK)
    const view = new DataView(header.buffer)
    expect(Buffer.from(header.subarray(0, 8)).toString()).toBe('EFI PART')
    expect([24, 32, 72].map(at => view.getBigUint64(at, true))).toEqual([211n, 1n, 210n])
    expect(appended.slice(2 * BLOCK, 3 * BLOCK)).toEqual(bytes.slice(2 * BLOCK, 3 * BLOCK))
    const crc = view.getUint32(16, true)
    header.fill(0, 16, 20)
    expect(crc).toBe(crc32(header.subarray(0, 92)))
  })

  test('the old backup is blanked', () => {
    expect(elsewhere).toEqual([{ offset: 198 * BLOCK, bytes: new Uint8Array(2 * BLOCK) }])
  })
})

test('a backup that was not at the end is none of ours', () => {
  const area = systemArea([[64, 127]], 200)
  expect(grownArea(area, 400 * BLOCK, 404 * BLOCK).elsewhere).toEqual([])
})

describe('what is no GPT is left alone', () => {
  test.each<[string, (area: Uint8Array) => void]>([
    ['no signature', area => area.fill(0, BLOCK, BLOCK + 8)],
    ['a wrong checksum of the header', area => area.fill(1, BLOCK + 56, BLOCK + 57)],
    ['a wrong checksum of the array', area => area.fill(1, 2 * BLOCK + 60, 2 * BLOCK + 61)],
    ['an array that is elsewhere', area => new DataView(area.buffer).setBigUint64(BLOCK + 72, 1n << 40n, true)],
    ['an endless array', area => new DataView(area.buffer).setUint32(BLOCK + 80, 0xffff_ffff, true)],
    ['a header of four gigabytes', area => new DataView(area.buffer).setUint32(BLOCK + 12, 0xffff_ffff, true)],
  ])('%s', (_, damage) => {
    const area = systemArea([[64, 195]], 200)
    damage(area)
    expect(readGpt(area)).toBeUndefined()
    const { elsewhere, appended, bytes } = grownArea(area, 200 * BLOCK, 204 * BLOCK)
    expect([elsewhere, appended.length]).toEqual([[], 0])
    expect(bytes.subarray(BLOCK)).toEqual(area.subarray(BLOCK))
    // The MBR is true again all the same.
    expect(new DataView(bytes.buffer).getUint32(446 + 12, true)).toBe(203)
  })
})

test('an image without boot code is left alone', () => {
  expect(growTables(new Uint8Array(SYSTEM_AREA_BYTES), 200 * BLOCK, 204 * BLOCK)).toEqual({
    patches: [],
    appended: new Uint8Array(0),
  })
})

test('a partition of the MBR that holds the whole image grows, one inside of it does not', () => {
  const area = systemArea([], 200)
  area.fill(0, BLOCK)
  const view = new DataView(area.buffer)
  for (const [index, start, blocks] of [
    [0, 0, 200],
    [1, 24, 16],
  ] as const) {
    view.setUint32(446 + index * 16 + 8, start, true)
    view.setUint32(446 + index * 16 + 12, blocks, true)
  }
  const { bytes } = grownArea(area, 200 * BLOCK, 208 * BLOCK)
  const grown = new DataView(bytes.buffer)
  expect([0, 1].map(index => grown.getUint32(446 + index * 16 + 12, true))).toEqual([208, 16])
})
