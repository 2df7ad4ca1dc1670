/** A rack of machines that nobody listed, from power-on to what the site's rules make of each, over the real registry and the real DHCP policy. */
import { describe, expect, test } from 'vitest'
import { scriptPlan } from '../../services/boot/plan.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { toldOf } from '../../services/machine/facts.ts'
import { BIOS, IPXE, type Said, UEFI } from '../dhcp/messages.ts'
import { SiteBench } from '../dhcp/site-bench.ts'
import { siteOf } from '../machine/rig.ts'
import { WITH_PROFILE } from '../site/sites.ts'

const [FIRST, SECOND, THIRD] = ['bc:24:11:00:00:01', 'bc:24:11:00:00:02', 'bc:24:11:00:00:03'] as [Mac, Mac, Mac]
const PROFILES = `${WITH_PROFILE}[[profile]]\nname = "old"\niso = "pve:8.4"\n`
const rule = (when: string, profile: string, more = ''): string =>
  `[[rule]]\nwhen = { ${when} }\nprofile = "${profile}"\n${more}`

/** Option 97 with this last octet; the first three fields are swapped on the wire (DSP0134 §7.2.1). */
const uuid = (last: number): [number, Uint8Array] => [
  97,
  Uint8Array.from([0, ...Array.from({ length: 15 }, (_, at) => at + 1), last]),
]

/** Firmware, then iPXE, which asks for its script; what that says. */
async function powerOn(
  bench: SiteBench,
  mac: Mac,
  firmware: Said,
  tells: { serial?: string; product?: string } = {},
): Promise<string> {
  const { registry, clock } = bench.rig
  clock.advance(60_000)
  bench.boot({ ...firmware, mac })
  bench.boot({ ...IPXE, ...('architecture' in firmware ? { architecture: firmware.architecture } : {}), mac })
  const machine = await registry.sight({ macs: [mac], ...tells }, 'http')
  const plan = scriptPlan(machine, clock.now(), false)
  return plan.do === 'install'
    ? `${registry.titleOf(machine)} installs ${plan.profile}`
    : `${registry.titleOf(machine)} boots its disk`
}

test('by firmware and by the address that DHCP gave', async () => {
  const rules =
    rule('firmware = "x86-bios"', 'old', 'name = "bios{{index}}"\napprove = true\n') +
    rule('"lease.address" = "10.77.0.101"', 'pve', 'name = "second{{index}}"\napprove = true\n') +
    rule('firmware = "!x86-*"', 'pve', 'name = "uefi{{index}}"\n')
  const bench = await SiteBench.open(siteOf(rules, PROFILES))
  expect([
    await powerOn(bench, FIRST, BIOS),
    await powerOn(bench, SECOND, UEFI),
    await powerOn(bench, THIRD, UEFI),
  ]).toEqual(['bios1 installs old', 'second1 installs pve', 'uefi1 boots its disk'])
  await bench.restart()
  expect(bench.rig.registry.machines().map(machine => bench.rig.registry.titleOf(machine))).toEqual([
    'bios1',
    'second1',
    'uefi1',
  ])
})

describe('one box with two NICs, and a rule that approves everything of its maker', () => {
  const rules = rule('mac = "bc:24:11:*"', 'pve', 'name = "node{{index}}"\napprove = true\n')

  test('boots through the other NIC: it is held, with both names, and nobody else is disturbed', async () => {
    const bench = await SiteBench.open(siteOf(rules, PROFILES))
    expect(await powerOn(bench, FIRST, { ...UEFI, options: [uuid(1)] }, { serial: '7K2QX93' })).toBe(
      'node1 installs pve',
    )
    expect(await powerOn(bench, SECOND, { ...UEFI, options: [uuid(1)] }, { serial: '7K2QX93' })).toBe(
      'node2 boots its disk',
    )
    const { conflicts, state } = bench.rig.machine(SECOND)
    expect([state, conflicts?.map(({ with: other, by }) => `${by} of ${other}`)]).toEqual([
      'held',
      [`uuid of ${FIRST}`, `serial of ${FIRST}`],
    ])
    expect(bench.rig.machine(FIRST).state).toBe('approved')
    expect(await powerOn(bench, THIRD, { ...UEFI, options: [uuid(3)] }, { serial: '8L3RY04' })).toBe(
      'node3 installs pve',
    )
  })

  test('its site entry names both: one machine, and nothing is claimed twice', async () => {
    const both = `[[machine]]\nname = "node1"\nmac = ["${FIRST}", "${SECOND}"]\nprofile = "pve"\napprove = true\n`
    const bench = await SiteBench.open(siteOf(both + rules, PROFILES))
    expect(await powerOn(bench, SECOND, { ...UEFI, options: [uuid(1)] })).toBe('node1 installs pve')
    expect(bench.rig.registry.machines()).toHaveLength(1)
  })

  test('boards that all say the same UUID are no conflict, since that one says nothing', async () => {
    const bench = await SiteBench.open(siteOf(rules, PROFILES))
    const shared: [number, Uint8Array] = [
      97,
      Uint8Array.from([0, ...Buffer.from('00020003000400050006000700080009', 'hex')]),
    ]
    expect(await powerOn(bench, FIRST, { ...UEFI, options: [shared] })).toBe('node1 installs pve')
    expect(await powerOn(bench, SECOND, { ...UEFI, options: [shared] })).toBe('node2 installs pve')
  })
})

test('what the installer tells counts at the next boot, and chooses another profile there', async () => {
  const rules = rule('"dmi.baseboard.name" = "X570*"', 'old') + rule('mac = "*"', 'pve', 'approve = true\n')
  const bench = await SiteBench.open(siteOf(rules, PROFILES))
  expect(await powerOn(bench, FIRST, UEFI)).toBe(`${FIRST} installs pve`)
  const { registry } = bench.rig
  const told = toldOf({ 'dmi.baseboard.name': ['X570D4U'] })
  const machine = await registry.sight({ macs: [FIRST], told }, 'answer')
  expect(registry.listing(machine)).toMatchObject({ rule: 0, profile: 'old' })
  await registry.startAttempt(machine, { by: 'operator', again: true })
  expect(await powerOn(bench, FIRST, UEFI)).toBe(`${FIRST} installs old`)
})
