import { describe, expect, test } from 'vitest'
import { ipv4ToBytes, UNSPECIFIED, type Ipv4 } from '../../services/kit/ipv4.ts'
import { macToBytes, type Mac } from '../../services/kit/mac.ts'
import { obtainLease, openDhcpWire, renewLease, type DhcpResult } from '../../services/lab/simulated/dhcp-client.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'

const SERVER = '10.77.0.1' as Ipv4
const MAC = 'bc:24:11:00:00:01' as Mac
const WHO = { mac: MAC, uuid: '77000000-0000-4000-8000-000000000001', firmware: 'bios' as const }
const WAITS = [1000, 2000]
const OFFERED = '10.77.1.10'

type Said = { type: number; xid: Uint8Array }
/** What a server says to a message: replies of type, address, and extra options as hexadecimal text. */
type Script = (
  said: Said,
  nth: number,
) => { type: number; address?: string; extra?: string; mac?: Mac; broken?: boolean }[]

const [DISCOVER, OFFER, REQUEST, ACK, NAK] = [1, 2, 3, 5, 6]
const LEASE_TIME = '330400000e10'

function replyBytes(xid: Uint8Array, reply: ReturnType<Script>[number]): Uint8Array {
  if (reply.broken) return Buffer.concat([Buffer.from('02010600', 'hex'), xid, Buffer.alloc(20)])
  const bytes = Buffer.alloc(300)
  bytes.set([2, 1, 6, 0])
  bytes.set(xid, 4)
  bytes.set(ipv4ToBytes((reply.address ?? '0.0.0.0') as Ipv4), 16)
  bytes.set(macToBytes(reply.mac ?? MAC), 28)
  bytes.set(Buffer.from(`6382536335010${reply.type}36040a4d0001${reply.extra ?? ''}ff`, 'hex'), 236)
  return bytes
}

/** A client on a LAN with a server that follows a script; time passes until the client is done. */
async function exchange(script: Script, port = 67): Promise<{ result: DhcpResult; heard: number[]; tookMs: number }> {
  const clock = new FakeClock()
  const lan = new FakeLan({ rack0: SERVER })
  const heard: number[] = []
  const server = await lan.open({ device: 'rack0', address: UNSPECIFIED, port: 67 })
  const voice = port === 67 ? server : await lan.open({ device: 'rack0', address: UNSPECIFIED, port })
  server.onDatagram(({ bytes }) => {
    const said = { type: bytes[242]!, xid: bytes.slice(4, 8) }
    heard.push(said.type)
    for (const reply of script(said, heard.length))
      voice.send(replyBytes(said.xid, reply), { address: '255.255.255.255' as Ipv4, port: 68 })
  })
  const wire = await openDhcpWire(lan.open, 'sim0')
  const begun = clock.now()
  const done: { result?: DhcpResult } = {}
  const running = obtainLease(
    { wire, clock, waitsMs: WAITS, signal: new AbortController().signal },
    'firmware',
    WHO,
  ).then(result => (done.result = result))
  await lan.settle()
  for (let turn = 0; turn < 20 && !done.result; turn++) {
    clock.advance(1000)
    await lan.settle()
  }
  const result = await running
  expect(clock.pendingTimers).toBe(0)
  return { result, heard, tookMs: clock.now() - begun }
}

const obliging: Script = ({ type }) => [
  type === DISCOVER ? { type: OFFER!, address: OFFERED } : { type: ACK!, address: OFFERED, extra: LEASE_TIME },
]

describe('DISCOVER, OFFER, REQUEST, ACK', () => {
  test('a server that answers gives an address at once', async () => {
    const { result, heard, tookMs } = await exchange(obliging)
    expect(result).toMatchObject({ ok: true, lease: { address: OFFERED, server: SERVER } })
    expect([heard, tookMs]).toEqual([[DISCOVER, REQUEST], 0])
  })

  test('a lost DISCOVER is sent again after its wait', async () => {
    const { result, heard, tookMs } = await exchange((said, nth) => (nth === 1 ? [] : obliging(said, nth)))
    expect([result.ok, heard, tookMs]).toEqual([true, [DISCOVER, DISCOVER, REQUEST], 1000])
  })

  test('a NAK begins again', async () => {
    const { result, heard } = await exchange((said, nth) => (nth === 2 ? [{ type: NAK! }] : obliging(said, nth)))
    expect([result.ok, heard]).toEqual([true, [DISCOVER, REQUEST, DISCOVER, REQUEST]])
  })
})

describe('what the client does not take, with the reason', () => {
  test.each<[string, Script, number, string]>([
    ['silence', () => [], 67, 'DHCP (firmware): no OFFER after 2 tries'],
    ['an offer without address', () => [{ type: OFFER! }], 67, 'DHCP (firmware): no OFFER after 2 tries'],
    [
      'replies from another port',
      obliging,
      1067,
      'DHCP (firmware): no OFFER after 2 tries; a reply came from port 1067 instead of 67',
    ],
    [
      'a broken reply',
      () => [{ type: OFFER!, broken: true }],
      67,
      'DHCP (firmware): no OFFER after 2 tries; a reply could not be decoded',
    ],
    [
      "somebody else's hardware address",
      () => [{ type: OFFER!, address: OFFERED, mac: 'bc:24:11:00:00:99' as Mac }],
      67,
      'DHCP (firmware): no OFFER after 2 tries; a reply carried a foreign hardware address',
    ],
    [
      'NAK for ever',
      ({ type }) => [type === DISCOVER ? { type: OFFER!, address: OFFERED } : { type: NAK!, extra: '3804676f6e65' }],
      67,
      'DHCP (firmware): refused 3 times: gone',
    ],
    [
      'an ACK for another address',
      ({ type }) => [
        type === DISCOVER
          ? { type: OFFER!, address: OFFERED }
          : { type: ACK!, address: '10.77.1.11', extra: LEASE_TIME },
      ],
      67,
      'DHCP (firmware): offered 10.77.1.10, but acknowledged 10.77.1.11',
    ],
    [
      'an ACK without lease time',
      ({ type }) => [{ type: type === DISCOVER ? OFFER! : ACK!, address: OFFERED }],
      67,
      'DHCP (firmware): the ACK has no lease time',
    ],
  ])('%s', async (_, script, port, reason) => {
    expect((await exchange(script, port)).result).toEqual({ ok: false, reason })
  })
})

describe('a renewal', () => {
  const LEASE = { address: OFFERED as Ipv4, server: SERVER, reply: { options: new Map() } } as never

  async function renew(answer: { type: number; address: string; extra?: string }) {
    const clock = new FakeClock()
    const lan = new FakeLan({ rack0: SERVER })
    const asked: { ciaddr: string; options: number[] }[] = []
    const server = await lan.open({ device: 'rack0', address: UNSPECIFIED, port: 67 })
    server.onDatagram(({ bytes, from }) => {
      const options: number[] = []
      for (let at = 240; bytes[at] !== 255; at += 2 + bytes[at + 1]!) options.push(bytes[at]!)
      asked.push({ ciaddr: `${bytes.slice(12, 16).join('.')} from ${from.address}`, options })
      server.send(replyBytes(bytes.slice(4, 8), answer), { address: '255.255.255.255' as Ipv4, port: 68 })
    })
    const wire = await openDhcpWire(lan.open, 'sim0')
    const open = () => lan.open({ device: 'sim0', address: OFFERED as Ipv4, port: 0 })
    const tools = { wire, clock, waitsMs: WAITS, signal: new AbortController().signal, open }
    const running = renewLease(tools, { ...WHO, name: 'node1' }, LEASE)
    await lan.settle()
    return { asked, result: await running }
  }

  test('is asked from the address itself, and names neither it nor the server in options', async () => {
    const { asked, result } = await renew({ type: ACK!, address: OFFERED, extra: LEASE_TIME })
    expect(asked).toEqual([{ ciaddr: `${OFFERED} from ${OFFERED}`, options: [53, 12, 55] }])
    expect(result).toMatchObject({ ok: true, lease: { address: OFFERED } })
  })

  test.each([
    [
      'another address',
      { type: ACK!, address: '10.77.1.99', extra: LEASE_TIME },
      `offered ${OFFERED}, but acknowledged 10.77.1.99`,
    ],
    ['a refusal', { type: NAK!, address: '0.0.0.0' }, 'refused: no reason given'],
  ])('%s is a reason', async (_, answer, reason) => {
    expect((await renew(answer)).result).toEqual({ ok: false, reason: `DHCP (system): ${reason}` })
  })
})
