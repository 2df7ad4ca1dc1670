import { expect, test } from 'vitest'
import { PROBE_MS, WireProbe } from '../../services/kit/address-probe.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { parsePrefix } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'

const ip = (text: string) => text as Ipv4
const HOST = '02:00:00:00:00:05' as Mac
const NEAR = ip('10.77.0.5')
const FAR = ip('10.78.0.5')

async function rig({ ping }: { ping: boolean } = { ping: true }) {
  const lan = new FakeLan({ eth1: '10.77.0.1' })
  const clock = new FakeClock(0)
  const table = new Map<Ipv4, Mac>()
  let looks = 0
  const probe = new WireProbe({
    link: parsePrefix('10.77.0.0/24')!,
    udp: await lan.open({ device: 'eth1', address: ip('10.77.0.1'), port: 0 }),
    // On this wire a ping is a datagram to port 1.
    ...(ping ? { ping: await lan.open({ device: 'eth1', address: ip('10.77.0.1'), port: 7 }) } : {}),
    neighbours: async () => {
      looks += 1
      return table
    },
    clock,
  })
  /** Lets time pass in steps, since a look at the table takes a turn of the event loop. */
  const pass = async (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed += 5) {
      clock.advance(5)
      await lan.settle()
    }
  }
  const wait = async (promise: Promise<unknown>) => {
    const outcome: { value?: unknown; at?: number } = {}
    void promise.then(value => Object.assign(outcome, { value, at: clock.now() }))
    await pass(2 * PROBE_MS)
    return outcome
  }
  return { lan, clock, table, probe, wait, pass, looks: () => looks }
}

test('a host on the link is known by its entry in the table of neighbours', async () => {
  const it = await rig()
  const asked = it.probe.probe(NEAR)
  it.table.set(NEAR, HOST)
  expect(await it.wait(asked)).toEqual({ value: { mac: HOST }, at: 25 })
  expect(it.lan.frames.map(({ to, bytes }) => [to, bytes.length])).toEqual([[{ address: NEAR, port: 9 }, 0]])
})

test('nobody on the link: silence when the time is over, and no look after that', async () => {
  const it = await rig()
  expect(await it.wait(it.probe.probe(NEAR))).toEqual({ value: undefined, at: PROBE_MS })
  expect(it.looks()).toBe(10)
  expect(it.clock.pendingTimers).toBe(0)
})

test('a host behind a router is known by its echo, without a MAC', async () => {
  const it = await rig()
  const host = await it.lan.open({ device: 'far', address: FAR, port: 1 })
  host.onDatagram(({ from }) => host.send(Uint8Array.of(0, 0, 0, 0), from))
  expect(await it.wait(it.probe.probe(FAR))).toEqual({ value: {}, at: 5 })
})

test('what is no echo reply is no answer', async () => {
  const it = await rig()
  const host = await it.lan.open({ device: 'far', address: FAR, port: 1 })
  host.onDatagram(({ from }) => host.send(Uint8Array.of(3, 1, 0, 0), from))
  expect(await it.wait(it.probe.probe(FAR))).toEqual({ value: undefined, at: PROBE_MS })
})

test('without the right to ping there is no way behind a router', async () => {
  const it = await rig({ ping: false })
  expect([it.probe.reaches(NEAR), it.probe.reaches(FAR)]).toEqual([true, false])
})

test('one look serves all that wait, and an address is asked for once', async () => {
  const it = await rig()
  const all = [it.probe.probe(NEAR), it.probe.probe(NEAR), it.probe.probe(ip('10.77.0.6'))]
  expect(await it.wait(Promise.all(all))).toEqual({ value: [undefined, undefined, undefined], at: PROBE_MS })
  expect([it.lan.frames.length, it.looks()]).toEqual([2, 10])
})

test('a clock that is set back meanwhile does not make it longer', async () => {
  const it = await rig()
  const asked = it.probe.probe(NEAR)
  it.clock.set(-86_400_000)
  expect(await it.wait(asked)).toEqual({ value: undefined, at: PROBE_MS - 86_400_000 })
})

test('closing ends all waiting', async () => {
  const it = await rig()
  const asked = it.probe.probe(NEAR)
  await it.probe.close()
  expect(await asked).toBeUndefined()
  expect(it.clock.pendingTimers).toBe(0)
})
