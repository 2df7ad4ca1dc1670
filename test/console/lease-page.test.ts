import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { closeConsoleApp, type ConsoleApp } from '../../services/console/app.ts'
import { addLeaseApi } from '../../services/console/lease-api.ts'
import { pageOfLeases } from '../../services/console/lease-page.ts'
import { localLeases, storedLeases } from '../../services/console/leases.ts'
import { remoteLeases } from '../../services/console/remote-leases.ts'
import type { LeaseView } from '../../services/console/schema/lease.ts'
import { type Ipv4, ipv4FromNumber, ipv4ToNumber } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { LeaseRecord } from '../../services/store/types.ts'
import { Fleet, NODE1, NODE2, siteOf } from '../machine/rig.ts'
import { MemoryStore } from '../dhcp/rig.ts'
import { socketApp } from './rig.ts'

const FIRST = ipv4ToNumber('10.64.0.1' as Ipv4)

test('page after page is the sorted list, whatever its order, its gaps and the pages’ length', async () => {
  const numbers = fc.uniqueArray(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(
      numbers,
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 3 }),
      async (all, limit, every) => {
        const leases = all.map(number => ({ address: ipv4FromNumber(number), fits: number % every === 0 }))
        const told: string[] = []
        let after: Ipv4 | undefined
        for (;;) {
          const page = await pageOfLeases(leases, { limit, after, fits: ({ fits }) => fits })
          expect(page.leases.length).toBeLessThanOrEqual(limit)
          told.push(...page.leases.map(({ address }) => address))
          if (!page.hasMore) break
          after = page.leases.at(-1)!.address
        }
        const wanted = all.filter(number => number % every === 0).toSorted((a, b) => a - b)
        expect(told).toEqual(wanted.map(ipv4FromNumber))
      },
    ),
  )
})

test('a hundred thousand are a page in many short turns', async () => {
  const leases = Array.from({ length: 100_000 }, (_, at) => ({
    address: ipv4FromNumber(FIRST + ((at * 7919) % 100_000)),
  }))
  let turns = 0
  let isOver = false
  const count = (): void => {
    turns += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  const page = await pageOfLeases(leases, { limit: 500, after: ipv4FromNumber(FIRST + 49_999), fits: () => true })
  isOver = true
  expect([page.leases.length, page.leases[0]!.address, page.hasMore]).toEqual([
    500,
    ipv4FromNumber(FIRST + 50_000),
    true,
  ])
  expect(turns).toBeGreaterThanOrEqual(40)
})

describe('over the socket', () => {
  const COUNT = 1203
  let folder: string
  let app: ConsoleApp

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rackrise-leases-'))
    const { registry, clock, log } = await Fleet.open(siteOf())
    const store = new MemoryStore()
    const times = { boundAt: clock.now(), expiresAt: clock.now() + 3_600_000 }
    for (let at = COUNT - 1; at >= 0; at -= 1) {
      const part: Partial<LeaseRecord> = at === 700 ? { mac: NODE1 } : at % 2 === 0 ? {} : { state: 'released' }
      await store.put({
        ...{ address: ipv4FromNumber(FIRST + at), mac: NODE2, state: 'bound', ...times },
        ...part,
      })
    }
    app = await socketApp(log)
    addLeaseApi(
      app,
      localLeases(storedLeases(store, clock), registry, clock, async () => {}),
    )
    await app.listen({ path: join(folder, 'control.sock') })
  })
  afterAll(async () => {
    await closeConsoleApp(app)
    await rm(folder, { recursive: true })
  })

  async function ask(url: string): Promise<{ addresses: string[]; link: unknown }> {
    const reply = await app.inject({ url, headers: { 'rackrise-user': 'anna' } })
    return { addresses: reply.json<LeaseView[]>().map(({ address }) => address), link: reply.headers['link'] }
  }

  test('without a limit 500 come, and the address of the rest, until there is none', async () => {
    const first = await ask('/api/v1/leases')
    expect([first.addresses.length, first.addresses[0], first.link]).toEqual([
      500,
      '10.64.0.1',
      '</api/v1/leases?after=10.64.1.244>; rel="next"',
    ])
    const second = await ask(/<(.*)>/.exec(String(first.link))![1]!)
    const third = await ask(/<(.*)>/.exec(String(second.link))![1]!)
    expect([second.addresses[0], third.addresses.length, third.link]).toEqual(['10.64.1.245', COUNT - 1000, undefined])
  })

  test.each([
    ['state=bound&limit=1000', 602],
    ['state=bound&state=released&limit=1000', 1000],
    ['state=quarantine', 0],
    [`mac=${NODE1.toUpperCase().replaceAll(':', '-')}`, 1],
    [`mac=${NODE1}&mac=${NODE2}&state=bound&limit=1000`, 602],
    ['search=NODE1', 1],
    ['search=bound%20NODE1', 1],
    ['search=expired%20nobody', 0],
    ['search=10.64.4.17', 11],
    ['after=10.64.4.175', 4],
    // Addresses that are nobody's have their places all the same.
    ['after=10.0.0.9&limit=2', 2],
    ['after=10.65.0.1', 0],
    ['after=10.64.4', 400],
  ])('%s', async (query, count) => {
    const reply = await app.inject({ url: `/api/v1/leases?${query}`, headers: { 'rackrise-user': 'anna' } })
    expect(reply.statusCode === 200 ? reply.json<LeaseView[]>().length : reply.statusCode).toBe(count)
  })

  test('more than a thousand at once is refused', async () => {
    expect((await app.inject('/api/v1/leases?limit=1001')).statusCode).toBe(400)
  })

  test('the command line has all of them, in order', async () => {
    const all = await remoteLeases({ path: join(folder, 'control.sock'), user: 'anna' }).list()
    expect(all.map(({ address }) => address)).toEqual(
      Array.from({ length: COUNT }, (_, at) => ipv4FromNumber(FIRST + at)),
    )
  })
})

test('a hundred thousand over the socket, as `lease list` asks for them', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rackrise-leases-'))
  const { registry, clock, log } = await Fleet.open(siteOf(''))
  const times = { boundAt: clock.now(), expiresAt: clock.now() + 3_600_000 }
  const records = Array.from(
    { length: 100_000 },
    (_, at): LeaseRecord => ({
      ...{ address: ipv4FromNumber(FIRST + ((at * 7919) % 100_000)), state: 'bound', ...times },
      mac: `02:00:00:${[at >> 16, (at >> 8) & 255, at & 255].map(octet => octet.toString(16).padStart(2, '0')).join(':')}` as Mac,
    }),
  )
  const app = await socketApp(log)
  const source = { ...storedLeases(new MemoryStore(), clock), all: async () => [...records] }
  addLeaseApi(
    app,
    localLeases(source, registry, clock, async () => {}),
  )
  await app.listen({ path: join(folder, 'control.sock') })
  const one = performance.now()
  expect((await app.inject('/api/v1/leases?limit=200&search=node')).json<LeaseView[]>()).toEqual([])
  const began = performance.now()
  const all = await remoteLeases({ path: join(folder, 'control.sock'), user: 'anna' }).list()
  const tookMs = performance.now() - began
  process.stdout.write(
    `100,000 leases: a search in vain ${Math.round(began - one)} ms, all of them ${Math.round(tookMs)} ms\n`,
  )
  expect([all.length, all[0]!.address, all.at(-1)!.address]).toEqual([
    100_000,
    '10.64.0.1',
    ipv4FromNumber(FIRST + 99_999),
  ])
  expect(began - one).toBeLessThan(2_000)
  expect(tookMs).toBeLessThan(20_000)
  await closeConsoleApp(app)
  await rm(folder, { recursive: true })
})
