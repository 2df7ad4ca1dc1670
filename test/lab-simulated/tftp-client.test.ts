import fc from 'fast-check'
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Datagram, DatagramPort } from '../../services/kit/datagram-port.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import {
  decodePacket,
  encodeRead,
  IPXE_OPTIONS,
  objectionTo,
  OVMF_OPTIONS,
  tftpRead,
  type TftpOptions,
  type TftpResult,
} from '../../services/lab/simulated/tftp-client.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'

const SERVER = '10.77.0.1' as Ipv4
const CLIENT = '10.77.1.10' as Ipv4

test('requests stand as the captured firmware sends them', () => {
  expect(Buffer.from(encodeRead('undionly.kpxe', IPXE_OPTIONS)).toString('latin1')).toBe(
    '\0\x01undionly.kpxe\0octet\0tsize\x000\0blksize\x001432\0',
  )
  expect(Buffer.from(encodeRead('snponly.efi', OVMF_OPTIONS)).toString('latin1')).toBe(
    '\0\x01snponly.efi\0octet\0tsize\x000\0blksize\x001468\0windowsize\x004\0',
  )
})

test.each<[string, Record<string, number>, TftpOptions, string | undefined]>([
  ['what was asked for', { tsize: 9, blksize: 1468, windowsize: 4 }, OVMF_OPTIONS, undefined],
  ['less than was asked for', { blksize: 512 }, OVMF_OPTIONS, undefined],
  ['larger blocks', { blksize: 1469 }, OVMF_OPTIONS, 'blksize 1469 is out of range'],
  ['a larger window', { windowsize: 5 }, OVMF_OPTIONS, 'windowsize 5 is out of range'],
  ['a window nobody asked for', { windowsize: 1 }, IPXE_OPTIONS, 'option windowsize was not asked for'],
  ['an option nobody asked for', { timeout: 1 }, IPXE_OPTIONS, 'option timeout was not asked for'],
  ['nonsense', { blksize: Number.NaN }, IPXE_OPTIONS, 'blksize NaN is out of range'],
])('a server that chooses %s', (_, chosen, asked, objection) => {
  expect(objectionTo(new Map(Object.entries(chosen)), asked)).toBe(objection)
})

test('random bytes never make the decoder throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), bytes => void decodePacket(bytes)))
})

type Fault = 'none' | 'not-found' | 'short' | 'foreign-port' | 'port-69' | 'silent'

const oack = (tsize: number, asked: TftpOptions) =>
  Buffer.concat([
    Buffer.from([0, 6]),
    Buffer.from(
      `tsize\0${tsize}\0blksize\0${asked.blksize}\0${asked.windowsize ? `windowsize\0${asked.windowsize}\0` : ''}`,
    ),
  ])

function dataBlock(content: Buffer, asked: TftpOptions, block: number): Buffer {
  return Buffer.concat([
    Buffer.from([0, 3, block >> 8, block & 255]),
    content.subarray((block - 1) * asked.blksize, block * asked.blksize),
  ])
}

/** A plain server: options, then windows of blocks as they are acknowledged. */
async function serve(
  lan: FakeLan,
  content: Buffer,
  asked: TftpOptions,
  fault: Fault,
  saidErrors: number[],
): Promise<void> {
  const well = await lan.open({ device: 'rack0', address: SERVER, port: 69 })
  const blocks = Math.floor(content.length / asked.blksize) + 1
  const begin = async ({ from }: Datagram) => {
    if (fault === 'silent') return
    if (fault === 'not-found') return well.send(Buffer.from('\0\x05\0\x01File not found\0', 'latin1'), from)
    if (fault === 'port-69') return well.send(dataBlock(content, asked, 1), from)
    const port = await lan.open({ device: 'rack0', address: SERVER, port: 0 })
    port.onDatagram(({ bytes }: Datagram) => {
      if (bytes[1] === 5) return void saidErrors.push(bytes[3]!)
      const acknowledged = (bytes[2]! << 8) | bytes[3]!
      for (let block = acknowledged + 1; block <= Math.min(acknowledged + (asked.windowsize ?? 1), blocks); block++)
        port.send(dataBlock(content, asked, block), from)
    })
    port.send(oack(fault === 'short' ? content.length + 1 : content.length, asked), from)
    if (fault === 'foreign-port') await intrude(lan, from.port)
  }
  well.onDatagram(datagram => void begin(datagram))
}

async function intrude(lan: FakeLan, port: number): Promise<void> {
  const intruder = await lan.open({ device: 'rack0', address: SERVER, port: 0 })
  intruder.send(Buffer.from([0, 3, 0, 1, 66, 65, 68]), { address: CLIENT, port })
}

async function read(content: Buffer, asked: TftpOptions, probe: boolean, fault: Fault = 'none', lost: number[] = []) {
  const lan = new FakeLan({ rack0: SERVER })
  const clock = new FakeClock()
  const saidErrors: number[] = []
  lan.isLost = () => lost.includes(lan.frames.length)
  await serve(lan, content, asked, fault, saidErrors)
  const open = (): Promise<DatagramPort> => lan.open({ device: 'sim0', address: CLIENT, port: 0 })
  const done: { result?: TftpResult } = {}
  const tools = { open, clock, signal: new AbortController().signal, waitMs: 1000, tries: 3 }
  const running = tftpRead(tools, SERVER, 'loader', asked, probe).then(result => (done.result = result))
  await lan.settle()
  for (let turn = 0; turn < 20 && !done.result; turn++) {
    clock.advance(1000)
    await lan.settle()
  }
  return { result: await running, saidErrors, frames: lan.frames.length }
}

const CONTENT = Buffer.from(Array.from({ length: 1468 * 9 }, (_, index) => index % 251))
const whole = { ok: true, size: CONTENT.length, sha256: createHash('sha256').update(CONTENT).digest('hex') }

describe('reading a loader', () => {
  test('OVMF asks for the size, ends that with error 8, then reads in windows up to the empty last block', async () => {
    const { result, saidErrors } = await read(CONTENT, OVMF_OPTIONS, true)
    expect([result, saidErrors]).toEqual([whole, [8]])
  })

  test('iPXE ROMs read block by block', async () => {
    expect((await read(CONTENT, IPXE_OPTIONS, false)).result).toEqual(whole)
  })

  test.each([3, 4, 5, 6, 7, 8])('frame %i is lost and the rest still comes whole', async frame => {
    expect((await read(CONTENT, OVMF_OPTIONS, false, 'none', [frame])).result).toEqual(whole)
  })

  test('a packet from a foreign port is told so, and changes nothing', async () => {
    expect((await read(CONTENT, IPXE_OPTIONS, false, 'foreign-port')).result).toEqual(whole)
  })

  test.each<[string, Buffer, Fault, string]>([
    ['a missing file', CONTENT, 'not-found', 'TFTP error 1: File not found'],
    [
      'a size that is not true',
      CONTENT,
      'short',
      `TFTP: tsize said ${CONTENT.length + 1} bytes, ${CONTENT.length} came`,
    ],
    ['an empty file', Buffer.alloc(0), 'none', 'TFTP: the file is empty'],
    ['a server that keeps port 69', CONTENT, 'port-69', 'TFTP: the server answered from port 69 (RFC 1350 §4)'],
    ['a silent server', CONTENT, 'silent', 'TFTP: nothing heard after 3 tries'],
  ])('%s is a reason', async (_, content, fault, reason) => {
    expect((await read(content, IPXE_OPTIONS, false, fault)).result).toEqual({ ok: false, reason })
  })
})
