/** Rates are kept over time, nobody is starved, and what one machine does not take the others get. Time is a number that is moved by hand. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Pacer, QUANTUM_BYTES, type Rates } from '../../services/http/pace.ts'

const MIB = 1024 * 1024
const EVERYTHING = 1024 * MIB

/** Bodies that always have more to send and clients that always take it, for so long; what each got, in bytes a second. */
function run(rates: Rates, machines: readonly string[], seconds: number): Record<string, number> {
  const pacer = new Pacer(rates, 0)
  const got: Record<string, number> = {}
  for (const machine of machines) {
    pacer.enter(machine, 0)
    got[machine] = 0
  }
  for (let now = 0; now < seconds * 1000; now++) {
    for (const machine of machines.toSorted((one, other) => pacer.compare(one, other))) {
      const bytes = pacer.allowance(machine, now, EVERYTHING)
      if (bytes === 0) continue
      pacer.spend(machine, bytes)
      got[machine]! += bytes
    }
  }
  return Object.fromEntries(Object.entries(got).map(([machine, bytes]) => [machine, bytes / seconds]))
}

describe('rates', () => {
  test('without one everything may go at once', () => {
    const pacer = new Pacer({}, 0)
    pacer.enter('node1', 0)
    expect([pacer.allowance('node1', 0, EVERYTHING), pacer.waitMs('node1', 0)]).toEqual([EVERYTHING, 0])
  })

  test('each machine has its own, whatever the others do', () => {
    const got = run({ perMachine: 20 * MIB }, ['node1', 'node2', 'node3'], 10)
    for (const rate of Object.values(got)) expect(rate / MIB).toBeCloseTo(20, 0)
  })

  test('all together have the total, and each the same of it', () => {
    const got = run({ total: 90 * MIB }, ['node1', 'node2', 'node3'], 10)
    for (const rate of Object.values(got)) expect(rate / MIB).toBeCloseTo(30, 0)
  })

  test('a hundred machines and a small total: everybody gets on', () => {
    const names = Array.from({ length: 100 }, (_, index) => `node${index}`)
    const got = Object.values(run({ total: 10 * MIB }, names, 100))
    expect(Math.min(...got) / Math.max(...got)).toBeGreaterThan(0.9)
    expect(got.reduce((sum, rate) => sum + rate, 0) / MIB).toBeCloseTo(10, 0)
  })

  test('what a slow machine does not take, the others get', () => {
    const pacer = new Pacer({ total: 40 * MIB }, 0)
    let fast = 0
    for (const machine of ['slow', 'fast']) pacer.enter(machine, 0)
    for (let now = 0; now < 10_000; now++) {
      if (now % 100 === 0 && pacer.allowance('slow', now, QUANTUM_BYTES) > 0) pacer.spend('slow', QUANTUM_BYTES)
      const bytes = pacer.allowance('fast', now, EVERYTHING)
      if (bytes > 0) pacer.spend('fast', bytes)
      fast += bytes
    }
    expect(fast / 10 / MIB).toBeGreaterThan(39)
  })

  test('two bodies of one machine share what it has', () => {
    const pacer = new Pacer({ perMachine: MIB }, 0)
    for (const _ of [1, 2]) pacer.enter('node1', 0)
    expect(pacer.allowance('node1', 0, EVERYTHING)).toBe(QUANTUM_BYTES)
    pacer.spend('node1', QUANTUM_BYTES)
    expect(pacer.allowance('node1', 0, EVERYTHING)).toBe(0)
  })
})

test('nothing at once after a pause: a stack that is flooded stalls', () => {
  const pacer = new Pacer({ perMachine: 20 * MIB }, 0)
  pacer.enter('node1', 0)
  expect(pacer.allowance('node1', 3_600_000, EVERYTHING)).toBe(Math.floor(20 * MIB * 0.02))
})

test('the wait is until there is a quantum again', () => {
  const pacer = new Pacer({ perMachine: MIB, total: 64 * MIB }, 1000)
  pacer.enter('node1', 1000)
  pacer.spend('node1', QUANTUM_BYTES)
  expect(pacer.waitMs('node1', 1000)).toBe(62.5)
  expect(pacer.allowance('node1', 1062, EVERYTHING)).toBe(0)
  expect(pacer.waitMs('node1', 1063)).toBe(0)
  expect(pacer.allowance('node1', 1063, EVERYTHING)).toBe(QUANTUM_BYTES)
})

test('other rates count at once for who is under way, and none is none', () => {
  const pacer = new Pacer({ perMachine: MIB }, 0)
  pacer.enter('node1', 0)
  pacer.spend('node1', QUANTUM_BYTES)
  expect(pacer.waitMs('node1', 0)).toBe(62.5)
  pacer.use({ perMachine: 64 * MIB }, 0)
  expect(pacer.allowance('node1', 0, EVERYTHING)).toBe(Math.floor(64 * MIB * 0.02))
  pacer.use({}, 0)
  expect(pacer.allowance('node1', 0, EVERYTHING)).toBe(EVERYTHING)
  pacer.use({ total: MIB }, 0)
  pacer.spend('node1', QUANTUM_BYTES)
  expect(pacer.waitMs('node1', 0)).toBe(62.5)
})

test('property: never more than the rate and one burst, whoever comes and goes', () => {
  const step = fc.record({ machine: fc.constantFrom('a', 'b', 'c'), pass: fc.nat(200), most: fc.nat(4 * MIB) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 100_000, max: 100 * MIB }), (steps, total) => {
      const pacer = new Pacer({ total }, 0)
      for (const machine of ['a', 'b', 'c']) pacer.enter(machine, 0)
      let now = 0
      let sent = 0
      for (const { machine, pass, most } of steps) {
        now += pass
        const bytes = pacer.allowance(machine, now, most)
        if (bytes > 0) pacer.spend(machine, bytes)
        sent += bytes
      }
      expect(sent).toBeLessThanOrEqual((total * now) / 1000 + Math.max(QUANTUM_BYTES, total * 0.02) + 1)
    }),
  )
})
