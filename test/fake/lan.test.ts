import { expect, test } from 'vitest'
import type { Datagram } from '../../services/kit/datagram-port.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { FakeClock } from './clock.ts'
import { FakeLan } from './lan.ts'

const ip = (text: string) => text as Ipv4
const ANY = ip('0.0.0.0')
const HELLO = Uint8Array.of(1, 2, 3)

async function listener(lan: FakeLan, device: string, port: number, address = ANY) {
  const opened = await lan.open({ device, address, port })
  const heard: Datagram[] = []
  opened.onDatagram(datagram => heard.push(datagram))
  return { opened, heard }
}

test('a broadcast reaches the same port of every other device', async () => {
  const lan = new FakeLan({ a: '10.0.0.1' })
  const a = await listener(lan, 'a', 67)
  const b = await listener(lan, 'b', 68)
  const c = await listener(lan, 'c', 68)
  const d = await listener(lan, 'c', 69)
  a.opened.send(HELLO, { address: ip('255.255.255.255'), port: 68 })
  await lan.settle()
  expect([a, b, c, d].map(({ heard }) => heard.length)).toEqual([0, 1, 1, 0])
  expect(b.heard[0]).toEqual({ bytes: HELLO, from: { address: '10.0.0.1', port: 67 } })
})

test('a unicast reaches its address only, and nobody without one', async () => {
  const lan = new FakeLan({ a: '10.0.0.1', b: '10.0.0.2' })
  const a = await listener(lan, 'a', 67)
  const b = await listener(lan, 'b', 68)
  const c = await listener(lan, 'c', 68)
  a.opened.send(HELLO, { address: ip('10.0.0.2'), port: 68 })
  await lan.settle()
  expect([b, c].map(({ heard }) => heard.length)).toEqual([1, 0])
})

test('a lost frame is seen on the wire and heard by nobody', async () => {
  const lan = new FakeLan({ a: '10.0.0.1', b: '10.0.0.2' })
  const a = await listener(lan, 'a', 67)
  const b = await listener(lan, 'b', 68)
  lan.isLost = ({ device }) => device === 'a'
  a.opened.send(HELLO, { address: ip('10.0.0.2'), port: 68 })
  await lan.settle()
  expect([lan.frames.length, b.heard.length]).toEqual([1, 0])
})

test('ports are taken once, ephemeral ones differ, and closed ones are silent', async () => {
  const lan = new FakeLan({ a: '10.0.0.1', b: '10.0.0.2' })
  const a = await listener(lan, 'a', 67)
  await expect(lan.open({ device: 'a', address: ANY, port: 67 })).rejects.toThrow('EADDRINUSE')
  const one = await listener(lan, 'b', 0)
  const two = await listener(lan, 'b', 0)
  expect(one.opened.local.port).not.toBe(two.opened.local.port)
  await two.opened.close()
  a.opened.send(HELLO, { address: ip('10.0.0.2'), port: two.opened.local.port })
  await lan.settle()
  expect(two.heard).toEqual([])
})

test('stations that answer each other for ever are noticed', async () => {
  const lan = new FakeLan({ a: '10.0.0.1', b: '10.0.0.2' })
  const a = await lan.open({ device: 'a', address: ANY, port: 67 })
  const b = await lan.open({ device: 'b', address: ANY, port: 68 })
  a.onDatagram(({ bytes }) => a.send(bytes, { address: ip('10.0.0.2'), port: 68 }))
  b.onDatagram(({ bytes }) => setImmediate(() => b.send(bytes, { address: ip('10.0.0.1'), port: 67 })))
  a.send(HELLO, { address: ip('10.0.0.2'), port: 68 })
  await expect(lan.settle()).rejects.toThrow('never becomes quiet')
})

test('the clock runs timers at their instants, those that they start included', () => {
  const clock = new FakeClock(0)
  const ran: [string, number][] = []
  const note = (name: string) => ran.push([name, clock.now()])
  clock.after(20, () => note('second'))
  clock.after(10, () => {
    note('first')
    clock.after(5, () => note('between'))
  })
  const cancel = clock.after(12, () => note('cancelled'))
  cancel()
  clock.advance(15)
  expect(ran).toEqual([
    ['first', 10],
    ['between', 15],
  ])
  clock.advance(100)
  expect([ran.at(-1), clock.now(), clock.pendingTimers]).toEqual([['second', 20], 115, 0])
})
