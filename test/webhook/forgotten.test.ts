/** A machine that is forgotten right after something happened to it: that is told, as it was, and kept no longer than that takes. */
import { afterEach, expect, test, vi } from 'vitest'
import { forgetMachineCommand } from '../../services/cli/machine-forget.ts'
import { ANSWER, NODE1, NODE2 } from '../machine/rig.ts'
import { Bench, HOOK, REFUSED, REPORT } from './rig.ts'

const URL_A = 'https://a.example.org/hooks/k3y'

let bench: Bench
afterEach(() => bench.stop())

const forget = (mac = NODE1): Promise<void> => bench.registry.forget(bench.registry.byMac(mac)!, 'anna')
const waiting = async (): Promise<number[]> =>
  (await bench.outbox.views()).map(({ pending, givenUp }) => pending + givenUp)

test('T20 what happened just before it was forgotten is told as it was, and kept until it is taken', async () => {
  bench = await Bench.start()
  const attempt = await bench.install()
  await forget()
  await bench.pass(2)
  expect(bench.names()).toEqual(['node1 installed'])
  expect(JSON.parse(bench.sent[0]!.body)).toMatchObject({
    machine: { name: 'node1', macs: [NODE1], address: '10.77.0.11' },
    attempt,
    installed: { inferred: false, product: 'pve 9.2.1' },
  })
  expect(await waiting()).toEqual([0])
})

test('so is what is being written when it is forgotten', async () => {
  bench = await Bench.start()
  const attempt = await bench.begin()
  await bench.happen(NODE1, ANSWER(attempt))
  await Promise.all([bench.happen(NODE1, REPORT(attempt)), forget()])
  await bench.pass(2)
  expect(bench.names()).toEqual(['node1 installed'])
})

test('so is what is being looked at', async () => {
  bench = await Bench.start()
  await bench.install()
  const { events } = bench.store
  const timeline = events.timeline.bind(events)
  let goOn = (): void => {}
  const held = new Promise<void>(resolve => (goOn = resolve))
  events.timeline = async (...asked) => {
    await held
    return timeline(...asked)
  }
  await bench.pass(1)
  const forgotten = forget()
  await bench.settle()
  goOn()
  await forgotten
  await bench.pass(2)
  expect(bench.names()).toEqual(['node1 installed'])
})

test('to every target that wants it, and once, although the one before has taken it by then', async () => {
  bench = await Bench.start(`${HOOK}[[webhook]]\nurl = "https://b.example.org/"\nevents = ["failed"]\n`)
  const attempt = await bench.begin()
  await bench.happen(NODE1, { type: 'gave-up', attempt, reason: 'no disk' })
  await bench.install(NODE2)
  await Promise.all([forget(NODE1), forget(NODE2)])
  await bench.pass(3)
  expect(bench.sent.map(({ url, event }) => `${new URL(url).host} ${event}`).toSorted()).toEqual([
    'a.example.org failed',
    'a.example.org installed',
    'b.example.org failed',
  ])
})

test('the process ends right after it was forgotten: the next one tells it, once', async () => {
  bench = await Bench.start()
  await bench.install()
  await forget()
  await bench.restart()
  await bench.restart()
  await bench.pass(3)
  expect(bench.names()).toEqual(['node1 installed'])
})

test('the process is killed before it looked, and the machine is forgotten while none runs', async () => {
  bench = await Bench.start()
  const said = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
  await bench.restart(HOOK, async () => {
    await bench.install()
    await forgetMachineCommand(bench.siteOnDisk, 'node1', { yes: true, force: false, json: false })
  })
  expect(said.mock.calls).toEqual([[expect.stringContaining('node1 (bc:24:11:ab:12:21) is forgotten')]])
  said.mockRestore()
  // Commands have the clock of the host.
  await bench.outbox.retry()
  await bench.pass(2)
  expect(bench.names()).toEqual(['node1 installed'])
})

test('what can not be written down is not forgotten', async () => {
  bench = await Bench.start()
  await bench.install()
  const { outbox } = bench.store
  const collect = outbox.collect.bind(outbox)
  outbox.collect = () => Promise.reject(new Error('disk full'))
  await expect(forget()).rejects.toThrow('disk full')
  expect(bench.registry.byMac(NODE1)).toMatchObject({ state: 'installed' })
  outbox.collect = collect
  await forget()
  await bench.pass(2)
  expect([bench.names(), bench.registry.byMac(NODE1)?.state]).toEqual([['node1 installed'], 'held'])
})

test('what happens to it when it is back comes after that', async () => {
  bench = await Bench.start()
  bench.answers.set(URL_A, () => REFUSED)
  const attempt = await bench.begin()
  await bench.happen(NODE1, { type: 'gave-up', attempt, reason: 'no disk' })
  await forget()
  await bench.install()
  await bench.pass(2)
  expect(bench.names()).toEqual(['node1 failed'])
  bench.answers.clear()
  await bench.pass(8)
  expect(bench.names().slice(1)).toEqual(['node1 failed', 'node1 installed'])
})

test('T20 of what no target takes nothing is left a month after it was given up', async () => {
  bench = await Bench.start()
  bench.answers.set(URL_A, () => REFUSED)
  await bench.install()
  await forget()
  await bench.pass(4 * 86_400, 12 * 3600)
  expect(await bench.outbox.views()).toMatchObject([{ pending: 0, givenUp: 1 }])
  await bench.pass(32 * 86_400, 4 * 86_400)
  expect(await waiting()).toEqual([0])
})
