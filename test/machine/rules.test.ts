/** Which rule takes a machine, by what it has told so far. */
import { expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { factsOf, type Told, toldOf } from '../../services/machine/facts.ts'
import { judgeRule } from '../../services/machine/listing.ts'
import { LiveSite } from '../../services/site/live-site.ts'
import { Fleet, NODE1, siteOf, STRANGER } from './rig.ts'

const rule = (when: string, more = ''): string => `[[rule]]\nwhen = { ${when} }\nprofile = "pve"\n${more}`

const SITE = siteOf(
  rule('"dmi.system.name" = "PowerEdge*", firmware = "x86-bios"', 'name = "old{{index}}"\n') +
    rule('"dmi.system.name" = "PowerEdge*", "lease.address" = "10.77.0.128/25"', 'name = "far{{index}}"\n') +
    rule('"dmi.system.name" = "PowerEdge*"', 'name = "node{{index}}"\n'),
)

test('the first rule that fits counts, and every other one says at which condition it was lost', async () => {
  const fleet = await Fleet.open(SITE)
  const told: Told = toldOf({ firmware: ['x64-uefi'] })
  const machine = await fleet.registry.sight({ macs: [STRANGER], product: 'PowerEdge R6525', told }, 'http')
  expect(fleet.registry.listing(machine)).toMatchObject({ from: 'rule', rule: 2, name: 'node1' })
  expect(SITE.rules.map(one => judgeRule(one, factsOf(machine)))).toEqual([
    { fits: false, condition: SITE.rules[0]!.when[1], because: 'differs', seen: ['x64-uefi'] },
    { fits: false, condition: SITE.rules[1]!.when[1], because: 'not-told', seen: [] },
    { fits: true },
  ])
})

test('an address that it is leased later brings it under another rule, with the number of that one', async () => {
  const fleet = await Fleet.open(SITE)
  await fleet.registry.sight({ macs: [STRANGER], product: 'PowerEdge R6525' }, 'http')
  await fleet.happen(STRANGER, { type: 'leased', address: '10.77.0.150' as Ipv4, stage: 'ipxe' })
  const machine = await fleet.registry.sight({ macs: [STRANGER] }, 'http')
  expect(fleet.registry.listing(machine)).toMatchObject({ rule: 1, name: 'far1' })
})

test('what it told is known after a restart, and told again it is no event', async () => {
  const fleet = await Fleet.open(SITE)
  const told = toldOf({ 'nic.link': ['eno1', 'eno2'], firmware: ['x86-bios'] })
  await fleet.registry.sight({ macs: [STRANGER], told }, 'answer')
  await fleet.registry.sight({ macs: [STRANGER], told: toldOf({ firmware: ['x64-uefi'] }) }, 'dhcp')
  const rows = fleet.store.rows.length
  await fleet.restart()
  expect(fleet.machine(STRANGER).told).toEqual({ firmware: ['x64-uefi'], 'nic.link': ['eno1', 'eno2'] })
  await fleet.registry.sight({ macs: [STRANGER], told: { 'nic.link': ['eno1', 'eno2'] } }, 'answer')
  expect(fleet.store.rows).toHaveLength(rows)
})

test('a listed machine is asked for by no rule', async () => {
  const fleet = await Fleet.open(
    siteOf(
      `[[machine]]\nname = "node1"\nmac = ["${NODE1}"]\nprofile = "pve"\n${rule('mac = "*"', 'name = "x{{index}}"\n')}`,
    ),
  )
  expect(fleet.registry.listing(fleet.machine(NODE1))).toMatchObject({ from: 'machine', name: 'node1' })
})

test('approve = true of a rule starts the first installation once the machine has told what the rule asks', async () => {
  const fleet = await Fleet.open(siteOf(rule('serial = "7K2*"', 'approve = true\n')))
  expect((await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')).state).toBe('held')
  expect((await fleet.registry.sight({ macs: [STRANGER], serial: '7K2QX93' }, 'http')).state).toBe('approved')
})

test('at most 64 values of a fact are kept, and empty ones are not told', () => {
  const told = toldOf({
    'nic.link': Array.from({ length: 300 }, (_, at) => `eth${at}`),
    product: [''],
    serial: [undefined],
  })
  expect([Object.keys(told), told['nic.link']!.length]).toEqual([['nic.link'], 64])
})

test('a file that approves it no more, loaded while its number is written down, counts', async () => {
  const numbered = (approve: boolean) => siteOf(rule('mac = "*"', `name = "x{{index}}"\napprove = ${approve}\n`))
  const live = new LiveSite(numbered(true))
  const fleet = await Fleet.open(live)
  const sighted = fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
  live.use(numbered(false))
  await Promise.all([sighted, fleet.registry.useSite()])
  expect(fleet.machine(STRANGER)).toMatchObject({ state: 'held', attempts: 0, number: { index: 1 } })
})
