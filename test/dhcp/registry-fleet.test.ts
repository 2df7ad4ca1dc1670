import { describe, expect, test } from 'vitest'
import type { BootClient } from '../../services/boot/client.ts'
import { urlsOf } from '../../services/boot/urls.ts'
import type { DhcpClient } from '../../services/dhcp/fleet.ts'
import { registryFleet } from '../../services/dhcp/registry-fleet.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { AttemptId } from '../../services/machine/event.ts'
import { STRANGERS_MOST } from '../../services/machine/registry.ts'
import { WITH_PROFILE } from '../site/sites.ts'
import { Fleet, LISTED, NODE1, NODE2, siteOf, STRANGER } from '../machine/rig.ts'

const ADDRESS = '10.77.0.11' as Ipv4
const FINGERPRINT = 'AB'.repeat(32)
const FIRMWARE: BootClient = { stage: 'firmware', via: 'tftp', architecture: 'x64-uefi' }
const IPXE: BootClient = { stage: 'ipxe', architecture: 'x64-uefi' }
const INSTALLER: BootClient = { stage: 'installer' }
const SYSTEM: BootClient = { stage: 'system' }

const client = (boot: BootClient, mac: Mac = NODE1, uuid?: string): DhcpClient => ({
  mac,
  boot,
  ...(uuid ? { uuid } : {}),
})

async function open(site = siteOf(), loaders = ['undionly.kpxe', 'snponly.efi']) {
  const rig = await Fleet.open(site)
  const dhcp = registryFleet({
    registry: rig.registry,
    site,
    urls: urlsOf(site),
    fingerprint: () => FINGERPRINT,
    loaders: new Set(loaders),
    clock: rig.clock,
  })
  const approve = async (): Promise<AttemptId> => {
    const attempt = await rig.registry.startAttempt(rig.machine(NODE1), { by: 'operator', again: false })
    if (typeof attempt !== 'string') throw new Error(attempt.message)
    return attempt
  }
  return { rig, dhcp, approve }
}

test('a machine whose entry says so loads shim, and what is not listed what the site says', async () => {
  const signed = ['undionly.kpxe', 'snponly.efi', 'shimx64.efi.signed', 'grubnetx64.efi.signed']
  const { dhcp } = await open(siteOf(`${LISTED}loader = "grub"\n`), signed)
  expect(dhcp.view(client(FIRMWARE)).plan).toMatchObject({ loader: 'grub/shimx64.efi' })
  expect(dhcp.view(client(FIRMWARE, STRANGER)).plan).toMatchObject({ loader: 'snponly.efi' })
})

describe('who becomes known', () => {
  test('whoever boots from the network, at once', async () => {
    const { rig, dhcp } = await open()
    const uuid = '4c4c4544-004b-3210-8051-b7c04f583933'
    expect(dhcp.view(client(FIRMWARE, STRANGER, uuid)).plan).toEqual({ do: 'load', loader: 'snponly.efi', via: 'tftp' })
    expect(rig.machine(STRANGER)).toMatchObject({ state: 'held', uuid })
  })

  test('a laptop that only wants an address does not', async () => {
    const { rig, dhcp } = await open()
    expect(dhcp.view(client(SYSTEM, STRANGER))).toEqual({ plan: { do: 'nothing', reason: 'not-booting' } })
    expect(rig.registry.byMac(STRANGER)).toBeUndefined()
  })

  test('a store that fails is no reason to leave firmware without an answer', async () => {
    const { rig, dhcp } = await open()
    rig.store.broken = new Error('disk full')
    expect(dhcp.view(client(FIRMWARE, STRANGER)).plan.do).toBe('load')
    await expect.poll(() => rig.log.of('error')).toEqual(['error an event could not be kept'])
  })
})

describe('name and address', () => {
  test('a listed machine has its own, in every stage', async () => {
    const { dhcp } = await open()
    for (const boot of [FIRMWARE, IPXE, INSTALLER, SYSTEM])
      expect(dhcp.view(client(boot))).toMatchObject({ hostName: 'node1', reservation: ADDRESS })
  })

  test('nobody else is given it', async () => {
    const { dhcp } = await open()
    expect([dhcp.reservedFor(ADDRESS), dhcp.reservedFor('10.77.0.12' as Ipv4)]).toEqual([
      { macs: [NODE1], keys: [] },
      undefined,
    ])
  })
})

describe('H24 option 250', () => {
  test('from the boot script on until the report, and to this machine only', async () => {
    const { rig, dhcp, approve } = await open()
    const nothing = { do: 'nothing', reason: 'no-answer-due' }
    expect(dhcp.view(client(INSTALLER)).plan).toEqual(nothing)
    const attempt = await approve()
    expect(dhcp.view(client(INSTALLER)).plan).toEqual(nothing)
    await rig.happen(NODE1, { type: 'script-served', attempt, address: ADDRESS, resumed: false })
    const url = `https://10.77.0.1/answer/${rig.registry.token(attempt, 'answer')}`
    expect(dhcp.view(client(INSTALLER)).plan).toEqual({ do: 'answer', url, fingerprint: FINGERPRINT })
    expect([dhcp.view(client(INSTALLER, NODE2)).plan, dhcp.view(client(SYSTEM)).plan]).toEqual([
      nothing,
      { do: 'nothing', reason: 'not-booting' },
    ])
    await rig.happen(
      NODE1,
      { type: 'answer-served', attempt, address: ADDRESS, layers: [], sha256: '', leftOut: [], withToken: true },
      { type: 'reported', attempt, installed: {} },
    )
    expect(dhcp.view(client(INSTALLER)).plan).toEqual(nothing)
  })

  test('not at all where the site says so', async () => {
    const base = WITH_PROFILE.replace('[[dhcp.subnet]]', '[dhcp]\nanswer-options = false\n[[dhcp.subnet]]')
    const { rig, dhcp, approve } = await open(siteOf(LISTED, base))
    const attempt = await approve()
    await rig.happen(NODE1, { type: 'script-served', attempt, address: ADDRESS, resumed: false })
    expect(dhcp.view(client(INSTALLER)).plan).toEqual({ do: 'nothing', reason: 'no-answer-due' })
  })
})

test.each<[string, string, Mac, 'blocked' | 'ignored']>([
  ['a blocked machine', '', NODE1, 'blocked'],
  ['a machine that is not listed, where those are ignored', '[boot]\nunknown = "ignore"\n', STRANGER, 'ignored'],
])('C16 %s hears nothing', async (_, more, mac, reason) => {
  const { rig, dhcp } = await open(siteOf(`${LISTED}${more}`))
  if (reason === 'blocked') await rig.happen(mac, { type: 'blocked' })
  for (const boot of [FIRMWARE, IPXE]) expect(dhcp.view(client(boot, mac)).plan).toEqual({ do: 'silence', reason })
})

describe('what comes to the timeline', () => {
  test('an address with its stage and loader; what was only offered, refused or silent is not an event', async () => {
    const { rig, dhcp } = await open()
    const plan = dhcp.view(client(FIRMWARE)).plan
    dhcp.tell({ fact: 'offered', client: client(FIRMWARE), address: ADDRESS, plan })
    dhcp.tell({ fact: 'refused', client: client(FIRMWARE), reason: 'x' })
    dhcp.tell({ fact: 'silent', client: client(FIRMWARE), reason: 'x' })
    dhcp.tell({ fact: 'acknowledged', client: client(FIRMWARE), address: ADDRESS, plan })
    await expect.poll(() => rig.store.typesOf(NODE1)).toEqual(['sighted', 'leased'])
    expect(JSON.parse(rig.store.rows.at(-1)!.body)).toEqual({
      type: 'leased',
      address: ADDRESS,
      stage: 'firmware',
      loader: 'snponly.efi',
    })
  })

  test('a system that renews every half hour is one line', async () => {
    const { rig, dhcp } = await open()
    const plan = { do: 'nothing', reason: 'not-booting' } as const
    for (let n = 0; n < 5; n++) dhcp.tell({ fact: 'acknowledged', client: client(SYSTEM), address: ADDRESS, plan })
    await expect.poll(() => rig.store.typesOf(NODE1)).toEqual(['sighted', 'leased'])
    dhcp.tell({ fact: 'acknowledged', client: client(SYSTEM), address: '10.77.0.100' as Ipv4, plan })
    await expect.poll(() => rig.store.typesOf(NODE1)).toEqual(['sighted', 'leased', 'leased'])
  })

  test('what a proxy told it to boot, once a boot however often it asks', async () => {
    const { rig, dhcp } = await open()
    const tell = (boot: BootClient): void =>
      dhcp.tell({ fact: 'boot-told', client: client(boot), plan: dhcp.view(client(boot)).plan })
    for (const boot of [FIRMWARE, FIRMWARE, FIRMWARE, IPXE, IPXE]) {
      rig.clock.advance(4000)
      tell(boot)
    }
    await expect.poll(() => rig.store.typesOf(NODE1)).toEqual(['sighted', 'boot-told', 'boot-told'])
    expect(rig.store.rows.slice(-2).map(({ body }) => JSON.parse(body))).toEqual([
      { type: 'boot-told', stage: 'firmware', loader: 'snponly.efi' },
      { type: 'boot-told', stage: 'ipxe' },
    ])
    // The same stage again: after something else happened, or after a minute, it is another boot.
    await rig.happen(NODE1, { type: 'local-disk-told' })
    rig.clock.advance(1)
    tell(IPXE)
    rig.clock.advance(60_000)
    tell(IPXE)
    await expect.poll(() => rig.store.typesOf(NODE1).length).toBe(6)
  })

  test('a question is a sign of life, no event', async () => {
    const { rig, dhcp } = await open()
    rig.clock.advance(60_000)
    dhcp.view(client(FIRMWARE))
    expect([rig.registry.heardAt(rig.machine(NODE1)), rig.store.rows.length]).toEqual([rig.clock.now(), 1])
  })
})

test('C13 T17 who goes before strangers: what the site lists by MAC and what somebody approved, not what says a UUID or fits a rule', async () => {
  const uuid = '4c4c4544-004b-3210-8051-b7c04f583933'
  const more = `${LISTED}uuid = "${uuid}"
[[rule]]
when = { mac = "bc:*" }
profile = "pve"
[[dhcp.reservation]]
address = "10.77.0.20"
mac = "bc:24:11:00:00:20"
[[dhcp.reservation]]
address = "10.77.0.21"
client-id = "0x0102"
`
  const { rig, dhcp } = await open(siteOf(more))
  const isListed = (client: DhcpClient): boolean => dhcp.view(client).isListed === true
  const another = 'bc:24:11:00:00:99' as Mac
  expect([client(FIRMWARE), client(SYSTEM), client(SYSTEM, 'bc:24:11:00:00:20' as Mac)].map(isListed)).toEqual([
    true,
    true,
    true,
  ])
  const invented = [client(FIRMWARE, another), client(FIRMWARE, another, uuid), client(SYSTEM, another, uuid)]
  expect([...invented, { ...client(SYSTEM, another), clientId: '0102' }].map(isListed)).toEqual([
    false,
    false,
    false,
    false,
  ])
  await rig.registry.startAttempt(rig.machine(another), { by: 'operator', again: false })
  expect(isListed(client(FIRMWARE, another))).toBe(true)
})

test('C13 invented MACs do not fill the fleet for ever, and whoever stands beyond the bound still boots its disk', async () => {
  const { rig, dhcp } = await open()
  const invented = (index: number): Mac =>
    `02:00:00:00:${(index >> 8).toString(16).padStart(2, '0')}:${(index & 255).toString(16).padStart(2, '0')}` as Mac
  for (let index = 0; index < STRANGERS_MOST + 50; index++) dhcp.view(client(FIRMWARE, invented(index)))
  expect(rig.registry.machines()).toHaveLength(STRANGERS_MOST + 1)
  expect(dhcp.view(client(IPXE, invented(STRANGERS_MOST + 9))).plan.do).toBe('script')
  expect(dhcp.view(client(INSTALLER, invented(STRANGERS_MOST + 9))).plan).toEqual({
    do: 'nothing',
    reason: 'no-answer-due',
  })
  // The machines of the site file are not pushed out.
  expect(dhcp.view(client(FIRMWARE)).hostName).toBe('node1')
})

test('an installer that nobody knows is no second machine: it may be the other NIC of one', async () => {
  const { rig, dhcp } = await open()
  expect(dhcp.view(client(INSTALLER, STRANGER)).plan).toEqual({ do: 'nothing', reason: 'no-answer-due' })
  expect(rig.registry.byMac(STRANGER)).toBeUndefined()
})

test('a stranger whom the site ignores hears nothing, remembered or not, and a laptop gets its address', async () => {
  const { dhcp } = await open(siteOf(`${LISTED}[boot]\nunknown = "ignore"\n`))
  const ignored = { do: 'silence', reason: 'ignored' }
  expect(dhcp.view(client(INSTALLER, STRANGER)).plan).toEqual(ignored)
  expect(dhcp.view(client(FIRMWARE, STRANGER)).plan).toEqual(ignored)
  expect(dhcp.view(client(SYSTEM, '02:00:00:00:00:01' as Mac)).plan).toEqual({ do: 'nothing', reason: 'not-booting' })
})
