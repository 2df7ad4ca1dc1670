/** T16: an installation erases disks, so an order is about machines that somebody named one by one, and about nobody else. */
import { expect, test } from 'vitest'
import { addFleetApi } from '../../services/console/fleet-api.ts'
import { localFleet } from '../../services/console/fleet.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import type { Fact } from '../../services/machine/event.ts'
import { Fleet, NODE1, NODE2, siteOf, STRANGER } from '../machine/rig.ts'
import { socketApp } from './rig.ts'

async function open() {
  const rig = await Fleet.open(siteOf())
  await rig.registry.sight({ macs: [STRANGER], serial: 'S1' }, 'dhcp')
  const fleet = localFleet(
    rig.registry,
    async () => undefined,
    async () => {},
  )
  return { rig, fleet }
}

const started = (rig: Fleet): number => rig.registry.machines().reduce((sum, { attempts }) => sum + attempts, 0)

test.each(['*', 'node*', 'node', 'all', '', ' ', '--yes', '10.77.0.0/24', 'bc:24:11'])(
  'T16 %j names nobody: no pattern, no part of a name and no word for all',
  async query => {
    const { rig, fleet } = await open()
    for (const action of ['approve', 'reinstall'] as const)
      expect(isProblem(await fleet.order(query, action, {}, 'anna'))).toBe(true)
    expect(started(rig)).toBe(0)
  },
)

test('T16 an order to several starts those that it names, and no other', async () => {
  const { rig, fleet } = await open()
  await fleet.orderAll(['node1', 'S1'], 'approve', {}, 'anna')
  const approved = rig.registry.machines().filter(({ attempts }) => attempts > 0)
  expect(approved.map(({ id }) => id)).toEqual([NODE1, STRANGER])
  expect(rig.registry.byMac(NODE2)?.attempts ?? 0).toBe(0)
})

test.each([
  ['no list', { action: 'reinstall' }],
  ['an empty list', { action: 'reinstall', machines: [] }],
  ['a yes in place of a list', { action: 'reinstall', yes: true }],
  ['a yes beside a list', { action: 'reinstall', machines: ['node1'], yes: true }],
  ['a word in place of a list', { action: 'reinstall', machines: 'all' }],
  ['a state in place of a list', { action: 'approve', state: 'held' }],
])('T16 %s is no order to many', async (_, body) => {
  const { rig, fleet } = await open()
  const app = await socketApp(rig.log)
  addFleetApi(app, fleet)
  const reply = await app.inject({
    method: 'POST',
    url: '/api/v1/orders',
    payload: body,
    headers: { 'rackrise-user': 'anna' },
  })
  await app.close()
  expect([reply.statusCode, started(rig)]).toEqual([400, 0])
})

test('T16 what is installed is erased by its own word only, by name', async () => {
  const { rig, fleet } = await open()
  await fleet.order('node1', 'approve', {}, 'anna')
  const { id: attempt } = rig.machine(NODE1).attempt!
  const facts: Fact[] = [
    { type: 'script-served', attempt, address: '10.77.0.11' as never, resumed: false },
    { type: 'answer-served', attempt, address: '10.77.0.11', layers: [], sha256: 'ab', leftOut: [], withToken: true },
    { type: 'reported', attempt, installed: {} },
  ]
  await rig.happen(NODE1, ...facts)
  expect(await fleet.order('node1', 'approve', {}, 'anna')).toMatchObject({ code: 'not-approvable' })
  expect(await fleet.orderAll(['node1', 'S1'], 'approve', {}, 'anna')).toMatchObject([
    { problem: { code: 'not-approvable' } },
    {},
  ])
  expect(rig.machine(NODE1).state).toBe('installed')
})
