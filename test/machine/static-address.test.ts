/** An address that an installer wrote into the installed system is that machine's, through restarts and changes of the site file. */
import { expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Fact } from '../../services/machine/event.ts'
import { Fleet, LISTED, NODE2, siteOf, STRANGER } from './rig.ts'

const POOL = '10.77.0.100' as Ipv4
const RULE = '[[rule]]\nwhen = { "mac" = "bc:24:11:*" }\nprofile = "pve"\n'

/** A machine that the site knows by a rule only, installed from DHCP. */
async function installed(more = ''): Promise<Fleet> {
  const fleet = await Fleet.open(siteOf(`${RULE}${more}`))
  await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
  const attempt = await fleet.registry.startAttempt(fleet.machine(STRANGER), { by: 'operator', again: false })
  if (typeof attempt !== 'string') throw new Error(attempt.message)
  const served = { attempt, address: POOL, layers: [], sha256: '', leftOut: [], withToken: true }
  const facts: Fact[] = [
    { type: 'script-served', attempt, address: POOL, resumed: false },
    { type: 'answer-served', ...served, staticOn: STRANGER },
    { type: 'reported', attempt, installed: {} },
  ]
  await fleet.happen(STRANGER, ...facts)
  return fleet
}

const stateOf = ({ registry }: Fleet) => {
  const machine = registry.byMac(STRANGER)!
  return [registry.listing(machine).address, registry.byStaticAddress(POOL)?.id]
}

test('it is the machine’s own, for the site and for who asks by address, before and after a restart', async () => {
  const fleet = await installed()
  expect(stateOf(fleet)).toEqual([POOL, STRANGER])
  await fleet.restart()
  expect(stateOf(fleet)).toEqual([POOL, STRANGER])
  expect(fleet.registry.find(POOL).map(({ id }) => id)).toEqual([STRANGER])
})

test('it is no longer when its fact could not be kept', async () => {
  const fleet = await Fleet.open(siteOf(RULE))
  await fleet.registry.sight({ macs: [STRANGER] }, 'dhcp')
  await fleet.registry.startAttempt(fleet.machine(STRANGER), { by: 'operator', again: false })
  const attempt = fleet.machine(STRANGER).attempt!.id
  const served = { attempt, address: POOL, layers: [], sha256: '', leftOut: [], withToken: true }
  fleet.store.broken = new Error('disk full')
  const fact: Fact = { type: 'answer-served', ...served, staticOn: STRANGER }
  await expect(fleet.registry.record(STRANGER as never, fact, 'answer')).rejects.toThrow('disk full')
  expect(stateOf(fleet)).toEqual([undefined, undefined])
})

test('the site gives the machine another address: that counts, with a warning and a line on the timeline', async () => {
  const fleet = await installed()
  const entry = `[[machine]]\nname = "node7"\nmac = ["${STRANGER}"]\naddress = "10.77.0.77"\nprofile = "pve"\n`
  await fleet.restart(siteOf(`${RULE}${entry}`))
  expect(stateOf(fleet)).toEqual(['10.77.0.77', undefined])
  expect(fleet.log.of('warn')).toEqual([
    'warn 10.77.0.100 is no longer reserved for the installed system, which uses it until it is changed or reinstalled: the site gives it 10.77.0.77',
  ])
  expect(fleet.store.typesOf(STRANGER).at(-1)).toBe('address-given-up')
  await fleet.restart()
  expect(fleet.store.typesOf(STRANGER).filter(type => type === 'address-given-up')).toHaveLength(1)
})

test('the site gives it the same address: nothing changes', async () => {
  const fleet = await installed()
  await fleet.restart(siteOf(`${RULE}[[dhcp.reservation]]\naddress = "${POOL}"\nmac = "${STRANGER}"\n`))
  expect(stateOf(fleet)).toEqual([POOL, STRANGER])
  expect(fleet.log.of('warn')).toEqual([])
})

test.each([
  ['another machine', LISTED.replace('10.77.0.11', POOL), 'node1'],
  ['a reservation', `[[dhcp.reservation]]\naddress = "${POOL}"\nmac = "${NODE2}"\n`, `mac ${NODE2}`],
  ['a named one', `[[dhcp.reservation]]\naddress = "${POOL}"\nclient-id = "x"\nname = "lathe"\n`, 'lathe'],
])('the site gives the address to %s: it stays where it is used, with a warning', async (_, more, who) => {
  const fleet = await installed()
  await fleet.restart(siteOf(`${RULE}${more}`))
  expect(stateOf(fleet)).toEqual([POOL, STRANGER])
  expect(fleet.log.of('warn')).toEqual([`warn ${who} does not get 10.77.0.100: an installed system has it as static`])
})
