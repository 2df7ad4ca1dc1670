/** From an answer with network `from-dhcp` on, the lease is the machine's for good: the installer writes it down as static. */
import { describe, expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { NODE2, siteOf, STRANGER } from '../machine/rig.ts'
import { WITH_PROFILE } from '../site/sites.ts'
import { BIOS, dhcp, INSTALLER, IPXE, NODE3, type Said } from './messages.ts'
import { SiteBench } from './site-bench.ts'

const HOUR = 3_600_000
const POOL = '10.77.0.100' as Ipv4
/** A pool of two. */
const SMALL = WITH_PROFILE.replace('10.77.0.199', '10.77.0.101')
const RULE = '[[rule]]\nwhen = { "mac" = "bc:24:11:*" }\nprofile = "pve"\n'
const system = { asks: [1, 3, 6] }

async function installed(isFromDhcp = true): Promise<SiteBench> {
  const bench = await SiteBench.open(siteOf(RULE, SMALL))
  const said: Said = { mac: STRANGER }
  expect(bench.boot({ ...BIOS, ...said })).toBe(`ack from-pool ${POOL}`)
  const { registry } = bench.rig
  const attempt = await registry.startAttempt(bench.rig.machine(STRANGER), { by: 'operator', again: false })
  if (typeof attempt !== 'string') throw new Error(attempt.message)
  expect(bench.boot({ ...IPXE, ...said })).toBe(`ack current-lease ${POOL}`)
  const served = { attempt, address: POOL, layers: [], sha256: '', leftOut: [], withToken: true }
  await bench.rig.happen(STRANGER, { type: 'script-served', attempt, address: POOL, resumed: false })
  expect(bench.boot({ asks: [...INSTALLER.asks], ...said })).toBe(`ack current-lease ${POOL}`)
  await bench.rig.happen(
    STRANGER,
    { type: 'answer-served', ...served, ...(isFromDhcp ? { staticOn: STRANGER } : {}) },
    { type: 'reported', attempt, installed: {} },
  )
  return bench
}

/** What another machine gets, whatever it tries. */
const tries = (bench: SiteBench, mac = NODE2): string[] => [
  bench.outcome('discover', { mac, wants: POOL }),
  bench.outcome('request', { mac, wants: POOL }),
  bench.outcome('request', { mac, wants: POOL, server: '10.77.0.1' }),
  bench.outcome('request', { mac, ciaddr: POOL }),
]
const NOTHING = [
  'offer from-pool 10.77.0.101',
  `nak reserved-for-another ${POOL}`,
  `nak reserved-for-another ${POOL}`,
  `nak reserved-for-another ${POOL}`,
]

describe('C02 the lease ends, the installed system is silent for months', () => {
  test('and nobody else gets the address, also when the pool is empty', async () => {
    const bench = await installed()
    bench.rig.clock.advance(90 * 24 * HOUR)
    expect(tries(bench)).toEqual(NOTHING)
    expect(bench.boot({ mac: NODE2 })).toBe('ack repeated-discover 10.77.0.101')
    expect(bench.outcome('discover', { mac: NODE3 })).toBe('silence pool-exhausted')
  })

  test('and it counts among what the pool cannot give', async () => {
    const bench = await installed()
    bench.rig.clock.advance(90 * 24 * HOUR)
    expect([...bench.fleet.reserved()]).toEqual([POOL])
    expect(bench.table.counts(bench.now, bench.fleet.reserved())[0]).toMatchObject({ poolSize: 2, poolTaken: 1 })
  })

  test('after a restart, too', async () => {
    const bench = await installed()
    bench.rig.clock.advance(90 * 24 * HOUR)
    await bench.restart()
    expect(tries(bench)).toEqual(NOTHING)
  })

  test('and it is still its own when it boots from the network again', async () => {
    const bench = await installed()
    bench.rig.clock.advance(90 * 24 * HOUR)
    expect([BIOS, IPXE, system].map(said => bench.boot({ ...said, mac: STRANGER }))).toEqual([
      `ack reservation ${POOL}`,
      `ack reservation ${POOL}`,
      `ack reservation ${POOL}`,
    ])
  })

  test('also after the machine itself gave its lease back', async () => {
    const bench = await installed()
    bench.decide(dhcp('release', { mac: STRANGER, ciaddr: POOL }))
    expect(tries(bench)).toEqual(NOTHING)
  })

  test('where the answer names the address itself, the lease is one like others', async () => {
    const bench = await installed(false)
    bench.rig.clock.advance(90 * 24 * HOUR)
    expect(bench.outcome('discover', { mac: NODE2, wants: POOL })).toBe(`offer requested-address ${POOL}`)
  })

  test('and who gives it up gives it to everybody', async () => {
    const bench = await installed()
    bench.rig.clock.advance(90 * 24 * HOUR)
    await bench.rig.happen(STRANGER, { type: 'address-given-up', address: POOL, reason: 'x' })
    expect(bench.outcome('discover', { mac: NODE2, wants: POOL })).toBe(`offer requested-address ${POOL}`)
  })
})

test('the site reserves the address for another machine: neither that one nor anybody else gets it', async () => {
  const bench = await installed()
  const entry = `[[machine]]\nname = "node2"\nmac = ["${NODE2}"]\naddress = "${POOL}"\nprofile = "pve"\n`
  await bench.restart(siteOf(`${RULE}${entry}`, SMALL))
  bench.rig.clock.advance(90 * 24 * HOUR)
  expect(tries(bench)).toEqual(NOTHING)
  expect(tries(bench, NODE3).slice(1)).toEqual(NOTHING.slice(1))
})

test('a reservation by client identifier is not stronger than an installed system', async () => {
  const bench = await installed()
  await bench.restart(siteOf(`${RULE}[[dhcp.reservation]]\naddress = "${POOL}"\nclient-id = "lathe"\n`, SMALL))
  const said = { mac: NODE2, clientId: Uint8Array.from(Buffer.from('lathe')) }
  expect(bench.boot(said)).toBe('ack from-pool 10.77.0.101')
})

describe('a second NIC of the machine', () => {
  const SECOND = 'bc:24:11:ab:12:9a' as Mac
  const open = async (): Promise<SiteBench> => {
    const bench = await installed()
    await bench.rig.happen(STRANGER, { type: 'sighted', macs: [SECOND] })
    bench.rig.clock.advance(90 * 24 * HOUR)
    return bench
  }

  test('gets another address for the running system, which has its own on the first', async () => {
    const bench = await open()
    expect(tries(bench, SECOND)).toEqual(NOTHING)
    expect(bench.boot({ ...system, mac: SECOND })).toBe('ack repeated-discover 10.77.0.101')
  })

  test('boots from the network with the machine’s address, so that another installation keeps it', async () => {
    const bench = await open()
    expect([BIOS, IPXE].map(said => bench.boot({ ...said, mac: SECOND }))).toEqual([
      `ack reservation ${POOL}`,
      `ack reservation ${POOL}`,
    ])
    expect(bench.boot({ ...system, mac: SECOND })).toBe('ack from-pool 10.77.0.101')
  })
})
