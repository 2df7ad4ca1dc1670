/** One MAC at two ports of a switch, as the relay agent tells them (T3). */
import { expect, test } from 'vitest'
import { circuitText, CircuitWatch } from '../../services/dhcp/circuit-watch.ts'
import type { Decision } from '../../services/dhcp/decision.ts'
import { silence } from '../../services/dhcp/decision.ts'
import { clientOf } from '../../services/dhcp/identify.ts'
import type { SilenceReason } from '../../services/dhcp/reasons.ts'
import { startDhcp } from '../../services/dhcp/server.ts'
import { encode } from '../../services/dhcp/codec.ts'
import { Alarms } from '../../services/kit/alarms.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'
import { dhcp, ip, NODE1, NODE2, type Said } from './messages.ts'
import { listeningLog, MemoryStore, RACK, START, subnet, TestFleet } from './rig.ts'

const AGENT = '10.1.0.1'
const TWIN = '10.1.0.2'
const MINUTE = 60_000

/** Behind a relay agent that names the port. */
const at = (port: string, more: Said = {}): Said => ({
  giaddr: AGENT,
  ...more,
  options: [[82, Uint8Array.from([1, port.length, ...Buffer.from(port)])]],
})

const seen = (said: Said, reason: SilenceReason = 'pool-exhausted'): Decision =>
  silence(reason, clientOf(dhcp('discover', said)))

test('T3 the same MAC at another port of the same relay agent, within an hour', () => {
  const watch = new CircuitWatch()
  expect(watch.saw(seen(at('ge-0/0/7')), START)).toBeUndefined()
  expect(watch.saw(seen(at('ge-0/0/7')), START + MINUTE)).toBeUndefined()
  const odd = watch.saw(seen(at('ge-0/0/9')), START + 2 * MINUTE)
  expect(odd).toEqual({
    mac: NODE1,
    relay: AGENT,
    before: Buffer.from('ge-0/0/7').toString('hex'),
    now: Buffer.from('ge-0/0/9').toString('hex'),
    seconds: 60,
  })
  // The true one speaks again: that is odd, too.
  expect(watch.saw(seen(at('ge-0/0/7')), START + 3 * MINUTE)).toMatchObject({ seconds: 60 })
})

test.each<[string, Decision, Decision, number]>([
  ['another machine at another port', seen(at('7')), seen(at('9', { mac: NODE2 })), MINUTE],
  ['a machine that was moved long ago', seen(at('7')), seen(at('9')), 61 * MINUTE],
  [
    'two routers that relay one broadcast, each with its own name for the port',
    seen(at('7')),
    seen(at('xe-7', { giaddr: TWIN })),
    0,
  ],
  [
    'a message that nobody looked at, whose relay agent may be forged',
    seen(at('7')),
    seen(at('9'), 'too-many-hops'),
    MINUTE,
  ],
  ['a relay agent that names no port', seen(at('7')), seen({ giaddr: AGENT }), MINUTE],
  [
    'a machine on our own wire that says an option 82 itself',
    seen(at('7')),
    seen(at('9', { giaddr: '0.0.0.0' })),
    MINUTE,
  ],
  ['a relay agent that is none of the site’s', seen(at('7')), seen(at('9'), 'unknown-relay'), MINUTE],
])('nothing is odd about %s', (_, first, second, later) => {
  const watch = new CircuitWatch()
  watch.saw(first, START)
  expect(watch.saw(second, START + later)).toBeUndefined()
})

test('M07 a flood of MACs makes those that were silent longest forgotten, and fills no memory', () => {
  const watch = new CircuitWatch()
  watch.saw(seen(at('7')), START)
  for (let n = 0; n < 4096; n += 1) {
    const mac =
      `02:00:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}` as Mac
    watch.saw(seen(at('1', { mac })), START)
  }
  expect(watch.saw(seen(at('9')), START + MINUTE)).toBeUndefined()
})

test.each([
  ['67652d302f302f37', 'ge-0/0/7'],
  ['0004001a0007', '0x0004001a0007'],
])('a circuit of %s is shown as %s', (id, text) => {
  expect(circuitText(id)).toBe(text)
})

test('T3 it is an alarm that names the MAC, the relay agent and both ports, and the machine is served', async () => {
  const lan = new FakeLan({ eth1: '10.77.0.1', agent: AGENT })
  const [log, clock] = [listeningLog(), new FakeClock(START)]
  const alarms = new Alarms(clock)
  const subnets = [RACK, subnet('10.1.0.0/24', ['10.1.0.10-10.1.0.20'], { relays: [ip(AGENT)] })]
  const network = { interface: 'eth1', address: ip('10.77.0.1'), prefix: RACK.prefix }
  const served = { mode: 'server', leaseSeconds: 3600, authoritative: true, subnetSelection: false, subnets } as const
  const fleet = new TestFleet()
  await startDhcp({
    port: await lan.open({ device: 'eth1', address: ip('0.0.0.0'), port: 67 }),
    site: { domain: 'rack7.example.org', network, dhcp: served },
    ...{ httpPort: 80, mtu: 1500, store: new MemoryStore(), fleet, clock, log, alarms },
  })
  const port = await lan.open({ device: 'agent', address: ip(AGENT), port: 67 })
  let replies = 0
  port.onDatagram(() => (replies += 1))
  for (const name of ['ge-0/0/7', 'ge-0/0/9']) {
    port.send(encode(dhcp('discover', at(name)), { maxBytes: 1472 }), { address: ip('10.77.0.1'), port: 67 })
    await lan.settle()
    clock.advance(MINUTE)
  }
  expect(alarms.list()).toMatchObject([
    {
      code: 'two-circuits',
      subject: NODE1,
      severity: 'warning',
      message: `${NODE1} is at ge-0/0/9 of relay agent ${AGENT}, and was at ge-0/0/7 60 s ago`,
      details: { mac: NODE1, relay: AGENT, circuit: 'ge-0/0/9', before: 'ge-0/0/7' },
    },
  ])
  expect(replies).toBe(2)
})
