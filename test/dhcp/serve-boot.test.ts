/** Proxy and boot server on a fake LAN, beside another server that gives the addresses. */
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../services/dhcp/codec.ts'
import { dhcpCounts } from '../../services/dhcp/counts.ts'
import type { DhcpClient } from '../../services/dhcp/fleet.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { bytesOf, messageTypeOf, serverIdOf } from '../../services/dhcp/options.ts'
import { type BootOptions, serveBoot } from '../../services/dhcp/serve-boot.ts'
import { type ServedDhcp, startDhcp } from '../../services/dhcp/server.ts'
import type { Endpoint } from '../../services/kit/datagram-port.ts'
import { LIMITED_BROADCAST } from '../../services/kit/ipv4.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'
import { FakeMeter } from '../fake/meter.ts'
import { BIOS, dhcp, ip, IPXE, NODE1, NODE2, text, UEFI } from './messages.ts'
import { type BootSilence, listeningLog, MemoryStore, RACK, SCRIPT_URL, START, TestFleet } from './rig.ts'

const OURS = '10.77.0.1'
const OTHERS = '10.77.0.2'
const AT_4011 = { address: ip(OURS), port: 4011 }
const ANY = ip('0.0.0.0')
const NETWORK = { interface: 'eth1', address: ip(OURS), prefix: RACK.prefix }

/** Gives addresses and knows nothing of booting. */
class PlainFleet extends TestFleet {
  override view(client: DhcpClient) {
    return { ...super.view(client), plan: { do: 'nothing', reason: 'not-booting' } as const }
  }
}

async function startOther(lan: FakeLan, clock: FakeClock): Promise<void> {
  const dhcpKeys: ServedDhcp = {
    mode: 'server',
    leaseSeconds: 3600,
    authoritative: true,
    subnetSelection: false,
    subnets: [RACK],
  }
  const site = {
    domain: 'office.example.org',
    network: { ...NETWORK, interface: 'eth2', address: ip(OTHERS) },
    dhcp: dhcpKeys,
  }
  const port = await lan.open({ device: 'eth2', address: ANY, port: 67 })
  await startDhcp({
    port,
    site,
    httpPort: 80,
    mtu: 1500,
    store: new MemoryStore(),
    fleet: new PlainFleet(),
    clock,
    log: listeningLog(),
  })
}

async function lab(proxyDelayMs = 0) {
  const lan = new FakeLan({ eth1: OURS, eth2: OTHERS })
  const clock = new FakeClock(START)
  const fleet = new TestFleet()
  const log = listeningLog()
  await startOther(lan, clock)
  const dhcpKeys: BootOptions['site']['dhcp'] = { mode: 'proxy', subnets: [], proxyDelayMs }
  const meter = new FakeMeter()
  const common = {
    site: { network: NETWORK, dhcp: dhcpKeys },
    httpPort: 80,
    mtu: 1500,
    fleet,
    counts: dhcpCounts(meter),
    clock,
    log,
  }
  const proxy = serveBoot({ ...common, as: 'proxy', port: await lan.open({ device: 'eth1', address: ANY, port: 67 }) })
  const port4011 = await lan.open({ device: 'eth1', address: ip(OURS), port: 4011 })
  const bootServer = serveBoot({ ...common, as: 'boot-server', port: port4011 })
  const heard: { message: DhcpMessage; from: Endpoint }[] = []
  const open = async (port: number) => {
    const wire = await lan.open({ device: 'machine', address: ANY, port })
    wire.onDatagram(({ bytes, from }) => {
      const message = decode(bytes)
      if (!isMalformed(message)) heard.push({ message, from })
    })
    return wire
  }
  const wires = { 68: await open(68), 4011: await open(4011) }
  return {
    lan,
    clock,
    fleet,
    log,
    meter,
    proxy,
    bootServer,
    wires,
    /** Sends one message; all that was heard in return. */
    async ask(message: DhcpMessage, to: Endpoint = { address: LIMITED_BROADCAST, port: 67 }, from: 68 | 4011 = 68) {
      heard.length = 0
      wires[from].send(encode(message, { maxBytes: 1472 }), to)
      await lan.settle()
      return heard.map(({ message: reply, from: source }) => ({ reply, from: `${source.address}:${source.port}` }))
    },
    lines: () => log.lines.map(({ level, message }) => `${level} ${message}`),
  }
}

const summaryOf = ({ reply, from }: { reply: DhcpMessage; from: string }): string =>
  [from, messageTypeOf(reply), reply.yiaddr, serverIdOf(reply), text(reply, 60), text(reply, 67)]
    .filter(Boolean)
    .join(' ')

test('a BIOS ROM hears an address from one and the file from the other, then iPXE its script', async () => {
  const it = await lab()
  expect((await it.ask(dhcp('discover', BIOS))).map(summaryOf).toSorted()).toEqual([
    '10.77.0.1:67 offer 0.0.0.0 10.77.0.1 PXEClient undionly.kpxe',
    '10.77.0.2:67 offer 10.77.0.100 10.77.0.2',
  ])
  const request = dhcp('request', { ...BIOS, server: OTHERS, wants: '10.77.0.100' })
  expect((await it.ask(request)).map(summaryOf)).toEqual(['10.77.0.2:67 ack 10.77.0.100 10.77.0.2'])
  expect((await it.ask(dhcp('discover', IPXE))).map(summaryOf).toSorted()).toEqual([
    `10.77.0.1:67 offer 0.0.0.0 10.77.0.1 PXEClient ${SCRIPT_URL}`,
    '10.77.0.2:67 offer 10.77.0.100 10.77.0.2',
  ])
  expect(it.lines()).toEqual([
    'info serving DHCP as a proxy: another server gives the addresses',
    'info serving the boot server’s port',
    'info offered undionly.kpxe to bc:24:11:ab:12:21 (x86-bios firmware by tftp): another server gives the address',
    'info silent to bc:24:11:ab:12:21: addresses are another server’s business here',
    'info offered its boot script to bc:24:11:ab:12:21 (iPXE on x86-bios): another server gives the address',
  ])
  expect(it.fleet.facts.map(({ fact }) => fact)).toEqual(['boot-told', 'silent', 'boot-told'])
})

test('UEFI asks at port 4011 and hears it there, H10 from port 4011', async () => {
  const it = await lab()
  await it.ask(dhcp('discover', UEFI))
  await it.ask(dhcp('request', { ...UEFI, server: OTHERS, wants: '10.77.0.100' }))
  it.lan.setAddress('machine', ip('10.77.0.100'))
  const [answer, ...more] = await it.ask(dhcp('request', { ...UEFI, ciaddr: '10.77.0.100' }), AT_4011, 4011)
  expect([summaryOf(answer!), more]).toEqual(['10.77.0.1:4011 ack 0.0.0.0 10.77.0.1 PXEClient snponly.efi', []])
  expect(it.lan.frames.at(-1)?.to).toEqual({ address: '10.77.0.100', port: 4011 })
  expect(it.lines().at(-1)).toBe(
    'info acknowledged 10.77.0.100 and snponly.efi to bc:24:11:ab:12:21 (x64-uefi firmware by tftp): the machine asked the boot server what to load',
  )
})

describe('H14 a site may let the other server be first', () => {
  test('offers wait, acknowledgements do not', async () => {
    const it = await lab(500)
    expect((await it.ask(dhcp('discover', BIOS))).map(summaryOf)).toEqual(['10.77.0.2:67 offer 10.77.0.100 10.77.0.2'])
    it.clock.advance(499)
    expect(it.lan.frames).toHaveLength(2)
    it.clock.advance(1)
    await it.lan.settle()
    expect(it.lan.frames.at(-1)?.from).toEqual({ address: OURS, port: 67 })
    it.lan.setAddress('machine', ip('10.77.0.100'))
    expect(await it.ask(dhcp('request', { ...UEFI, ciaddr: '10.77.0.100' }), AT_4011, 4011)).toHaveLength(1)
  })

  test('nothing is sent after the end', async () => {
    const it = await lab(500)
    await it.ask(dhcp('discover', BIOS))
    await Promise.all([it.proxy.close(), it.bootServer.close()])
    const sent = it.lan.frames.length
    it.clock.advance(1000)
    expect([it.lan.frames.length, it.clock.pendingTimers]).toEqual([sent, 0])
  })

  test('a flood does not wait in memory', async () => {
    const it = await lab(500)
    for (let xid = 0; xid < 1100; xid += 1)
      it.wires[68].send(encode(dhcp('discover', { ...BIOS, xid }), { maxBytes: 1472 }), {
        address: LIMITED_BROADCAST,
        port: 67,
      })
    await it.lan.settle()
    expect(it.clock.pendingTimers).toBe(1024)
    expect(it.lan.frames.filter(({ from }) => from.address === OURS)).toHaveLength(1100 - 1024)
  })
})

/** The message that is not answered, the door it comes to, and its type in the count. */
const SILENCES: Record<BootSilence, [message: DhcpMessage, at: 67 | 4011, type: string]> = {
  'addresses-elsewhere': [dhcp('request', { server: OURS, wants: '10.77.0.9' }), 67, 'request'],
  'not-booting': [dhcp('discover'), 67, 'discover'],
  'unsupported-architecture': [dhcp('discover', { ...UEFI, architecture: 6 }), 67, 'discover'],
  'loader-missing': [dhcp('discover', { ...UEFI, architecture: 11 }), 67, 'discover'],
  'boot-loop': [dhcp('discover', { ...UEFI, mac: NODE2 }), 67, 'discover'],
  'no-boot-request': [dhcp('discover', UEFI), 4011, 'discover'],
  'windows-deployment': [dhcp('request', { ...BIOS, options: [[250, bytesOf('WDS')]] }), 4011, 'request'],
  'foreign-network': [dhcp('request', { ...UEFI, ciaddr: '192.0.2.9' }), 4011, 'request'],
}

test.each(Object.keys(SILENCES) as BootSilence[])(
  'silence is counted under its reason, and in the log: %s',
  async reason => {
    const it = await lab()
    it.fleet.loaders.delete('snponly-arm64.efi')
    it.fleet.plans.set(NODE2, { do: 'nothing', reason: 'boot-loop' })
    const [message, at, type] = SILENCES[reason]
    await (at === 67 ? it.ask(message) : it.ask(message, AT_4011, 4011))
    expect(it.meter.read('rackrise_dhcp_decisions_total')).toEqual({
      [`rackrise_dhcp_decisions_total{type="${type}",outcome="silence",reason="${reason}"}`]: 1,
    })
    expect(it.log.lines.at(-1)?.reason).toBe(reason)
  },
)

test('H16 BINL at port 4011 is ignored with its reason, and what is nothing at all with another', async () => {
  const it = await lab()
  for (const bytes of ['\u0081NEG\0\0\0\0', 'hello']) it.wires[4011].send(bytesOf(bytes), AT_4011)
  await it.lan.settle()
  expect(it.log.lines.slice(-2).map(({ reason }) => reason)).toEqual(['windows-deployment', 'malformed'])
})

test('a fleet that throws costs one message, not the service', async () => {
  const it = await lab()
  const view = it.fleet.view.bind(it.fleet)
  it.fleet.view = () => {
    throw new Error('a bug')
  }
  await it.ask(dhcp('discover', BIOS))
  expect(it.log.lines.at(-1)).toMatchObject({ level: 'error', reason: 'internal-error' })
  it.fleet.view = view
  expect(await it.ask(dhcp('discover', { ...BIOS, xid: 2, mac: NODE1 }))).toHaveLength(2)
})
