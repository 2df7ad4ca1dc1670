/** Upkeep stands back: so much in one turn, and nothing beside many writes. */
import { expect, test } from 'vitest'
import type { HearStep } from '../../services/kit/clock.ts'
import type { MachineId } from '../../services/machine/event.ts'
import { Checkpoints } from '../../services/machine/checkpoint.ts'
import { MANY_WRITES, Pace } from '../../services/machine/pace.ts'
import { Retention } from '../../services/machine/retention.ts'
import type { DocumentName, MachineDocument } from '../../services/store/types.ts'
import { FakeClock } from '../fake/clock.ts'
import { Fleet, NODE1, NODE2, siteOf, STRANGER } from './rig.ts'

const DAY_MS = 86_400_000

/** Lets everything run that waits for nothing but its turn. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve()
}

test('steps are taken for five milliseconds, then others have a turn', async () => {
  const clock = new FakeClock()
  let elapsed = 0
  let taken = 0
  const pace = new Pace({ clock, waiting: () => 0, elapsed: () => elapsed })
  function* steps(): Generator<undefined, string> {
    for (let step = 0; step < 7; step++) {
      elapsed += 2
      taken += 1
      yield
    }
    return 'done'
  }
  const walked = pace.walk(steps())
  const perTurn: number[] = []
  for (let turn = 0; turn < 3; turn++) {
    await settle()
    perTurn.push(taken)
    clock.advance(1)
  }
  expect([perTurn, await walked]).toEqual([[3, 6, 7], 'done'])
})

test('while many writes wait nothing is done, for half a second at most', async () => {
  const clock = new FakeClock()
  let waiting = MANY_WRITES
  const pace = new Pace({ clock, waiting: () => waiting })
  const restedFor = async (quietAfterMs: number): Promise<number> => {
    const start = clock.now()
    let end: number | undefined
    waiting = MANY_WRITES
    void pace.rest(5).then(() => {
      end = clock.now()
    })
    for (let ms = 0; end === undefined && ms < 2000; ms++) {
      if (ms === quietAfterMs) waiting = MANY_WRITES - 1
      clock.advance(1)
      await settle()
    }
    return end! - start
  }
  expect([await restedFor(0), await restedFor(60), await restedFor(5000)]).toEqual([5, 105, 505])
})

/** Every machine has been switched on and off for years; pauses are counted and over at once. */
async function oldFleet() {
  const fleet = await Fleet.open(siteOf(''))
  const macs = [NODE1, NODE2, STRANGER]
  for (const mac of macs) await fleet.registry.sight({ macs: [mac] }, 'dhcp')
  for (let day = 0; day < 150; day++) {
    fleet.clock.advance(DAY_MS)
    for (const mac of macs) await fleet.happen(mac, { type: 'local-disk-told' })
  }
  const pauses: number[] = []
  const clock = {
    now: () => fleet.clock.now(),
    elapsed: () => fleet.clock.elapsed(),
    onStep: (hear: HearStep) => fleet.clock.onStep(hear),
    after: (milliseconds: number, run: () => void) => {
      pauses.push(milliseconds)
      queueMicrotask(run)
      return () => {}
    },
  }
  return { fleet, pauses, clock, pace: new Pace({ clock, waiting: () => 0, elapsed: () => 0 }) }
}

function sweepOf(
  { fleet, clock, pace }: Awaited<ReturnType<typeof oldFleet>>,
  documents: ConstructorParameters<typeof Retention>[0]['documents'],
): Retention {
  const { registry, store, log } = fleet
  const checkpoints = new Checkpoints({ registry, events: store, clock, pace }, 0)
  const options = { registry, checkpoints, events: store, documents, keepMs: () => 30 * DAY_MS, pace }
  return new Retention({ ...options, chores: [], clock, log })
}

test('a sweep reads a hundred events at a time, removes less than a hundred and fifty, and rests after each', async () => {
  const old = await oldFleet()
  const { store } = old.fleet
  const done: [what: string, rows: number, pausesBefore: number][] = []
  const [timeline, remove] = [store.timeline.bind(store), store.remove.bind(store)]
  store.timeline = async (...asked) => {
    const rows = await timeline(...asked)
    done.push(['read', rows.length, old.pauses.length])
    return rows
  }
  store.remove = async seqs => {
    done.push(['removed', seqs.length, old.pauses.length])
    await remove(seqs)
  }
  await sweepOf(old, { page: async () => [], remove: async () => {} }).sweep()
  const pausesAt = (what: string): number[] => done.filter(([is]) => is === what).map(([, , pauses]) => pauses)
  for (const what of ['read', 'removed']) expect(new Set(pausesAt(what)).size).toBe(pausesAt(what).length)
  const rows = (what: string): number[] => done.filter(([is]) => is === what).map(([, count]) => count)
  expect(rows('read')).toEqual([100, 51, 100, 51, 100, 51])
  expect(rows('removed')).toEqual([98, 118, 118, 20])
})

test('documents are looked through a hundred at a time, and removed one by one', async () => {
  const old = await oldFleet()
  const rows = Array.from({ length: 250 }, (_, nth): Omit<MachineDocument, 'body'> => {
    return {
      machine: `02:00:00:00:01:${String(nth).padStart(3, '0')}`,
      kind: 'report',
      at: nth < 3 ? 0 : old.clock.now(),
    }
  })
  rows.push({ machine: NODE1 as MachineId, kind: 'report', at: 0 })
  const asked: (string | undefined)[] = []
  const removed: string[] = []
  const page = async (after: DocumentName | undefined, most: number) => {
    asked.push(after?.machine)
    const from = after ? rows.findIndex(({ machine }) => machine === after.machine) + 1 : 0
    return rows.slice(from, from + most)
  }
  await sweepOf(old, { page, remove: async ({ machine }) => void removed.push(machine) }).sweep()
  expect(asked).toEqual([undefined, '02:00:00:00:01:099', '02:00:00:00:01:199'])
  expect(removed).toEqual(['02:00:00:00:01:000', '02:00:00:00:01:001', '02:00:00:00:01:002'])
})
