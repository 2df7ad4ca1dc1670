import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import {
  askDns,
  decodeResponse,
  encodeQuestion,
  printTxt,
  resolveAddress,
  TYPE,
  type DnsTools,
} from '../../services/lab/simulated/dns-client.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'

const SERVER = '10.77.0.1' as Ipv4

test('a question as dig sends it: recursion desired, EDNS with 1232 bytes', () => {
  expect(Buffer.from(encodeQuestion(0x1234, 'ais.lab.test', TYPE.txt)).toString('hex')).toBe(
    '12340100000100000000000103616973036c616204746573740000100001' + '00002904d0000000000000',
  )
})

test.each([
  ['one string', '0161', 'a'],
  ['two strings stand apart, so that a split URL is broken', '01610162', 'a b'],
  ['no string', '', ''],
])('TXT: %s', (_, hex, text) => {
  expect(printTxt(Buffer.from(hex, 'hex'))).toBe(text)
})

test('random bytes never make the decoder throw', () => {
  const header = Buffer.from('000081800001ffff00000000', 'hex')
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 80 }),
      bytes => void [decodeResponse(bytes), decodeResponse(Buffer.concat([header, bytes])), printTxt(bytes)],
    ),
  )
})

/** Answers every question with these flags and records (hexadecimal, name compressed). */
async function ask<T>(
  reply: { flags: string; count: number; records: string } | 'silence',
  question: (tools: DnsTools) => Promise<T>,
): Promise<T> {
  const lan = new FakeLan({ rack0: SERVER })
  const clock = new FakeClock()
  const server = await lan.open({ device: 'rack0', address: SERVER, port: 53 })
  server.onDatagram(({ bytes, from }) => {
    if (reply === 'silence') return
    const questionEnd = bytes.indexOf(0, 12) + 5
    const head = Buffer.from(
      `${Buffer.from(bytes.subarray(0, 2)).toString('hex')}${reply.flags}0001000${reply.count}00000000`,
      'hex',
    )
    server.send(Buffer.concat([head, bytes.subarray(12, questionEnd), Buffer.from(reply.records, 'hex')]), from)
  })
  const open = () => lan.open({ device: 'sim0', address: '10.77.1.10' as Ipv4, port: 0 })
  const done: { result?: T } = {}
  const running = question({
    open,
    clock,
    signal: new AbortController().signal,
    servers: [SERVER],
    waitMs: 5000,
    tries: 3,
  }).then(result => (done.result = result))
  await lan.settle()
  for (let turn = 0; turn < 5 && done.result === undefined; turn++) {
    clock.advance(5000)
    await lan.settle()
  }
  return running
}

describe('asking', () => {
  const address = { flags: '8580', count: 1, records: 'c00c0001000100000000' + '00040a4d0001' }

  test('an address', async () => {
    expect(await ask(address, tools => resolveAddress(tools, 'ais.lab.test'))).toBe('10.77.0.1')
  })

  test.each([
    ['no such name is no record', { flags: '8583', count: 0, records: '' }, { ok: true, answers: [] }],
    [
      'a refusal',
      { flags: '8185', count: 0, records: '' },
      { ok: false, reason: 'DNS: ais.lab.test was refused with code 5' },
    ],
    [
      'a truncated answer',
      { flags: '8780', count: 0, records: '' },
      { ok: false, reason: 'DNS: the answer for ais.lab.test does not fit into a datagram' },
    ],
    ['silence', 'silence' as const, { ok: false, reason: 'DNS: nobody answered for ais.lab.test' }],
  ])('%s', async (_, reply, result) => {
    expect(await ask(reply, tools => askDns(tools, 'ais.lab.test', TYPE.txt))).toEqual(result)
  })
})
