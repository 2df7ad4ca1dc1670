/** `doctor` asks as a stranger would: it is answered, and nothing is remembered of it. */
import { expect, test } from 'vitest'
import { urlsOf } from '../../services/boot/urls.ts'
import { decode, encode } from '../../services/dhcp/codec.ts'
import { dhcpCounts } from '../../services/dhcp/counts.ts'
import { clientOf } from '../../services/dhcp/identify.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { inspection, inspectorMac, isInspection, question } from '../../services/dhcp/question.ts'
import { registryFleet } from '../../services/dhcp/registry-fleet.ts'
import { serveBoot } from '../../services/dhcp/serve-boot.ts'
import { startDhcp } from '../../services/dhcp/server.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'
import { FakeMeter } from '../fake/meter.ts'
import { Fleet } from '../machine/rig.ts'
import { dhcp, ip, mac, NODE1, text } from './messages.ts'
import { listeningLog, MemoryStore, OURS, RACK, START, TestFleet } from './rig.ts'

const INSPECTOR = inspectorMac(mac('52:54:00:77:00:01'))
const EVERYBODY = { address: ip('255.255.255.255'), port: 67 }

async function lab(mode: 'server' | 'proxy') {
  const lan = new FakeLan({ eth1: OURS })
  const [clock, fleet, log, meter] = [new FakeClock(START), new TestFleet(), listeningLog(), new FakeMeter()]
  const network = { interface: 'eth1', address: OURS, prefix: RACK.prefix }
  const port = await lan.open({ device: 'eth1', address: ip('0.0.0.0'), port: 67 })
  const common = { port, httpPort: 80, mtu: 1500, fleet, clock, log }
  const dhcpKeys = { mode, leaseSeconds: 3600, authoritative: true, subnetSelection: false, subnets: [RACK] }
  const site = { domain: 'rack7.example.org', network, dhcp: { ...dhcpKeys, proxyDelayMs: 0 } }
  if (mode === 'server') await startDhcp({ ...common, site, store: new MemoryStore() })
  else serveBoot({ ...common, site, as: 'proxy', counts: dhcpCounts(meter) })
  const wire = await lan.open({ device: 'doctor', address: ip('0.0.0.0'), port: 68 })
  const heard: DhcpMessage[] = []
  wire.onDatagram(({ bytes }) => {
    const message = decode(bytes)
    if (!isMalformed(message)) heard.push(message)
  })
  const lines = log.lines.length
  return {
    fleet,
    told: () => log.lines.slice(lines),
    ask: async (message: DhcpMessage): Promise<DhcpMessage | undefined> => {
      const before = heard.length
      wire.send(encode(message, { maxBytes: 548 }), EVERYBODY)
      await lan.settle()
      return heard[before]
    },
  }
}

test('its MAC is locally administered, nobody’s, and the same each time', () => {
  expect(INSPECTOR).toBe('02:52:72:77:00:01')
})

test.each([
  ['the question of doctor', inspection(7, INSPECTOR), true],
  ['the watch’s own question', question(7, INSPECTOR), false],
  ['a machine', dhcp('discover', { clientId: Uint8Array.of(0, 1, 2) }), false],
])('%s', (_, message, expected) => {
  expect([isInspection(message), clientOf(message)?.inspects ?? false]).toEqual([expected, expected])
})

test('it is offered what a stranger would be, and the address is not held for it', async () => {
  const { ask, fleet, told } = await lab('server')
  const offer = await ask(inspection(7, INSPECTOR))
  expect([offer?.yiaddr, offer && text(offer, 67)]).toEqual(['10.77.0.100', 'snponly.efi'])
  expect([fleet.facts, told()]).toEqual([[], []])
  expect((await ask(dhcp('discover', { mac: NODE1 })))?.yiaddr).toBe('10.77.0.100')
})

test('a proxy tells it what to boot, and nobody of it', async () => {
  const { ask, fleet, told } = await lab('proxy')
  const offer = await ask(inspection(7, INSPECTOR))
  // UEFI firmware is sent on to port 4011 for the file.
  expect([offer?.yiaddr, offer && text(offer, 60)]).toEqual(['0.0.0.0', 'PXEClient'])
  expect([fleet.facts, told()]).toEqual([[], []])
})

test('it never becomes a machine', async () => {
  const rig = await Fleet.open()
  const { site, registry, clock } = rig
  const loaders = new Set(['snponly.efi'])
  const fleet = registryFleet({ registry, site, urls: urlsOf(site), fingerprint: () => '', loaders, clock })
  expect(fleet.view(clientOf(inspection(7, INSPECTOR))!).plan).toMatchObject({ do: 'load', loader: 'snponly.efi' })
  expect(registry.machines().map(({ id }) => id)).not.toContain(INSPECTOR)
})
