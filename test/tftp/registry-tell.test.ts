import { describe, expect, test } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { TftpFact } from '../../services/tftp/file.ts'
import { registryTftpTell } from '../../services/tftp/registry-tell.ts'
import type { Fact } from '../../services/machine/event.ts'
import { Fleet, NODE1 } from '../machine/rig.ts'

const HERE = '10.77.0.11' as Ipv4
const ELSEWHERE = '10.77.0.77' as Ipv4

async function open() {
  const fleet = await Fleet.open()
  const tell = registryTftpTell({
    registry: fleet.registry,
    macAt: address => (address === HERE ? NODE1 : undefined),
    log: fleet.log,
  })
  const fact = (partial: Partial<TftpFact>): void =>
    tell({
      fact: 'progress',
      client: { address: HERE, port: 2070 },
      name: 'snponly.efi',
      bytes: 512,
      size: 1024,
      ...partial,
    })
  fleet.log.lines.length = 0
  return { fleet, fact }
}

test('progress is a sign of life, and no event', async () => {
  const { fleet, fact } = await open()
  fleet.clock.advance(5000)
  fact({ fact: 'started', bytes: 0 })
  fact({})
  expect(fleet.registry.progress(fleet.machine(NODE1))).toMatchObject({ file: 'loader', sent: 512, total: 1024 })
  expect([fleet.registry.heardAt(fleet.machine(NODE1)), fleet.store.rows.length]).toEqual([fleet.clock.now(), 1])
})

test('a loader that was sent whole is an event', async () => {
  const { fleet, fact } = await open()
  fact({ fact: 'sent', bytes: 1024 })
  await expect.poll(() => fleet.store.typesOf(NODE1)).toEqual(['sighted', 'loader-sent'])
  expect(JSON.parse(fleet.store.rows.at(-1)!.body)).toEqual({ type: 'loader-sent', file: 'snponly.efi', bytes: 1024 })
})

test('kernel and initrd of an attempt are told as by HTTP, and a configuration is no loader', async () => {
  const { fleet, fact } = await open()
  const attempt = await fleet.registry.startAttempt(fleet.machine(NODE1), { by: 'operator', again: false })
  if (typeof attempt !== 'string') throw new Error(attempt.message)
  const script: Fact = { type: 'script-served', attempt, address: HERE, resumed: false }
  await fleet.registry.record(fleet.machine(NODE1).id, script, 'tftp')
  fact({ fact: 'sent', name: 'grub/grub.cfg', bytes: 900, size: 900 })
  fact({ fact: 'started', name: `boot/${attempt}/vmlinuz`, bytes: 0, size: 8000 })
  fact({ fact: 'sent', name: `boot/${attempt}/vmlinuz`, bytes: 8000, size: 8000 })
  fact({ fact: 'started', name: `boot/${attempt}/initrd.img`, bytes: 0, size: 64_000 })
  fact({ fact: 'progress', name: `boot/${attempt}/initrd.img`, bytes: 32_000, size: 64_000 })
  expect(fleet.registry.progress(fleet.machine(NODE1))).toMatchObject({ file: 'initrd', sent: 32_000, total: 64_000 })
  fact({ fact: 'sent', name: `boot/${attempt}/initrd.img`, bytes: 64_000, size: 64_000 })
  await expect
    .poll(() => fleet.store.typesOf(NODE1).slice(-4))
    .toEqual(['script-served', 'kernel-sent', 'initrd-started', 'initrd-sent'])
  expect(fleet.store.rows.every(row => row.source !== 'tftp' || !row.body.includes('anomaly'))).toBe(true)
})

test('a client that is no machine of ours changes nothing', async () => {
  const { fleet, fact } = await open()
  fact({ fact: 'sent', client: { address: ELSEWHERE, port: 2070 } })
  expect([fleet.store.rows.length, fleet.log.lines]).toEqual([1, []])
})

describe('a transfer that failed is a warning, whoever it was for', () => {
  test.each<[Partial<TftpFact>, string[]]>([
    [{ reason: 'client-silent' }, ['warn snponly.efi did not reach node1: client-silent, 512 of 1024 bytes']],
    [
      { reason: 'read-failed', client: { address: ELSEWHERE, port: 1 } },
      ['warn snponly.efi did not reach 10.77.0.77: read-failed, 512 of 1024 bytes'],
    ],
    // A ROM that looked whether the file is there says so with an error.
    [{ reason: 'client-refused', bytes: 0 }, []],
    [{ reason: 'client-refused' }, ['warn snponly.efi did not reach node1: client-refused, 512 of 1024 bytes']],
  ])('%j', async (partial, lines) => {
    const { fleet, fact } = await open()
    fact({ fact: 'failed', ...partial })
    expect([fleet.log.lines, fleet.store.rows.length]).toEqual([lines, 1])
  })
})
