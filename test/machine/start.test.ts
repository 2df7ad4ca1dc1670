/** A start reads the snapshots and what came after them, however long the history is. */
import { expect, test } from 'vitest'
import { replay } from '../../services/machine/fold.ts'
import { Checkpoints } from '../../services/machine/checkpoint.ts'
import { Pace } from '../../services/machine/pace.ts'
import { Fleet, NODE1, patient, siteOf } from './rig.ts'

test('with a checkpoint the events before it are not read', async () => {
  const fleet = await Fleet.open(siteOf(''))
  await fleet.registry.sight({ macs: [NODE1] }, 'dhcp')
  for (let nth = 0; nth < 300; nth++) {
    await fleet.happen(NODE1, { type: 'loader-sent', file: `loader-${nth}`, bytes: nth })
  }
  const clock = patient(fleet)
  const pace = new Pace({ clock, waiting: () => 0 })
  await new Checkpoints({ registry: fleet.registry, events: fleet.store, clock, pace }, 0).write()
  await fleet.happen(NODE1, { type: 'blocked' })
  const asked: number[] = []
  const page = fleet.store.page.bind(fleet.store)
  fleet.store.page = async (after, most) => {
    asked.push(after)
    return page(after, most)
  }
  const before = fleet.registry.machines()
  await fleet.restart()
  expect([asked, fleet.registry.machines(), fleet.registry.lastSeq]).toEqual([[301], before, 302])
})

test('who waits for a long start hears how far it is', async () => {
  const fleet = await Fleet.open(siteOf(''))
  await fleet.registry.sight({ macs: [NODE1] }, 'dhcp')
  const [row] = await fleet.store.page(0, 1)
  fleet.store.page = async after =>
    after === 0 ? Array.from({ length: 1000 }, (_, nth) => ({ ...row!, seq: nth + 1 })) : []
  const steps: string[] = []
  await replay(fleet.store, { get: () => undefined, put: () => {}, restore: () => {} }, what => steps.push(what))
  expect(steps).toEqual(['reading events, 0 so far', 'reading events, 1000 so far'])
})
