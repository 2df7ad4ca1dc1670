/** What DHCP tells the timeline, with the real server, the real fleet and a fake LAN. */
import { expect, test } from 'vitest'
import { urlsOf } from '../../services/boot/urls.ts'
import { decode, encode } from '../../services/dhcp/codec.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { registryFleet } from '../../services/dhcp/registry-fleet.ts'
import { startDhcp } from '../../services/dhcp/server.ts'
import { FakeLan } from '../fake/lan.ts'
import { Fleet } from '../machine/rig.ts'
import { BIOS, dhcp, hex, ip, NODE1 } from './messages.ts'
import { MemoryStore } from './rig.ts'

async function lab() {
  const { registry, site, clock, log, store } = await Fleet.open()
  const lan = new FakeLan({ eth1: site.network.address })
  const fleet = registryFleet({ registry, site, urls: urlsOf(site), fingerprint: 'ab'.repeat(32), log })
  const port = await lan.open({ device: 'eth1', address: ip('0.0.0.0'), port: 67 })
  await startDhcp({ port, site, httpPort: 80, store: new MemoryStore(), fleet, clock, log })
  const wire = await lan.open({ device: 'machine', address: ip('0.0.0.0'), port: 68 })
  let heard: DhcpMessage | undefined
  wire.onDatagram(({ bytes }) => {
    const message = decode(bytes)
    heard = isMalformed(message) ? undefined : message
  })
  const ask = async (message: DhcpMessage): Promise<DhcpMessage | undefined> => {
    heard = undefined
    wire.send(encode(message, { maxBytes: 1472 }), { address: ip('255.255.255.255'), port: 67 })
    await lan.settle()
    return heard
  }
  const leased = () => store.rows.filter(({ type }) => type === 'leased').map(({ body }) => JSON.parse(body) as unknown)
  return { lan, registry, ask, leased }
}

test('a lease is on the timeline, with what it was given to', async () => {
  const it = await lab()
  await it.ask(dhcp('discover', BIOS))
  await it.ask(dhcp('request', { ...BIOS, wants: '10.77.0.11', server: '10.77.0.1' }))
  expect(it.leased()).toEqual([{ type: 'leased', address: '10.77.0.11', stage: 'firmware', loader: 'undionly.kpxe' }])
  expect(it.registry.byMac(NODE1)?.address).toBe('10.77.0.11')
})

test('a machine that only asks for settings was leased nothing, whatever address it says it has', async () => {
  const it = await lab()
  it.lan.setAddress('machine', ip('10.77.0.77'))
  const ack = await it.ask(dhcp('inform', { ciaddr: '10.77.0.77' }))
  expect([ack && hex(ack, 53), ack?.yiaddr]).toEqual(['05', '0.0.0.0'])
  expect(it.leased()).toEqual([])
  expect(it.registry.byMac(NODE1)?.address).toBeUndefined()
})
