import { afterEach, describe, expect, test } from 'vitest'
import { FakeMeter } from '../fake/meter.ts'
import { ANSWER, NODE1, NODE2 } from '../machine/rig.ts'
import { Bench, HOOK, REFUSED, REPORT } from './rig.ts'

let bench: Bench
afterEach(() => bench.stop())

const URL_A = 'https://a.example.org/hooks/k3y'
const URL_B = 'https://b.example.org/'
const BOTH = `${HOOK}[[webhook]]\nurl = "${URL_B}"\nevents = ["failed"]\n`

describe('what is told', () => {
  test('a finished installation, once, with all that a receiver needs', async () => {
    bench = await Bench.start()
    const attempt = await bench.install()
    await bench.pass(3)
    expect(bench.sent).toHaveLength(1)
    const { url, event, key, body } = bench.sent[0]!
    const { at } = bench.registry.byMac(NODE1)!.installed!
    expect([url, event, key]).toEqual([URL_A, 'installed', `${attempt}-installed-${at.toString(36)}`])
    expect(JSON.parse(body)).toEqual({
      schema: '1.0',
      event: 'installed',
      key,
      time: new Date(at).toISOString(),
      site: { name: 'rack', domain: 'rack.test' },
      machine: { name: 'node1', fqdn: 'node1.rack.test', macs: [NODE1], address: '10.77.0.11' },
      attempt,
      profile: 'pve',
      installed: {
        inferred: false,
        product: 'pve 9.2.1',
        kernel: '7.0.2-5-pve',
        machineId: '8b1f0c7c2f7e4a0db2f1d3a4c5b6a798',
        hostKeys: ['ssh-ed25519 AAAAC3Nz root@node1'],
      },
    })
    for (const purpose of ['answer', 'webhook', 'first-boot', 'bearer'] as const)
      expect(body).not.toContain(bench.registry.token(attempt, purpose))
  })

  test('a report that comes twice, and one that does not fit, are told once and never', async () => {
    bench = await Bench.start()
    const attempt = await bench.begin()
    await bench.happen(NODE1, REPORT(attempt))
    await bench.pass(2)
    expect(bench.names()).toEqual([])
    await bench.happen(NODE1, ANSWER(attempt))
    await bench.happen(NODE1, REPORT(attempt))
    await bench.happen(NODE1, REPORT(attempt))
    await bench.pass(2)
    expect(bench.names()).toEqual(['node1 installed'])
  })

  test('an attempt that a restore ended is told as failed, with the reason; a machine that had none is not', async () => {
    bench = await Bench.start()
    const attempt = await bench.begin()
    await bench.happen(NODE1, { type: 'restored', backupOf: Date.UTC(2026, 10, 26, 8), attempt })
    await bench.happen(NODE1, { type: 'restored', backupOf: 1 })
    await bench.happen(NODE2, { type: 'restored', backupOf: 1 })
    await bench.pass(2)
    expect(bench.names()).toEqual(['node1 failed'])
    expect(JSON.parse(bench.sent[0]!.body)).toMatchObject({
      attempt,
      reason:
        'restored from a backup of 2026-11-26T08:00:00.000Z, and what was installed since is not known here, so only a person approves it',
    })
  })

  test('an end that was only inferred is told as such, and again when the report comes', async () => {
    bench = await Bench.start()
    const attempt = await bench.begin()
    await bench.happen(NODE1, ANSWER(attempt))
    await bench.happen(NODE1, { type: 'installation-inferred', attempt, evidence: 'it did not come back' })
    await bench.pass(2)
    await bench.happen(NODE1, REPORT(attempt))
    await bench.pass(2)
    expect(bench.sent.map(({ body }) => JSON.parse(body).installed.inferred)).toEqual([true, false])
    expect(new Set(bench.sent.map(({ key }) => key)).size).toBe(2)
  })

  test('a failure and a silence, with the reason', async () => {
    bench = await Bench.start()
    const first = await bench.begin()
    await bench.happen(NODE1, { type: 'answer-failed', attempt: first, reason: 'error: no layer; add one' })
    const second = await bench.begin(NODE2)
    await bench.happen(NODE2, { type: 'stalled', attempt: second, silentSeconds: 1200, stage: 'answer served' })
    await bench.pass(2)
    expect(bench.sent.map(({ event, body }) => [event, JSON.parse(body).reason])).toEqual([
      ['failed', 'error: no layer; add one'],
      ['stalled', 'nothing heard for 20m, last stage answer served'],
    ])
  })

  test('only what the target wants', async () => {
    bench = await Bench.start(`[[webhook]]\nurl = "${URL_B}"\nevents = ["failed"]\n`)
    await bench.install()
    const attempt = await bench.begin(NODE2)
    await bench.happen(NODE2, { type: 'gave-up', attempt, reason: 'no disk' })
    await bench.pass(2)
    expect(bench.names()).toEqual(['node2 failed'])
  })

  test('a new target hears nothing of what was before it', async () => {
    bench = await Bench.start('')
    await bench.install()
    await bench.restart(HOOK)
    await bench.pass(2)
    expect(bench.names()).toEqual([])
    await bench.install(NODE2)
    await bench.pass(2)
    expect(bench.names()).toEqual(['node2 installed'])
  })
})

describe('nothing is lost', () => {
  test('what happened before the process ended, and was not yet looked at, is told by the next one', async () => {
    bench = await Bench.start()
    await bench.restart(HOOK, async () => void (await bench.install()))
    expect(bench.sent).toEqual([])
    await bench.pass(2)
    expect(bench.names()).toEqual(['node1 installed'])
    await bench.restart()
    await bench.pass(2)
    expect(bench.sent).toHaveLength(1)
  })

  test('what waits for a target that is down outlives restarts', async () => {
    bench = await Bench.start()
    bench.answers.set(URL_A, () => REFUSED)
    await bench.install()
    await bench.pass(3)
    const [first] = bench.sent
    await bench.restart()
    bench.answers.clear()
    await bench.pass(10)
    expect(bench.sent.at(-1)).toEqual(first)
    expect((await bench.outbox.views())[0]).toMatchObject({ pending: 0, givenUp: 0 })
  })

  test('a row whose write failed is looked for again', async () => {
    bench = await Bench.start()
    const { outbox } = bench.store
    const collect = outbox.collect.bind(outbox)
    outbox.collect = () => Promise.reject(new Error('disk full'))
    await bench.install()
    await bench.pass(3)
    expect(bench.sent).toEqual([])
    outbox.collect = collect
    await bench.pass(2)
    expect(bench.names()).toEqual(['node1 installed'])
    expect(bench.log.of('error').at(-1)).toBe('error the outbox could not be looked at')
  })

  test('what belongs to a target that the site no longer names is forgotten', async () => {
    bench = await Bench.start()
    bench.answers.set(URL_A, () => REFUSED)
    await bench.install()
    await bench.pass(2)
    await bench.restart('')
    await bench.restart(HOOK)
    bench.answers.clear()
    await bench.pass(20)
    expect(bench.sent).toHaveLength(1)
  })
})

describe('a target that takes nothing', () => {
  test('is asked again after 5, 10 and 20 seconds, with the same key', async () => {
    bench = await Bench.start()
    const at: number[] = []
    bench.answers.set(URL_A, () => {
      at.push(bench.clock.now())
      return REFUSED
    })
    await bench.install()
    await bench.pass(45)
    const waits = at.slice(1).map((time, index) => (time - at[index]!) / 1000)
    expect(waits.map(wait => Math.round(wait / 5) * 5)).toEqual([5, 10, 20])
    expect(new Set(bench.sent.map(({ key }) => key)).size).toBe(1)
  })

  test('is left alone for as long as it asks, and no shorter than by itself', async () => {
    bench = await Bench.start()
    const at: number[] = []
    const asked = [30_000, 1000]
    bench.answers.set(URL_A, () => {
      at.push(bench.clock.now())
      return { ...REFUSED, waitMs: asked[at.length - 1] ?? 0 }
    })
    await bench.install()
    await bench.pass(60)
    const waits = at.slice(1, 3).map((time, index) => (time - at[index]!) / 1000)
    expect(waits.map(wait => Math.round(wait / 5) * 5)).toEqual([30, 10])
  })

  test('is in nobody’s way, also not if it never answers', async () => {
    bench = await Bench.start(BOTH)
    bench.answers.set(URL_A, () => new Promise(resolve => setTimeout(() => resolve(REFUSED), 200)))
    await bench.install()
    const attempt = await bench.begin(NODE2)
    await bench.happen(NODE2, { type: 'gave-up', attempt, reason: 'no disk' })
    await bench.pass(2)
    expect(bench.sent.filter(({ url }) => url === URL_B).map(({ event }) => event)).toEqual(['failed'])
  })

  test('hears of each machine in order: what follows waits, other machines do not', async () => {
    bench = await Bench.start()
    bench.answers.set(URL_A, letter =>
      JSON.parse(letter.body).machine.name === 'node1' ? REFUSED : { taken: true, status: 204 },
    )
    const attempt = await bench.begin()
    await bench.happen(NODE1, { type: 'gave-up', attempt, reason: 'no disk' })
    await bench.install()
    await bench.install(NODE2)
    await bench.pass(4)
    expect(bench.names()).toEqual(['node1 failed', 'node2 installed'])
    bench.answers.clear()
    await bench.pass(8)
    expect(bench.names().slice(-2)).toEqual(['node1 failed', 'node1 installed'])
  })

  test('is an alarm after a quarter of an hour, which ends with the first message that it takes', async () => {
    bench = await Bench.start()
    bench.answers.set(URL_A, () => REFUSED)
    const alarms = (): string[] =>
      bench.alarms.list().flatMap(alarm => (alarm.endedAt === undefined ? [alarm.message] : []))
    await bench.install()
    await bench.pass(14 * 60, 30)
    expect(alarms()).toEqual([])
    await bench.pass(30 * 60, 30)
    expect(alarms()).toEqual(['webhook 1 (https://a.example.org/…) takes nothing: it answered 503'])
    expect(bench.log.lines.join('\n')).not.toContain('k3y')
    bench.answers.clear()
    await bench.pass(16 * 60, 30)
    expect(alarms()).toEqual([])
  })

  test('is dead for an hour, in which the process starts anew: all that happened is told once, within a quarter of an hour', async () => {
    bench = await Bench.start()
    bench.answers.set(URL_A, () => REFUSED)
    const attempt = await bench.begin()
    await bench.happen(NODE1, { type: 'gave-up', attempt, reason: 'no disk' })
    await bench.pass(30 * 60, 30)
    await bench.restart()
    await bench.install()
    await bench.install(NODE2)
    await bench.pass(30 * 60, 30)
    bench.answers.clear()
    const refused = bench.sent.length
    await bench.pass(16 * 60, 30)
    const taken = bench.names().slice(refused)
    expect(taken.filter(name => name.startsWith('node1'))).toEqual(['node1 failed', 'node1 installed'])
    expect(taken.toSorted()).toEqual(['node1 failed', 'node1 installed', 'node2 installed'])
  })

  test('is given up after three days, and what was given up is sent again by hand', async () => {
    bench = await Bench.start()
    bench.answers.set(URL_A, () => REFUSED)
    await bench.install()
    await bench.pass(3 * 86_400 + 3600, 3600)
    expect((await bench.outbox.views())[0]).toMatchObject({ pending: 0, givenUp: 1, error: 'it answered 503' })
    const tries = bench.sent.length
    await bench.pass(7200, 3600)
    expect(bench.sent).toHaveLength(tries)
    bench.answers.clear()
    expect([await bench.outbox.retry(2), await bench.outbox.retry(1)]).toEqual([false, true])
    await bench.pass(1)
    expect((await bench.outbox.views())[0]).toMatchObject({ pending: 0, givenUp: 0 })
  })
})

test.each([365 * 86_400_000, -365 * 86_400_000])(
  'what waits is neither given up nor put off by a clock that is set by %i ms',
  async by => {
    bench = await Bench.start()
    bench.answers.set(URL_A, () => REFUSED)
    await bench.install()
    await bench.pass(2)
    bench.clock.set(bench.clock.now() + by)
    await bench.pass(4)
    expect(await bench.outbox.views()).toMatchObject([{ pending: 1, givenUp: 0 }])
    bench.answers.clear()
    await bench.pass(12)
    expect(await bench.outbox.views()).toMatchObject([{ pending: 0, givenUp: 0 }])
  },
)

test('four messages are on the wire at a time, each about another machine', async () => {
  bench = await Bench.start()
  let most = 0
  let now = 0
  const doors: (() => void)[] = []
  bench.answers.set(URL_A, async () => {
    most = Math.max(most, (now += 1))
    await new Promise<void>(resolve => doors.push(resolve))
    now -= 1
    return { taken: true, status: 200 }
  })
  const row = (machine: string) => ({
    target: '',
    key: machine,
    machine,
    event: 'failed',
    body: '{"machine":{}}',
    createdAt: bench.clock.now(),
  })
  const target = (await import('../../services/webhook/sign.ts')).targetId(URL_A)
  await bench.store.outbox.collect(
    target,
    0,
    ['a', 'b', 'c', 'd', 'e', 'f'].map(machine => ({ ...row(machine), target })),
  )
  await bench.pass(2)
  expect([most, bench.sent.length]).toEqual([4, 4])
  while (doors.length > 0) {
    doors.splice(0).forEach(open => open())
    await bench.pass(2)
  }
  expect([most, bench.sent.length]).toEqual([4, 6])
})

test('what waits and what was tried is counted, by the number of the target', async () => {
  const meter = new FakeMeter()
  bench = await Bench.start(HOOK, meter)
  bench.answers.set(URL_A, async () => REFUSED)
  await bench.install()
  await bench.pass(3)
  const failed = await meter.readAll('rackrise_webhook')
  expect(failed).toMatchObject({
    'rackrise_webhook_tries_total{target="1",outcome="failed"}': 1,
    'rackrise_webhook_pending{target="1"}': 1,
  })
  expect(failed['rackrise_webhook_oldest_seconds{target="1"}']).toBeGreaterThan(0)
  bench.answers.delete(URL_A)
  await bench.outbox.retry()
  await bench.settle()
  expect(await meter.readAll('rackrise_webhook')).toEqual({
    'rackrise_webhook_tries_total{target="1",outcome="failed"}': 1,
    'rackrise_webhook_tries_total{target="1",outcome="taken"}': 1,
  })
})

describe('another site file, loaded while it runs', () => {
  const NUMBERS = async (): Promise<unknown[]> =>
    (await bench.outbox.views()).map(({ number, url, pending, events }) => [number, url, pending, events.length])

  test('a target that moved in the file goes on with what waits for it, and a new one begins with what happens now', async () => {
    bench = await Bench.start()
    bench.answers.set(URL_A, () => REFUSED)
    await bench.install()
    await bench.pass(3)
    await bench.reload(`[[webhook]]\nurl = "${URL_B}"\n${HOOK}events = ["installed"]\n`)
    expect(await NUMBERS()).toEqual([
      [1, 'https://b.example.org', 0, 3],
      [2, 'https://a.example.org/…', 1, 1],
    ])
    bench.answers.clear()
    await bench.install(NODE2)
    await bench.pass(60)
    expect(
      bench.sent
        .map(({ url, body }) => `${new URL(url).host} ${JSON.parse(body).machine.name}`)
        .slice(1)
        .toSorted(),
    ).toEqual(['a.example.org node1', 'a.example.org node2', 'b.example.org node2'])
  })

  test('what waits for a target that is gone goes with it, and its alarm ends', async () => {
    bench = await Bench.start(BOTH)
    bench.answers.set(URL_A, () => REFUSED)
    await bench.install()
    await bench.pass(1800, 60)
    const lasting = (): string[] =>
      bench.alarms.list().flatMap(({ code, endedAt }) => (endedAt === undefined ? code : []))
    expect(lasting()).toEqual(['webhook-failing'])
    const before = bench.sent.length
    await bench.reload(`[[webhook]]\nurl = "${URL_B}"\n`)
    await bench.pass(1200, 60)
    expect([await NUMBERS(), lasting(), bench.sent.length]).toEqual([[[1, 'https://b.example.org', 0, 3]], [], before])
  })
})
