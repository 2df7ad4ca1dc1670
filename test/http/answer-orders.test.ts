/** Layers and passwords are waited for while an answer is made, and people give orders meanwhile: what they say last counts. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { NODE1 } from '../machine/rig.ts'
import { Rig } from './rig.ts'

let rig: Rig
beforeEach(async () => {
  rig = await Rig.start()
  await rig.bring('booting')
})
afterEach(() => rig.close())

const BODY = JSON.stringify({
  product: { product: 'pve' },
  iso: { release: '9.2' },
  dmi: {},
  network_interfaces: [{ link: 'eno1', mac: NODE1 }],
})

/** What the machine gets, whose layers take so long that the order comes before they are read. */
async function answerAfter(order: () => Promise<unknown>): Promise<[status: number, reason: string | undefined]> {
  const path = `/answer/${rig.token('answer')}`
  const { layers } = rig.context
  rig.context.layers = async () => {
    await order()
    return layers()
  }
  const { status, text } = await rig.tls(path, { method: 'POST', body: BODY })
  expect(text).not.toContain('root-password')
  return [status, /\(([a-z-]+)\)\n$/.exec(text)?.[1]]
}

test('blocked: no answer, and it stays blocked', async () => {
  expect(await answerAfter(() => rig.happen({ type: 'blocked' }))).toEqual([403, 'blocked'])
  expect(rig.node1.state).toBe('blocked')
  expect((await rig.types()).slice(-3)).toEqual(['blocked', 'answer-served (anomaly)', 'answer-refused'])
})

test('another installation: the attempt that asked gets nothing, and the new one waits for its boot', async () => {
  expect(await answerAfter(() => rig.approve(true))).toEqual([403, 'unknown-token'])
  expect(rig.node1).toMatchObject({ state: 'approved', attempts: 2 })
})

test('forgotten: a machine that nobody approved', async () => {
  expect(await answerAfter(() => rig.registry.forget(rig.node1, 'anna'))).toEqual([403, 'not-approved'])
  expect(rig.node1).toMatchObject({ state: 'held', attempts: 0 })
})

test('forgotten while its script is made: its disk', async () => {
  const { registry } = rig
  const record = registry.record.bind(registry)
  registry.record = async (id, fact, source) => {
    if (fact.type === 'script-served') await registry.forget(rig.node1, 'anna')
    return record(id, fact, source)
  }
  const reply = await rig.script()
  expect(reply.text).not.toContain('kernel')
  expect(reply.text).toContain('NOT APPROVED')
})
