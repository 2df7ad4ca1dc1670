/** What is told to who watches, when, and once. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  BACKLOG_BYTES,
  EventFeed,
  HEARTBEAT_MS,
  MISSED_MOST,
  type Reader,
  TICK_MS,
  TOPICS_EVERY_TICKS,
} from '../../services/console/event-feed.ts'
import { machineViewer } from '../../services/console/fleet.ts'
import { siteNewsView } from '../../services/console/schema/reload.ts'
import type { WorkView } from '../../services/console/schema/work.ts'
import type { MachineId } from '../../services/machine/event.ts'
import type { MachineChange } from '../../services/machine/fleet-changes.ts'
import type { SiteChange } from '../../services/site/changes.ts'
import { WorkList } from '../../services/kit/work.ts'
import { FakeReloading } from '../fake/reloading.ts'
import { Fleet, NODE1, siteOf } from '../machine/rig.ts'

class Watching implements Reader {
  readonly frames: Uint8Array[] = []
  waiting = 0
  isCut = false
  write(frame: Uint8Array): void {
    this.frames.push(frame)
  }
  backlog(): number {
    return this.waiting
  }
  cut(): void {
    this.isCut = true
  }
  /** Name, number and data of each. */
  get told(): [string | undefined, string | undefined, unknown][] {
    return this.frames.map(frame => {
      const lines = new TextDecoder().decode(frame).split('\n')
      const of = (name: string) => lines.find(line => line.startsWith(`${name}: `))?.slice(name.length + 2)
      const data = of('data')
      return [of('event'), of('id'), data === undefined ? undefined : JSON.parse(data)]
    })
  }
  get names(): (string | undefined)[] {
    return this.told.map(([name, id]) => (id === undefined ? name : `${name} ${id}`))
  }
}

let rig: Fleet
let feed: EventFeed
let mark: unknown
let work: WorkList
let reloading: FakeReloading

beforeEach(async () => {
  rig = await Fleet.open(siteOf())
  mark = 1
  const { registry, clock, log, site } = rig
  reloading = new FakeReloading(site, clock)
  work = new WorkList(clock)
  feed = new EventFeed({
    ...{ registry, clock, log, work, events: rig.store, view: machineViewer(registry), version: '1.2.3' },
    topics: [{ what: 'alarms', mark: () => mark }],
    reloading,
  })
})

afterEach(() => {
  feed.close()
  // Nobody reads: nothing ticks, nothing is heard.
  expect(rig.clock.pendingTimers).toBe(0)
})

const approve = () => rig.registry.startAttempt(rig.machine(NODE1), { by: 'operator', again: true, who: 'anna' })
let said = 0
/** For another reason each time: what is only repeated is not written. */
const block = () =>
  rig.registry.record(
    rig.machine(NODE1).id,
    { type: 'blocked', reason: `reason ${(said += 1)}`, who: 'anna' },
    'operator',
  )
const settle = async (): Promise<void> => new Promise(resolve => setImmediate(resolve))

describe('what happens', () => {
  test('where it is, then every event with the machine as it is', async () => {
    const reader = new Watching()
    await feed.add(reader)
    await approve()
    expect(reader.told).toMatchObject([
      ['hello', '1', { seq: 1, version: '1.2.3' }],
      [
        'machine',
        '2',
        {
          machine: { id: NODE1, name: 'node1', state: 'approved' },
          event: {
            seq: 2,
            type: 'attempt-started',
            who: 'anna',
            text: expect.stringMatching(/^approved by anna: /) as string,
          },
        },
      ],
    ])
  })

  test('it becomes text once, however many read it', async () => {
    const readers = [new Watching(), new Watching(), new Watching()]
    for (const reader of readers) await feed.add(reader)
    await block()
    expect(new Set(readers.map(({ frames }) => frames.at(-1))).size).toBe(1)
  })

  test('progress twice a second at most, and only news', async () => {
    const reader = new Watching()
    await feed.add(reader)
    const { id } = rig.machine(NODE1)
    for (let sent = 0; sent < 50; sent += 1) {
      rig.registry.heard(id, { file: 'initrd', sent: sent * 1000, total: 100_000 })
      rig.clock.advance(TICK_MS / 10)
    }
    rig.clock.advance(5 * TICK_MS)
    expect(reader.names.filter(name => name === 'progress')).toHaveLength(5)
    expect(reader.told.at(-1)?.[2]).toMatchObject({
      id: NODE1,
      progress: { file: 'initrd', sent: 49_000, total: 100_000, bytesPerSecond: expect.any(Number) as number },
      heardAt: expect.stringMatching(/Z$/) as string,
    })
  })

  test('what is to be fetched again, when it has changed', async () => {
    const reader = new Watching()
    await feed.add(reader)
    for (const now of [1, 2, 2]) {
      mark = now
      rig.clock.advance(TICK_MS * TOPICS_EVERY_TICKS)
      await settle()
    }
    expect(reader.told.slice(1)).toEqual([['changed', undefined, { what: 'alarms' }]])
  })

  test('a comment now and then, so that it is known to be alive', async () => {
    const reader = new Watching()
    await feed.add(reader)
    rig.clock.advance(4 * HEARTBEAT_MS)
    expect(reader.frames.slice(1).map(frame => new TextDecoder().decode(frame))).toEqual(Array(4).fill(':\n\n'))
  })
})

describe('who comes back', () => {
  test('hears what was missed, then what happened meanwhile, each once and in order', async () => {
    await approve()
    await block()
    const reader = new Watching()
    const coming = feed.add(reader, 1)
    await block()
    await coming
    await block()
    expect(reader.names).toEqual(['hello 1', 'machine 2', 'machine 3', 'machine 4', 'machine 5'])
  })

  test('and missed nothing, hears nothing old', async () => {
    const reader = new Watching()
    await feed.add(reader, 1)
    await block()
    expect(reader.names).toEqual(['hello 1', 'machine 2'])
  })

  test.each<[string, () => Promise<number>]>([
    [
      'missed too much',
      async () => {
        for (let more = 0; more <= MISSED_MOST; more += 1) await block()
        return 1
      },
    ],
    [
      'missed what was deleted',
      async () => {
        for (let more = 0; more < 3; more += 1) await block()
        rig.store.rows.splice(2, 1)
        return 1
      },
    ],
    ['knows the events of another life', async () => 4711],
  ])('%s: fetches everything again', async (_, lose) => {
    const after = await lose()
    const reader = new Watching()
    await feed.add(reader, after)
    const newest = await rig.store.newest()
    expect(reader.told.slice(1)).toEqual([['reset', String(newest), {}]])
  })
})

describe('who reads too slowly', () => {
  test('is dropped; others are not', async () => {
    const [slow, quick] = [new Watching(), new Watching()]
    await feed.add(slow)
    await feed.add(quick)
    slow.waiting = BACKLOG_BYTES + 1
    await block()
    await block()
    expect([slow.isCut, slow.frames.length, quick.isCut, quick.frames.length]).toEqual([true, 2, false, 3])
    expect(feed.readers).toBe(1)
  })

  test('a reader whose state cannot be read is none', async () => {
    rig.store.newest = async () => {
      throw new Error('disk')
    }
    await expect(feed.add(new Watching())).rejects.toThrow('disk')
    expect(feed.readers).toBe(0)
  })
})

describe('the site file', () => {
  const loaded = { reloaded: true, sha256: 'cd'.repeat(32), warnings: [] }
  const change: SiteChange = { what: 'profile', name: 'pbs', change: 'added', keys: [] }
  const machine = (at: number, starts: boolean): MachineChange => ({
    ...{ id: NODE1 as MachineId, name: `n${at}`, macs: [NODE1], keys: [], starts },
    change: 'changed',
  })

  test('loaded again: when, by whom, and what changed, whom it installs first and long lists cut off', async () => {
    const reader = new Watching()
    await feed.add(reader)
    const machines = Array.from({ length: 60 }, (_, at) => machine(at, at === 59))
    reloading.next = { ...loaded, changes: [change], machines }
    rig.clock.advance(400)
    await reloading.reload('anna')
    expect(reader.told.slice(1)).toEqual([
      [
        'site',
        undefined,
        {
          ...{ at: '2026-01-01T00:00:00.400Z', by: 'anna', outcome: 'loaded', sha256: 'cd'.repeat(32) },
          ...{ changes: [change], warnings: [] },
          machines: [machine(59, true), ...machines.slice(0, 49)],
          counts: { changes: 1, machines: 60, starts: 1, warnings: 0 },
        },
      ],
    ])
  })

  test('refused: with all that is wrong, errors first; who comes later is told how it ended last', async () => {
    const problem = { message: 'm', hint: 'h', place: { file: 'site.toml', line: 3, column: 1 } }
    const warning = { ...problem, code: 'odd', severity: 'warning' as const }
    const error = { ...problem, code: 'unknown-key', severity: 'error' as const }
    reloading.next = { refused: true, problems: [warning, { ...error, path: ['x'] } as typeof error] }
    const before = new Watching()
    await feed.add(before)
    await reloading.reload('SIGHUP')
    const after = new Watching()
    await feed.add(after)
    const news = {
      ...{ at: '2026-01-01T00:00:00.000Z', by: 'SIGHUP', outcome: 'refused' },
      ...{ problems: [error, warning], counts: { problems: 2 } },
    }
    expect([before.told[0]?.[2], before.told[1], after.told]).toMatchObject([
      { site: { by: 'the start', outcome: 'loaded', counts: { changes: 0, machines: 0, starts: 0, warnings: 0 } } },
      ['site', undefined, news],
      [['hello', '1', { seq: 1, version: '1.2.3', site: news }]],
    ])
    expect(before.told[1]?.[2]).toEqual(news)
    for (const site of [news, (before.told[0]![2] as { site: unknown }).site])
      expect(siteNewsView.parse(site)).toEqual(site)
  })
})

test('long work is told twice a second at most, and to who comes later as it stands', async () => {
  const reader = new Watching()
  await feed.add(reader)
  const about = {
    id: 'verify:a.iso',
    what: 'verify',
    subject: 'a.iso',
    unit: 'bytes',
    total: 1000,
    canCancel: true,
  } as const
  let tell: (news: { done: number }) => void = () => {}
  const end = Promise.withResolvers<void>()
  const running = work.run(about, news => {
    tell = news
    return end.promise
  })
  for (let done = 100; done <= 500; done += 100) {
    rig.clock.advance(300)
    tell({ done })
  }
  rig.clock.advance(TICK_MS)
  const works = (): unknown[] => reader.told.filter(([name]) => name === 'work').map(([, , data]) => data)
  expect(works().map(data => (data as WorkView).done)).toEqual([100, 300, 400, 500])
  expect(works().at(-1)).toEqual({
    ...about,
    done: 500,
    perSecond: 333,
    secondsLeft: 2,
    startedAt: '2026-01-01T00:00:00.000Z',
  })
  const late = new Watching()
  await feed.add(late)
  expect(late.names).toEqual(['hello 1', 'work'])
  end.resolve()
  await running
  rig.clock.advance(TICK_MS * 3)
  expect(works().slice(4)).toMatchObject([{ done: 1000, end: { outcome: 'done' } }])
})

test('a thousand machines: an event reaches ten readers in the turn in which it is written', async () => {
  const many = Array.from({ length: 1000 }, (_, at) => {
    const mac = `02:00:00:00:${(at >> 8).toString(16).padStart(2, '0')}:${(at & 255).toString(16).padStart(2, '0')}`
    return `[[machine]]\nname = "n${at}"\nmac = ["${mac}"]\nprofile = "pve"\n`
  })
  rig = await Fleet.open(siteOf(many.join('')))
  const { registry, clock, log } = rig
  feed = new EventFeed({
    ...{
      registry,
      clock,
      log,
      work,
      events: rig.store,
      view: machineViewer(registry),
      version: '1.2.3',
      topics: [],
      reloading,
    },
  })
  const readers = Array.from({ length: 10 }, () => new Watching())
  for (const reader of readers) await feed.add(reader)
  const began = performance.now()
  for (const { id } of registry.machines()) {
    await registry.record(id, { type: 'blocked' }, 'operator')
    expect(readers[9]!.frames.at(-1)).toBe(readers[0]!.frames.at(-1))
  }
  const eachMs = (performance.now() - began) / 1000
  process.stdout.write(`an event of one of 1000 machines reaches 10 readers within ${eachMs.toFixed(3)} ms\n`)
  expect(readers[0]!.frames).toHaveLength(1001)
  expect(eachMs).toBeLessThan(100)
})
