/** From the answer over HTTPS to DHCP: what the installer will write down is nobody else's from then on. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { LeaseTable } from '../../services/dhcp/lease-table.ts'
import { registryFleet } from '../../services/dhcp/registry-fleet.ts'
import { respond } from '../../services/dhcp/respond.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { dhcp, ip, type Said } from '../dhcp/messages.ts'
import { server, subnet } from '../dhcp/rig.ts'
import { NODE1, NODE2 } from '../machine/rig.ts'
import { HERE, LAYER, Rig, type RigOptions } from './rig.ts'

let rig: Rig
afterEach(() => rig.close())

const FROM_ANSWER = LAYER.replace(
  'source = "from-dhcp"',
  'source = "from-answer"\ncidr = "127.0.0.50/24"\ngateway = "127.0.0.1"\ndns = "127.0.0.1"\nfilter.ID_NET_NAME_MAC = "enx{{machine.mac-digits}}"',
)

/** Installs node1 with that layer, and asks DHCP after the lease has ended. */
async function install(layer: string, options: RigOptions = {}) {
  rig = await Rig.start(options)
  await writeFile(join(rig.folder, 'answers', 'base.toml'), layer)
  await rig.bring('booting')
  const body = JSON.stringify({
    product: { fullname: 'Proxmox VE', product: 'pve', enable_btrfs: true },
    iso: { release: '9.2', isorelease: '1' },
    dmi: { system: {} },
    network_interfaces: [{ link: 'eno1', mac: NODE1 }],
  })
  const path = `/answer/${rig.token('answer')}`
  const { status, text } = await rig.tls(path, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json' },
  })
  expect([status, text]).toEqual([200, expect.stringContaining('[network]')])
  const subnets = [subnet('127.0.0.0/24', ['127.0.0.11-127.0.0.12'])]
  const leases = new LeaseTable(subnets, ip('127.0.0.1'))
  const { registry, site, urls } = rig.context
  const { clock } = rig
  leases.put({ address: HERE, mac: NODE1, state: 'bound', boundAt: clock.now() - 2, expiresAt: clock.now() - 1 })
  const fleet = registryFleet({ registry, site, urls, fingerprint: () => '', loaders: new Set(), clock })
  const view = { server: server({ address: ip('127.0.0.1'), prefix: subnets[0]!.prefix, subnets }), leases, fleet }
  clock.advance(3_600_000)
  return (mac: Mac, said: Said) => {
    const decision = respond(
      dhcp(said.server || said.ciaddr ? 'request' : 'discover', { mac, ...said }),
      view,
      clock.now(),
    )
    return `${decision.do === 'reply' ? decision.type : 'silence'} ${decision.reason} ${decision.address}`
  }
}

test('network from DHCP: the lease has ended and the address is still the machine’s', async () => {
  const ask = await install(LAYER)
  expect(ask(NODE2, { wants: HERE })).toBe('offer from-pool 127.0.0.12')
  expect(ask(NODE2, { ciaddr: HERE })).toBe(`nak reserved-for-another ${HERE}`)
  expect(ask(NODE1, {})).toBe(`offer reservation ${HERE}`)
  const [served] = (await rig.registry.timeline(rig.node1.id, 0, 99)).filter(({ type }) => type === 'answer-served')
  expect(served).toMatchObject({ address: HERE, staticOn: NODE1 })
})

test('network from the answer: the address is free when the lease has ended', async () => {
  const ask = await install(FROM_ANSWER)
  expect(ask(NODE2, { wants: HERE })).toBe(`offer requested-address ${HERE}`)
  expect(rig.node1.staticAddress).toBeUndefined()
})

test.each(['off', 'proxy'])('mode %s: who stands there is known, and the address is not ours to keep', async mode => {
  await install(LAYER, { dhcp: `[dhcp]\nmode = "${mode}"` })
  expect(rig.node1.staticAddress).toBeUndefined()
})
