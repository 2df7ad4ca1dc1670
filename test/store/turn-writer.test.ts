/** Who waits to share a flush: whoever comes after writes that others waited for, not after upkeep. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { openStore, type Store } from '../../services/store/store.ts'

let folder: string
let store: Store
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-turns-'))
  store = await openStore(folder)
})
afterEach(async () => {
  vi.restoreAllMocks()
  await store.close()
  await rm(folder, { recursive: true })
})

const putLease = (): Promise<void> =>
  store.leases.put({
    address: '10.77.0.11' as Ipv4,
    mac: 'bc:24:11:ab:12:21' as Mac,
    state: 'bound',
    boundAt: 1,
    expiresAt: 2,
  })

test.each<[after: string, write: () => Promise<unknown>, waits: number[]]>([
  ['a lease', putLease, [5]],
  ['an event', () => store.events.append({ machine: 'a', at: 5, source: 'dhcp', type: 'one', body: '{}' }), [5]],
  ['events that go', () => store.events.remove([1, 2]), []],
  ['a snapshot', () => store.events.putSnapshots([{ machine: 'a', seq: 1, holds: '', body: '{}' }]), []],
  ['a checkpoint', () => store.events.putCheckpoint({ seq: 1, version: 1 }), []],
  ['a document that goes', () => store.documents.remove({ machine: 'a', kind: 'report', at: 1 }), []],
  [
    'a snapshot beside a lease',
    () => Promise.all([store.events.putCheckpoint({ seq: 1, version: 1 }), putLease()]),
    [5],
  ],
])('a lease that comes right after %s', async (_, write, waits) => {
  // Time stands still, so that it is right after however busy this machine is.
  vi.spyOn(performance, 'now').mockReturnValue(1000)
  await write()
  const timers = vi.spyOn(globalThis, 'setTimeout')
  await putLease()
  expect(timers.mock.calls.map(([, milliseconds]) => milliseconds)).toEqual(waits)
})
