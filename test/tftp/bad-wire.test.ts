/** Loaders over wires that lose, repeat, delay and reorder, and from disks that are slow, in the time of a fake clock. */
import { describe, expect, test } from 'vitest'
import type { TftpOption } from '../../services/tftp/packet.ts'
import type { Badness } from './bad-wire.ts'
import { download } from './client.ts'
import { inShort, rack, SERVER } from './rig.ts'

const FILE = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 2_654_435_761) >>> 24)
const FILES = { 'snponly.efi': FILE }

const OVMF: TftpOption[] = [
  ['tsize', '0'],
  ['blksize', '1468'],
  ['windowsize', '4'],
]
const IPXE: TftpOption[] = [
  ['blksize', '1432'],
  ['tsize', '0'],
]
const SHIM: TftpOption[] = [
  ['blksize', '512'],
  ['windowsize', '4'],
]
const HASTY: TftpOption[] = [
  ['windowsize', '64'],
  ['blksize', '512'],
]
const CLIENTS: [string, TftpOption[]][] = [
  ['without options', []],
  ['OVMF', OVMF],
  ['iPXE', IPXE],
  ['shim', SHIM],
  ['windows of 64', HASTY],
]

const WIRES: [string, Badness][] = [
  ['one in ten lost', { lost: 10 }],
  ['one in three twice', { twice: 33 }],
  ['late by up to 20 ms, so that they overtake each other', { lateMs: 20 }],
  ['late by up to 300 ms, longer than the shortest time-out', { lateMs: 300 }],
  ['lost, twice and late', { lost: 5, twice: 10, lateMs: 50 }],
]

describe.each(WIRES)('a wire with frames %s', (_, badness) => {
  test.each(CLIENTS)('%s: the loader arrives whole', async (_client, options) => {
    for (const seed of [1, 2]) {
      const { dial, untilDone, facts, openFiles, server } = await rack({ files: FILES, badness: { ...badness, seed } })
      const got = download(await dial(), SERVER, 'snponly.efi', options)
      await untilDone([got])
      expect([got.done, got.error, Buffer.compare(got.bytes, FILE)]).toEqual([true, undefined, 0])
      expect(facts.at(-1)!.fact).toBe('sent')
      expect([openFiles(), server.transfers]).toEqual([0, 0])
    }
  })
})

test('K04 frames twice and overtaking: no block leaves more often than once', async () => {
  const { lan, dial, untilDone } = await rack({ files: FILES, badness: { twice: 50, lateMs: 10 } })
  const got = download(await dial(), SERVER, 'snponly.efi', IPXE)
  await untilDone([got])
  const copies = new Map<string, number>()
  for (const frame of lan.frames.filter(({ device }) => device === 'lan0'))
    copies.set(inShort(frame), (copies.get(inShort(frame)) ?? 0) + 1)
  expect(got.done).toBe(true)
  // Twice is what the wire made of it.
  expect(Math.max(...copies.values())).toBe(2)
})

test('forty machines at one in ten lost: every loader arrives whole, within a minute', async () => {
  const { dial, untilDone, facts, openFiles, meter } = await rack({ files: FILES, badness: { lost: 10, seed: 5 } })
  const downloads = await Promise.all(
    Array.from({ length: 40 }, async (_, index) =>
      download(await dial(`m${index + 1}`), SERVER, 'snponly.efi', CLIENTS[index % CLIENTS.length]![1]),
    ),
  )
  const seconds = await untilDone(downloads)
  expect(downloads.filter(({ bytes }) => Buffer.compare(bytes, FILE) !== 0)).toEqual([])
  expect(facts.filter(({ fact }) => fact === 'sent')).toHaveLength(40)
  expect(openFiles()).toBe(0)
  expect(seconds).toBeLessThan(60)
  expect(meter.read('rackrise_tftp_ended')).toEqual({
    'rackrise_tftp_ended_total{outcome="sent",reason="none"}': 40,
  })
}, 60_000)

describe('a disk that is slow', () => {
  /** Every read takes that long, also one that was made before. */
  const slow = async (milliseconds: number, badness: Badness = {}) => {
    const files = await rack({
      badness,
      find: async () => ({
        size: FILE.length,
        read: (offset, length) =>
          new Promise(resolve => {
            files.clock.after(milliseconds, () => resolve(FILE.subarray(offset, offset + length)))
          }),
        close: async () => {},
      }),
    })
    return files
  }

  test.each([
    ['quicker than the timer', 20, 0.2],
    ['slower than the timer', 500, 3],
  ])('%s: blocks leave in order, each once, and nothing is read again', async (_, milliseconds, most) => {
    const { lan, dial, untilDone } = await slow(milliseconds)
    const got = download(await dial(), SERVER, 'x', [
      ['blksize', '1468'],
      ['windowsize', '16'],
    ])
    expect(await untilDone([got])).toBeLessThan(most)
    expect(Buffer.compare(got.bytes, FILE)).toBe(0)
    const data = lan.frames.filter(({ device }) => device === 'lan0').map(inShort)
    expect(data).toEqual(['oack', ...Array.from({ length: 69 }, (_one, index) => `data ${index + 1}`)])
  })

  test('and a wire that is bad: the loader arrives whole', async () => {
    const { dial, untilDone } = await slow(30, { lost: 5, lateMs: 20 })
    const got = download(await dial(), SERVER, 'x', HASTY)
    await untilDone([got])
    expect(Buffer.compare(got.bytes, FILE)).toBe(0)
  })
})

test('a time of day that is set back does not keep a client waiting', async () => {
  const { lan, clock, dial } = await rack({ files: FILES })
  let lost = 0
  lan.isLost = frame => inShort(frame) === 'data 3' && lost++ === 0
  const got = download(await dial(), SERVER, 'snponly.efi')
  await lan.settle()
  expect([got.done, lost]).toEqual([false, 1])
  clock.set(clock.now() - 3_600_000)
  clock.advance(2000)
  await lan.settle()
  expect(got.done).toBe(true)
})
