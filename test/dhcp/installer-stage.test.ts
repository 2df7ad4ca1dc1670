/** What the Proxmox installer is told, over a real registry: dhclient writes it down, and the installer takes words out of that file. */
import { describe, expect, test } from 'vitest'
import type { DhcpMessage } from '../../services/dhcp/message.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { NODE1, siteOf, STRANGER } from '../machine/rig.ts'
import { bytesOf } from '../../services/dhcp/options.ts'
import { BIOS, codes, dhcp, hex, INSTALLER, ip, type Said, text } from './messages.ts'
import { SiteBench } from './site-bench.ts'

const SECOND = 'bc:24:11:ab:12:31' as Mac
const SITE = siteOf(
  `[[machine]]\nname = "node1"\nmac = ["${NODE1}", "${SECOND}"]\naddress = "10.77.0.11"\nprofile = "pve"\n`,
)
/** As dhclient of the installer says it: its host name is always `proxmox`, and there is no client identifier. */
const installer = (mac: Mac): Said => ({ mac, asks: [...INSTALLER.asks], options: [[12, bytesOf('proxmox')]] })

/** The machine with this MAC has fetched its boot script. */
async function booting(site = SITE, mac = NODE1): Promise<SiteBench> {
  const bench = await SiteBench.open(site)
  bench.boot({ ...BIOS, mac })
  const attempt = await bench.rig.registry.startAttempt(bench.rig.machine(mac), { by: 'operator', again: false })
  if (typeof attempt !== 'string') throw new Error(attempt.message)
  await bench.rig.happen(mac, { type: 'script-served', attempt, address: ip('10.77.0.11'), resumed: false })
  return bench
}

function offered(bench: SiteBench, said: Said): DhcpMessage {
  const decision = bench.decide(dhcp('discover', said))
  if (decision.do !== 'reply') throw new Error(decision.reason)
  return decision.message
}

describe('the machine that installs', () => {
  test('is told one domain, its short name, a resolver, and where its answer is, in the order it asked', async () => {
    const message = offered(await booting(), installer(NODE1))
    expect(codes(message)).toEqual([53, 54, 51, 1, 28, 3, 15, 6, 119, 12, 250, 251, 58, 59])
    expect([12, 15].map(code => text(message, code))).toEqual(['node1', 'rack.test'])
    expect(text(message, 119)).toBe('\x04rack\x04test\x00')
    expect(hex(message, 6)).toBe('0a4d0001')
    expect(text(message, 250)).toMatch(/^https:\/\/10\.77\.0\.1\/answer\/[\w-]{27}$/)
    expect(text(message, 251)).toBe('AB'.repeat(32))
  })

  test('hears the same answer URL on both of its NICs: the first one in the lease file wins', async () => {
    const bench = await booting()
    const [first, second] = [NODE1, SECOND].map(mac => offered(bench, installer(mac)))
    expect([250, 251].map(code => text(second!, code))).toEqual([250, 251].map(code => text(first!, code)))
    expect(text(first!, 250)).toBeDefined()
  })

  test('is called what its answer will call it, where the site has no name for it', async () => {
    const bench = await booting(siteOf(''), STRANGER)
    expect(text(offered(bench, installer(STRANGER)), 12)).toBe('host-bc2411ab1299')
    expect(hex(offered(bench, { ...installer(STRANGER), asks: [1, 3, 12] }), 12)).toBeUndefined()
  })
})

test('the name that every installer says, proxmox, is nobody’s: neither kept nor looked for', async () => {
  const bench = await booting(siteOf(''), STRANGER)
  const others = 'bc:24:11:ab:12:55' as Mac
  expect(bench.boot(installer(STRANGER))).toBe('ack current-lease 10.77.0.100')
  expect(bench.boot(installer(others))).toBe('ack from-pool 10.77.0.101')
  expect(bench.table.all().map(({ hostName }) => hostName)).toEqual(['host-bc2411ab1299', undefined])
  expect(bench.rig.registry.find('proxmox')).toEqual([])
})

test('H24 a machine that is merely approved, and one that nobody knows, hear no answer URL', async () => {
  const bench = await booting()
  expect(codes(offered(bench, installer(STRANGER))).filter(code => code > 249)).toEqual([])
  const approved = await SiteBench.open(SITE)
  await approved.rig.registry.startAttempt(approved.rig.machine(NODE1), { by: 'operator', again: false })
  expect(codes(offered(approved, installer(NODE1))).filter(code => code > 249)).toEqual([])
})
