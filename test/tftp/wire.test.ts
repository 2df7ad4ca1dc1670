/** What a bad wire and bad neighbours do to a transfer. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DatagramPort, Endpoint } from '../../services/kit/datagram-port.ts'
import { encodePacket, type TftpOption } from '../../services/tftp/packet.ts'
import { download } from './client.ts'
import { inShort, LOADER, rack, SERVER } from './rig.ts'

test.each<[string, number, TftpOption[]]>([
  ['one block at a time', 7, []],
  ['windows of four', 5, [['windowsize', '4']]],
  [
    'windows of sixteen',
    11,
    [
      ['windowsize', '16'],
      ['blksize', '100'],
    ],
  ],
])('every n-th frame lost, %s: the file arrives whole', async (_, n, options) => {
  const { lan, dial, pass, facts } = await rack()
  let count = 0
  lan.isLost = () => {
    count += 1
    return count % n === 0
  }
  const got = download(await dial(), SERVER, 'snponly.efi', options)
  await pass(60, () => {
    if (!got.done) got.retry()
  })
  expect(got.done).toBe(true)
  expect(Buffer.compare(got.bytes, LOADER)).toBe(0)
  expect(facts.at(-1)!.fact).toBe('sent')
})

test('K04 every frame twice: every block is sent once', async () => {
  const { lan, dial } = await rack()
  const port = await dial()
  const twice: DatagramPort = { ...port, send: (bytes, to) => [0, 1].forEach(() => port.send(bytes, to)) }
  const got = download(twice, SERVER, 'snponly.efi')
  await lan.settle()
  expect(got.done).toBe(true)
  const data = lan.frames.filter(frame => frame.device === 'lan0').map(inShort)
  expect(data).toEqual(Array.from({ length: 10 }, (_, index) => `data ${index + 1}`))
})

test('ACKs that overtake each other do not disturb', async () => {
  const { lan, dial } = await rack()
  const port = await dial()
  let held: { bytes: Uint8Array; to: Endpoint } | undefined
  const late: DatagramPort = {
    ...port,
    send: (bytes, to) => {
      port.send(bytes, to)
      if (held) port.send(held.bytes, held.to)
      held = { bytes, to }
    },
  }
  const got = download(late, SERVER, 'snponly.efi', [
    ['blksize', '256'],
    ['windowsize', '4'],
  ])
  await lan.settle()
  expect(got.done).toBe(true)
  expect(got.blocksHeard).toBe(20)
})

test.each([
  ['0', 0],
  ['1', 1],
])('K07 a file of 70,000 blocks arrives whole when block numbers roll over to %s', async (value, after) => {
  const bytes = Uint8Array.from({ length: 70_000 * 8 }, (_, index) => index >> 3)
  const { lan, dial } = await rack({ files: { big: bytes } })
  const got = download(await dial(), SERVER, 'big', [
    ['blksize', '8'],
    ['windowsize', '64'],
    ['rollover', value],
  ])
  await lan.settle()
  expect(got.done).toBe(true)
  expect(Buffer.compare(got.bytes, bytes)).toBe(0)
  const rolled = lan.frames.findIndex(frame => inShort(frame) === 'data 65535')
  const next = lan.frames.slice(rolled + 1).find(frame => frame.device === 'lan0')!
  expect(inShort(next)).toBe(`data ${after}`)
})

test('K02 strangers and K03 runts on a transfer port do not disturb; strangers get error 5, but not for an error', async () => {
  const { lan, dial } = await rack()
  const machine = await dial('one')
  const stranger = await dial('two')
  const samePort = await dial('two', 2070)
  const sameAddress = await dial('one')
  machine.send(encodePacket({ op: 'rrq', name: 'snponly.efi', mode: 'octet', options: [] }), SERVER)
  await lan.settle()
  const transfer = lan.frames.at(-1)!.from
  const ack = encodePacket({ op: 'ack', block: 1 })
  for (let length = 0; length < 4; length += 1) machine.send(ack.subarray(0, length), transfer)
  stranger.send(ack, transfer)
  stranger.send(encodePacket({ op: 'error', code: 0, text: 'stop' }), transfer)
  samePort.send(ack, transfer)
  sameAddress.send(ack, transfer)
  await lan.settle()
  const after = lan.frames
    .filter(frame => frame.from.port === transfer.port)
    .map(frame => [inShort(frame), frame.to.address])
  expect(after).toEqual([
    ['data 1', '10.77.0.11'],
    ['error 5', '10.77.0.12'],
    ['error 5', '10.77.0.12'],
    ['error 5', '10.77.0.11'],
  ])
  machine.send(ack, transfer)
  await lan.settle()
  expect(inShort(lan.frames.at(-1)!)).toBe('data 2')
})

test('K23 sent is told after the last ACK, never before', async () => {
  const { lan, dial, facts, pass } = await rack()
  lan.isLost = frame => inShort(frame) === 'ack 10'
  const got = download(await dial(), SERVER, 'snponly.efi')
  await pass(10)
  expect(got.done).toBe(true)
  expect(facts.map(fact => fact.fact)).toEqual(['started'])
  await pass(60)
  expect(facts.at(-1)).toMatchObject({ fact: 'failed', reason: 'last-ack-missing', bytes: 4608 })
})

test('a machine that is switched off is given up after half a minute', async () => {
  const { lan, dial, facts, pass, server, openFiles, clock } = await rack()
  const port = await dial()
  port.send(encodePacket({ op: 'rrq', name: 'snponly.efi', mode: 'octet', options: [] }), SERVER)
  await pass(45)
  expect(facts.map(fact => [fact.fact, fact.reason])).toEqual([
    ['started', undefined],
    ['failed', 'client-silent'],
  ])
  expect(lan.frames.filter(frame => inShort(frame) === 'data 1')).toHaveLength(7)
  expect([server.transfers, openFiles(), clock.pendingTimers]).toEqual([0, 0, 0])
})

test('random datagrams on both ports are survived, and the transfer goes on', async () => {
  const { lan, dial } = await rack()
  const machine = await dial('one')
  machine.send(encodePacket({ op: 'rrq', name: 'snponly.efi', mode: 'octet', options: [] }), SERVER)
  await lan.settle()
  const transfer = lan.frames.at(-1)!.from
  const stranger = await dial('two')
  const anything = fc
    .tuple(fc.nat(7), fc.uint8Array({ maxLength: 60 }))
    .map(([opcode, rest]) => Uint8Array.from([0, opcode, ...rest]))
  for (const bytes of fc.sample(anything, 1500)) {
    stranger.send(bytes, SERVER)
    stranger.send(bytes, transfer)
    // The client itself may send anything but an error or an ACK, which would be meant.
    if (bytes[1] !== 5 && bytes[1] !== 4) machine.send(bytes, transfer)
  }
  await lan.settle()
  machine.send(encodePacket({ op: 'ack', block: 1 }), transfer)
  await lan.settle()
  expect(inShort(lan.frames.at(-1)!)).toBe('data 2')
})
