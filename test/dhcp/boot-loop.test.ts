/** Real firmware that is given its loader and never gets further: how its conversations are counted (H19). */
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { decode } from '../../services/dhcp/codec.ts'
import { clientOf } from '../../services/dhcp/identify.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { addresses, messageTypeOf } from '../../services/dhcp/options.ts'
import { BOOTS_MOST } from '../../services/machine/boot-loop.ts'
import { siteOf } from '../machine/rig.ts'
import { BIOS, IPXE } from './messages.ts'
import { readUdpPackets } from './pcap.ts'
import { SiteBench } from './site-bench.ts'
import { NODE1 } from '../machine/rig.ts'

const FOLDER = new URL('../vectors/dhcp/', import.meta.url)

/** What firmware and iPXE said in one boot; the Linux at its end is left out, as if it had never come to that. */
function bootOf(file: string): DhcpMessage[] {
  return readUdpPackets(new URL(file, FOLDER).pathname).flatMap(({ toPort, payload }) => {
    const message = decode(payload)
    if (toPort !== 67 || isMalformed(message)) return []
    const stage = clientOf(message)?.boot.stage
    return stage === 'firmware' || stage === 'ipxe' ? [message] : []
  })
}

const FILES = readdirSync(FOLDER)
  .filter(name => name.endsWith('.pcap'))
  .filter(name => bootOf(name).length > 0)
  .sort()

/** The conversation with this server: each REQUEST takes what was offered. What was given to boot, repeats left out. */
function boot(bench: SiteBench, messages: DhcpMessage[], round: number): string[] {
  let offered = addresses([])
  const given = messages.map(heard => {
    bench.rig.clock.advance(1000)
    const options = new Map(heard.options)
    if (options.has(50) && messageTypeOf(heard) === 'request') options.set(50, offered)
    options.delete(54)
    if (messageTypeOf(heard) === 'request') options.set(54, addresses([bench.rig.site.network.address]))
    const decision = bench.decide({ ...heard, xid: (heard.xid + round) >>> 0, options })
    if (decision.do !== 'reply') return decision.reason
    if (decision.type === 'offer') offered = addresses([decision.message.yiaddr])
    const { plan } = decision.said
    return plan.do === 'nothing' ? plan.reason : plan.do
  })
  return given.filter((what, index) => what !== given[index - 1])
}

describe.each(FILES)('H19 %s', file => {
  test('booted again and again without its script, it is given its loader no more; one boot is one', async () => {
    const bench = await SiteBench.open(siteOf(''))
    const messages = bootOf(file)
    const first = boot(bench, messages, 0)
    expect(first.every(what => what === 'load' || what === 'script')).toBe(true)
    for (let round = 1; round < BOOTS_MOST; round++) {
      bench.rig.clock.advance(2 * 60_000)
      expect(boot(bench, messages, round)).toEqual(first)
    }
    bench.rig.clock.advance(2 * 60_000)
    expect(new Set(boot(bench, messages, BOOTS_MOST))).toEqual(new Set(['boot-loop']))
  })

  test('with its script each time it may boot all day', async () => {
    const bench = await SiteBench.open(siteOf(''))
    const messages = bootOf(file)
    const first = boot(bench, messages, 0)
    const { id } = bench.rig.registry.machines()[0]!
    for (let round = 1; round < 4 * BOOTS_MOST; round++) {
      await bench.rig.registry.record(id, { type: 'local-disk-told' }, 'http')
      bench.rig.clock.advance(2 * 60_000)
      expect(boot(bench, messages, round)).toEqual(first)
    }
  })
})

test('H19 the alarm, the timeline and the list of machines say so, once, and a restart forgets nothing', async () => {
  const bench = await SiteBench.open()
  const attempt = await bench.rig.registry.startAttempt(bench.rig.machine(NODE1), { by: 'operator', again: false })
  expect(typeof attempt).toBe('string')
  for (let round = 0; round < BOOTS_MOST + 3; round++) {
    bench.boot(BIOS)
    bench.rig.clock.advance(60_000)
  }
  await expect
    .poll(() => bench.rig.store.typesOf(NODE1).filter(type => type === 'boot-looped'))
    .toEqual(['boot-looped'])
  const why =
    'its loader was given 6 times in 6 min and the script never fetched: it gets nothing more to boot until it fetches it or is approved'
  expect(bench.rig.log.of('error')).toEqual([`error ${why}`])
  expect(bench.alarms.map(({ code, subject, severity }) => [code, subject, severity])).toEqual([
    ['boot-loop', 'node1', 'alarm'],
  ])
  await bench.restart()
  expect(bench.rig.machine(NODE1)).toMatchObject({ state: 'stalled', reason: why })
  expect(bench.fleet.view({ mac: NODE1, boot: { stage: 'ipxe' } }).plan).toEqual({ do: 'nothing', reason: 'boot-loop' })
  // Its address it gets all the same.
  expect(bench.boot(IPXE)).toBe('ack reservation 10.77.0.11')
})
