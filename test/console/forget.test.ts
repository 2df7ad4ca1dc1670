/** T20: what stands between a machine and being forgotten, and what is free after that. */
import { expect, test } from 'vitest'
import { addForgetApi } from '../../services/console/forget-api.ts'
import { localForgetting } from '../../services/console/forget.ts'
import { storedLeases } from '../../services/console/leases.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { MemoryStore } from '../dhcp/rig.ts'
import { Fleet, NODE1, NODE2, siteOf } from '../machine/rig.ts'
import { socketApp } from './rig.ts'

async function rig() {
  const fleet = await Fleet.open(siteOf())
  const store = new MemoryStore()
  const leases = storedLeases(store, fleet.clock)
  const desk = localForgetting({ registry: fleet.registry, leases }, async () => {})
  return { fleet, store, desk }
}

test('T20 its leases go, those of others stay, and it is there as never seen', async () => {
  const { fleet, store, desk } = await rig()
  const lease = (address: string, mac: typeof NODE1) =>
    store.put({ address: address as Ipv4, mac, state: 'bound', boundAt: 1, expiresAt: 2 })
  await Promise.all([lease('10.77.0.11', NODE1), lease('10.77.0.12', NODE2)])
  expect(await desk.forget('node1', { who: 'anna', force: false })).toEqual({
    ...{ id: NODE1, name: 'node1', macs: [NODE1], addresses: ['10.77.0.11'] },
  })
  expect([...store.records.keys()]).toEqual(['10.77.0.12'])
  expect(fleet.machine(NODE1)).toMatchObject({ state: 'held', returned: true })
})

test('T20 not while an installation is under way, and not where it is blocked, unless by force', async () => {
  const { fleet, desk } = await rig()
  const forget = (force: boolean) => desk.forget('node1', { who: 'anna', force })
  await fleet.registry.startAttempt(fleet.machine(NODE1), { by: 'operator', again: false })
  expect(await forget(false)).toMatchObject({ code: 'attempt-open' })
  await fleet.registry.record(fleet.machine(NODE1).id, { type: 'blocked' }, 'operator')
  expect(await forget(false)).toMatchObject({ code: 'machine-blocked' })
  expect(fleet.machine(NODE1).state).toBe('blocked')
  expect(await forget(true)).toMatchObject({ name: 'node1' })
  expect(fleet.machine(NODE1).state).toBe('held')
})

test('what cannot be written is said, and nothing is forgotten', async () => {
  const { fleet, desk } = await rig()
  fleet.store.broken = new Error('disk full')
  expect(await desk.forget('node1', { who: 'anna', force: false })).toMatchObject({ code: 'store-failed' })
  expect(fleet.machine(NODE1).returned).toBeUndefined()
})

test('through the API, by the name of who asks', async () => {
  const { fleet, desk } = await rig()
  const app = await socketApp(fleet.log)
  addForgetApi(app, desk)
  const headers = { 'rackrise-user': 'anna' }
  const unknown = await app.inject({ method: 'POST', url: '/api/v1/machines/node9/forget', headers })
  const forgotten = await app.inject({ method: 'POST', url: '/api/v1/machines/node1/forget', headers })
  await app.close()
  expect([unknown.statusCode, forgotten.statusCode, fleet.store.kept.forgotten.map(({ by }) => by)]).toEqual([
    404,
    200,
    ['anna'],
  ])
})
