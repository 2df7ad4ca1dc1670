/** What goes wrong around a try: a store that can't write, a clock that is set, a process that was down, a target that is slow to go. */
import { afterEach, expect, test } from 'vitest'
import { targetId } from '../../services/webhook/sign.ts'
import { NODE2 } from '../machine/rig.ts'
import { Bench, HOOK, REFUSED } from './rig.ts'

const URL_A = 'https://a.example.org/hooks/k3y'
const DAY_S = 86_400

let bench: Bench
afterEach(() => bench.stop())

const views = () => bench.outbox.views()

test.each(['delivered', 'failed'] as const)(
  'while the disk is full (%s), a target hears nothing twice',
  async write => {
    bench = await Bench.start()
    if (write === 'failed') bench.answers.set(URL_A, () => REFUSED)
    const { outbox } = bench.store
    const works = { [write]: outbox[write] }
    Object.assign(outbox, { [write]: () => Promise.reject(new Error('disk full')) })
    await bench.install()
    await bench.pass(20)
    expect(bench.names()).toEqual(['node1 installed'])
    Object.assign(outbox, works)
    bench.answers.clear()
    await bench.pass(8)
    expect(bench.sent).toHaveLength(write === 'failed' ? 2 : 1)
    expect(await views()).toMatchObject([{ pending: 0, givenUp: 0 }])
  },
)

test('a process that was down for a week tries what waits once before it is given up', async () => {
  bench = await Bench.start()
  bench.answers.set(URL_A, () => REFUSED)
  await bench.install()
  await bench.install(NODE2)
  await bench.pass(2)
  await bench.restart(HOOK, async () => bench.clock.advance(7 * DAY_S * 1000))
  bench.answers.set(URL_A, letter =>
    JSON.parse(letter.body).machine.name === 'node1' ? REFUSED : { taken: true, status: 204 },
  )
  await bench.pass(2)
  expect(bench.names().slice(2).toSorted()).toEqual(['node1 installed', 'node2 installed'])
  expect(await views()).toMatchObject([{ pending: 0, givenUp: 1, tries: 2, error: 'it answered 503' }])
})

test.each([365 * DAY_S * 1000, -365 * DAY_S * 1000])(
  'a clock that is set by %i ms while a message is on the wire puts it off no further, and gives it up no sooner',
  async by => {
    bench = await Bench.start()
    bench.answers.set(URL_A, () => {
      const { clock } = bench
      const now = clock.now.bind(clock)
      // Whoever asks for the time next is the first to hear of it.
      clock.now = () => {
        clock.now = now
        clock.set(now() + by)
        return now()
      }
      bench.answers.delete(URL_A)
      return REFUSED
    })
    await bench.install()
    await bench.pass(10)
    expect(bench.sent).toHaveLength(2)
    expect(bench.alarms.list()).toEqual([])
    expect(await views()).toMatchObject([{ pending: 0, givenUp: 0 }])
  },
)

test('a clock that is set leaves what was given up where it was: it can be sent again for a month', async () => {
  bench = await Bench.start()
  bench.answers.set(URL_A, () => REFUSED)
  await bench.install()
  await bench.pass(4 * DAY_S, DAY_S / 2)
  bench.clock.set(bench.clock.now() + 365 * DAY_S * 1000)
  await bench.pass(DAY_S, DAY_S / 2)
  expect(await views()).toMatchObject([{ pending: 0, givenUp: 1 }])
})

test('more than ten thousand messages of a target: the oldest go, and the log says how many', async () => {
  bench = await Bench.start()
  bench.answers.set(URL_A, () => REFUSED)
  const target = targetId(URL_A)
  const row = { target, event: 'failed', body: '{"machine":{}}', createdAt: bench.clock.now() }
  const keys = Array.from({ length: 10_003 }, (_, at) => `m${at}`)
  await bench.store.outbox.collect(
    target,
    0,
    keys.map(key => ({ ...row, key, machine: key })),
  )
  await bench.pass(1)
  expect(await views()).toMatchObject([{ pending: 10_000 }])
  expect(bench.sent.map(({ key }) => key)).toEqual(['m3', 'm4', 'm5', 'm6'])
  expect(bench.log.of('warn')).toEqual([
    'warn webhook 1 (https://a.example.org/…) has more than 10000 messages: the oldest are gone, 3 of them',
  ])
})

test('a new target is told what happens while one that is gone has not answered yet', async () => {
  bench = await Bench.start()
  let answer = (): void => {}
  bench.answers.set(URL_A, () => new Promise(resolve => (answer = () => resolve(REFUSED))))
  await bench.install()
  await bench.pass(2)
  const reloaded = bench.reload('[[webhook]]\nurl = "https://b.example.org/"\n')
  await bench.settle()
  await bench.install(NODE2)
  answer()
  await reloaded
  await bench.pass(2)
  expect(bench.sent.map(({ url }) => new URL(url).host)).toEqual(['a.example.org', 'b.example.org'])
})
