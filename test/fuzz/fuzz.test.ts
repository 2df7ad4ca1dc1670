/** Every parser of foreign octets, for a few seconds from a fixed seed; `npm run fuzz` looks for longer. And the fuzzer itself. */
import { describe, expect, test } from 'vitest'
import { corpusOf, fuzz, MOST_MS } from './fuzz.ts'
import { Chance, mutate } from './mutate.ts'
import type { Target } from './target.ts'
import { CORPUS, TARGETS } from './targets/index.ts'

const RUNS = 10_000
const LIMIT_MS = 60_000

describe('M07 no octets break it, keep it too long, or make it say too much', () => {
  test.each(TARGETS.map(target => [target.name, target] as const))(
    '%s',
    async (name, target) => {
      const { runs, behaviours, finding } = await fuzz(target, corpusOf(name, CORPUS), {
        seed: 7,
        until: done => done >= RUNS,
      })
      expect(finding).toBeUndefined()
      expect(runs).toBeGreaterThanOrEqual(RUNS)
      // A target that always does the same is not reached by what is changed.
      expect(behaviours).toBeGreaterThan(5)
    },
    LIMIT_MS,
  )
})

const BROKEN: Target = {
  name: 'broken',
  seeds: () => [Uint8Array.from(Buffer.from('a message of some length'))],
  words: [Uint8Array.of(0xde, 0xad)],
  maxBytes: 64,
  run(bytes) {
    if (Buffer.from(bytes).includes(Buffer.of(0xde, 0xad))) throw new Error('planted')
    return `${bytes.length}`
  },
}

describe('the fuzzer', () => {
  test('finds what was planted, and makes it short', async () => {
    const { finding } = await fuzz(BROKEN, [], { seed: 1, until: runs => runs >= 10_000 })
    expect([finding?.error.split('\n')[0], Buffer.from(finding!.bytes).toString('hex')]).toEqual([
      'Error: planted',
      'dead',
    ])
  })

  test('finds what is slow each time', async () => {
    const slow = { ...BROKEN, seeds: () => [new Uint8Array()], run: () => `${burn(2 * MOST_MS)}` }
    expect((await fuzz(slow, [], { seed: 1, until: () => true })).finding?.error).toBe(`takes more than ${MOST_MS} ms`)
  })

  test('lets what was slow once be', async () => {
    let first = true
    const once = {
      ...BROKEN,
      seeds: () => [new Uint8Array()],
      run: () => `${burn(first ? 2 * MOST_MS : 0)}${(first = false)}`,
    }
    expect((await fuzz(once, [], { seed: 1, until: () => true })).finding).toBeUndefined()
  })

  test('does the same for the same seed', () => {
    const inputs = (seed: number) => {
      const chance = new Chance(seed)
      const seeds = BROKEN.seeds()
      return Array.from({ length: 50 }, () =>
        Buffer.from(mutate(seeds[0]!, seeds[0]!, BROKEN.words, 64, chance)).toString('hex'),
      )
    }
    expect(inputs(3)).toEqual(inputs(3))
    expect(inputs(3)).not.toEqual(inputs(4))
  })
})

/** Keeps the processor busy, as a bad parser would: counted as the fuzzer counts. */
function burn(ms: number): number {
  const began = process.threadCpuUsage().user
  while (ms > 0 && process.threadCpuUsage().user - began < ms * 1000);
  return ms
}
