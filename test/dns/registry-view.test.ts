import { describe, expect, test } from 'vitest'
import { urlsOf } from '../../services/boot/urls.ts'
import { newBudget } from '../../services/kit/budget.ts'
import { registryDnsView } from '../../services/dns/registry-view.ts'
import { DEFAULT_BUDGET, type Resolved, resolve } from '../../services/dns/resolver.ts'
import { buildZones } from '../../services/dns/zone.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { AttemptId } from '../../services/machine/event.ts'
import type { Site } from '../../services/site/types.ts'
import type { LeaseRecord } from '../../services/store/types.ts'
import { Fleet, LISTED, NODE1, NODE2, siteOf, STRANGER } from '../machine/rig.ts'
import { ask, context, read, TYPES } from './rig.ts'

const HERE = '10.77.0.11' as Ipv4
const POOL = '10.77.0.100' as Ipv4
const FINGERPRINT = 'AB'.repeat(32)
const PROXY = `[site]
domain = "rack.test"
[network]
interface = "eth1"
address = "10.77.0.1/24"
[dhcp]
mode = "proxy"
[[profile]]
name = "pve"
iso = "pve:latest"
`

const RULE = '[[rule]]\nwhen = { "mac" = "bc:24:11:*" }\nprofile = "pve"\nname = "Rack-{{index}}"\n'

async function open(site = siteOf(`${LISTED.replace('"node1"', '"Node1"')}${RULE}`)) {
  const fleet = await Fleet.open(site)
  const leases = new Map<Ipv4, Mac>([[HERE, NODE1]])
  const leaseOf = (mac: Mac): LeaseRecord | undefined => {
    const address = [...leases].find(([, holder]) => holder === mac)?.[0]
    return address && { address, mac, state: 'bound', boundAt: 0, expiresAt: 1 }
  }
  const urls = urlsOf(site)
  const view = registryDnsView({
    registry: fleet.registry,
    site,
    urls,
    fingerprint: () => FINGERPRINT,
    macAt: address => leases.get(address),
    leaseOf,
  })
  return { fleet, leases, view, urls }
}

async function approve(fleet: Fleet): Promise<AttemptId> {
  const attempt = await fleet.registry.startAttempt(fleet.machine(NODE1), { by: 'operator', again: false })
  if (typeof attempt !== 'string') throw new Error(attempt.message)
  return attempt
}

describe('names of machines', () => {
  test('J08 a name that was written with capitals is found, however it is asked for', async () => {
    const { view } = await open()
    const domain = 'rack.test'
    const zones = buildZones({
      domain,
      records: [],
      prefixes: [],
      serverName: 'ns',
      serverAddress: '10.77.0.1' as Ipv4,
      serial: 1,
    })
    for (const name of ['node1.rack.test', 'Node1.rack.test', 'NODE1.RACK.TEST']) {
      const where = { ...context({ view }), domain, zones }
      const { bytes } = resolve(
        { context: where, budget: newBudget(DEFAULT_BUDGET) },
        ask({ name, type: TYPES.A }),
        HERE,
        false,
        0,
      ) as Resolved
      expect(read(bytes!).answers).toEqual([`${name}. 300 A 10.77.0.11`])
    }
  })

  test('a reservation has its name for as long as the site says so, and a machine of that address before it', async () => {
    const reservation = `[[dhcp.reservation]]\naddress = "${POOL}"\nclient-id = "lathe"\nname = "Lathe"\n`
    const { fleet, leases, view } = await open(siteOf(`${LISTED}${RULE}${reservation}`))
    expect([view.addressOf('lathe.rack.test'), view.nameOf(POOL)]).toEqual([POOL, 'lathe.rack.test'])
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    leases.set(POOL, STRANGER)
    expect([view.addressOf('lathe.rack.test'), view.nameOf(POOL)]).toEqual([POOL, 'rack-1.rack.test'])
    const { view: other } = await open()
    expect([other.addressOf('lathe.rack.test'), other.nameOf(POOL)]).toEqual([undefined, undefined])
  })

  test('a name that a rule gave, with capitals', async () => {
    const { fleet, leases, view } = await open()
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    leases.set(POOL, STRANGER)
    expect([view.addressOf('rack-1.rack.test'), view.nameOf(POOL)]).toEqual([POOL, 'rack-1.rack.test'])
  })

  test.each<[string, [Ipv4, Mac][], Ipv4 | undefined]>([
    ['a lease says where it is', [[POOL, NODE1]], POOL],
    ['without a lease its reservation does', [], HERE],
    ['its reservation holds while another machine’s lease ends elsewhere', [[POOL, NODE2]], HERE],
  ])('%s', async (_, held, address) => {
    const { leases, view } = await open()
    leases.clear()
    for (const [at, mac] of held) leases.set(at, mac)
    expect(view.addressOf('node1.rack.test')).toBe(address)
  })

  test('J33 without lease and reservation the name is gone', async () => {
    const { fleet, leases, view } = await open()
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    leases.set(POOL, STRANGER)
    expect(view.addressOf('rack-1.rack.test')).toBe(POOL)
    leases.delete(POOL)
    expect([view.addressOf('rack-1.rack.test'), view.nameOf(POOL)]).toEqual([undefined, undefined])
  })

  test.each<[string, [Ipv4, Mac][], Ipv4, string | undefined]>([
    ['who holds the lease', [[POOL, NODE1]], POOL, 'node1.rack.test'],
    ['whose reservation it is', [], HERE, 'node1.rack.test'],
    ['a laptop that nobody knows', [[POOL, STRANGER]], POOL, undefined],
    ['a laptop on the reservation of a machine that is off', [[HERE, STRANGER]], HERE, undefined],
  ])('an address: %s', async (_, held, address, name) => {
    const { leases, view } = await open()
    leases.clear()
    for (const [at, mac] of held) leases.set(at, mac)
    expect(view.nameOf(address)).toBe(name)
  })
})

describe('a finished machine', () => {
  async function finished(installed: { fqdn?: string; address?: string }, site?: Site) {
    const all = await open(site)
    const attempt = await approve(all.fleet)
    await all.fleet.happen(
      NODE1,
      { type: 'script-served', attempt, address: HERE, resumed: false },
      { type: 'answer-served', attempt, address: HERE, layers: [], sha256: '', leftOut: [], withToken: true },
      { type: 'reported', attempt, installed },
    )
    return all
  }

  test('is found by the name that it reported and by the one that the site gives, where it said it is', async () => {
    const { view } = await finished({ fqdn: 'PVE1.rack.test', address: '10.77.0.44/24' })
    const there = '10.77.0.44' as Ipv4
    expect([view.addressOf('pve1.rack.test'), view.addressOf('node1.rack.test')]).toEqual([there, there])
    expect([view.nameOf(there), view.nameOf(HERE)]).toEqual(['pve1.rack.test', 'pve1.rack.test'])
  })

  test('has no address of ours under a foreign domain, but its address has that name', async () => {
    const { view } = await finished({ fqdn: 'pve1.example.com', address: '10.77.0.44' })
    expect([view.addressOf('pve1.example.com'), view.nameOf('10.77.0.44' as Ipv4)]).toEqual([
      undefined,
      'pve1.example.com',
    ])
  })

  test('T20 that was forgotten has lost the name that it reported and the one of its rule; what the site lists stays', async () => {
    const { fleet, leases, view } = await finished({ fqdn: 'pve1.rack.test', address: '10.77.0.44/24' })
    await fleet.registry.sight({ macs: ['bc:24:11:00:00:99' as Mac] }, 'dhcp')
    leases.set(POOL, 'bc:24:11:00:00:99' as Mac)
    const there = '10.77.0.44' as Ipv4
    expect([view.addressOf('pve1.rack.test'), view.addressOf('rack-1.rack.test')]).toEqual([there, POOL])
    for (const mac of [NODE1, 'bc:24:11:00:00:99' as Mac]) await fleet.registry.forget(fleet.machine(mac), 'anna')
    leases.clear()
    expect([view.addressOf('pve1.rack.test'), view.addressOf('rack-1.rack.test'), view.nameOf(there)]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
    // Its entry in the site file is the operator's: name and reservation go when that goes.
    expect(view.addressOf('node1.rack.test')).toBe(HERE)
  })

  test('is where its lease is if it did not say', async () => {
    const { view, leases } = await finished({ fqdn: 'pve1.rack.test' })
    leases.clear()
    leases.set(POOL, NODE1)
    expect(view.addressOf('pve1.rack.test')).toBe(POOL)
  })

  test.each(['pve_1.rack.test', '-.rack.test', 'pve1', '', 'a..rack.test', `${'a'.repeat(64)}.rack.test`])(
    'J32 the report %j makes no name',
    async fqdn => {
      const { view } = await finished({ fqdn, address: '10.77.0.44' })
      expect([view.addressOf(fqdn), view.nameOf('10.77.0.44' as Ipv4)]).toEqual([undefined, 'node1.rack.test'])
    },
  )

  test('takes nobody’s name: what the site calls a machine goes first', async () => {
    const { fleet, view, leases } = await finished({ fqdn: 'rack-1.rack.test', address: '10.77.0.44' })
    await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
    leases.set(POOL, STRANGER)
    expect(view.addressOf('rack-1.rack.test')).toBe(POOL)
  })

  test('takes no name that the site reserves an address for', async () => {
    const reservation = '[[dhcp.reservation]]\naddress = "10.77.0.31"\nclient-id = "printer"\nname = "printer"\n'
    const site = siteOf(`${LISTED}${reservation}`)
    const { view } = await finished({ fqdn: 'printer.rack.test', address: '10.77.0.44' }, site)
    expect(view.addressOf('printer.rack.test')).toBe('10.77.0.31')
  })

  test('that is installed again under another name is no longer found by the old one', async () => {
    const { fleet, view } = await finished({ fqdn: 'pve1.rack.test', address: '10.77.0.44' })
    expect(view.addressOf('pve1.rack.test')).toBe('10.77.0.44')
    await fleet.registry.startAttempt(fleet.machine(NODE1), { by: 'operator', again: true })
    expect([view.addressOf('pve1.rack.test'), view.addressOf('node1.rack.test')]).toEqual([undefined, HERE])
  })

  test('with a name of several labels makes the names above it exist', async () => {
    const { view } = await finished({ fqdn: 'a.b.c.rack.test', address: '10.77.0.44' })
    expect(
      ['b.c.rack.test', 'c.rack.test', 'rack.test', 'test', 'a.b.c.rack.test'].map(name => view.isAbove(name)),
    ).toEqual([true, true, false, false, false])
  })
})

describe('H26 where the answer is: what option 250 says, or nothing', () => {
  test('from the boot script on until the report, to the machine’s own lease', async () => {
    const { fleet, leases, view, urls } = await open()
    leases.set(POOL, STRANGER)
    expect(view.answerFor(HERE)).toBeUndefined()
    const attempt = await approve(fleet)
    expect(view.answerFor(HERE)).toBeUndefined()
    await fleet.happen(NODE1, { type: 'script-served', attempt, address: HERE, resumed: false })
    const url = urls.answer(fleet.registry.token(attempt, 'answer'))
    expect([view.answerFor(HERE), view.answerFor(POOL), view.answerFor('10.77.0.77' as Ipv4)]).toEqual([
      { url, fingerprint: FINGERPRINT },
      undefined,
      undefined,
    ])
    await fleet.happen(
      NODE1,
      { type: 'answer-served', attempt, address: HERE, layers: [], sha256: '', leftOut: [], withToken: true },
      { type: 'reported', attempt, installed: {} },
    )
    expect(view.answerFor(HERE)).toBeUndefined()
  })

  test('is on the timeline once for an attempt, however often dig asks', async () => {
    const { fleet, view } = await open()
    const attempt = await approve(fleet)
    await fleet.happen(NODE1, { type: 'script-served', attempt, address: HERE, resumed: false })
    for (let n = 0; n < 6; n++) view.answerFor(HERE)
    await expect.poll(() => fleet.store.typesOf(NODE1).filter(type => type === 'answer-looked-up')).toHaveLength(1)
  })

  test('a store that fails costs the line on the timeline, not the answer', async () => {
    const { fleet, view } = await open()
    const attempt = await approve(fleet)
    await fleet.happen(NODE1, { type: 'script-served', attempt, address: HERE, resumed: false })
    fleet.store.broken = new Error('disk full')
    expect(view.answerFor(HERE)).toBeDefined()
    await expect.poll(() => fleet.log.of('error')).toEqual(['error an event could not be kept'])
  })

  test('where another server gives addresses, with the token to who stands there, without it to everybody else', async () => {
    const { view, fleet, urls } = await open(siteOf(LISTED, PROXY))
    const tokenless = { url: 'https://10.77.0.1/answer', fingerprint: FINGERPRINT }
    expect([view.answerFor(HERE), view.answerFor('10.77.0.77' as Ipv4)]).toEqual([tokenless, tokenless])
    const attempt = await approve(fleet)
    await fleet.happen(NODE1, { type: 'script-served', attempt, address: HERE, resumed: false })
    const url = urls.answer(fleet.registry.token(attempt, 'answer'))
    expect(view.answerFor(HERE)).toEqual({ url, fingerprint: FINGERPRINT })
    expect(view.answerFor('10.77.0.77' as Ipv4)).toEqual(tokenless)
  })
})
