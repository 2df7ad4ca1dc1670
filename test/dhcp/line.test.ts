import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Line } from '../../services/dhcp/line.ts'

test('whatever comes and goes, a line holds what a set of the language does, in the same order', () => {
  const anyStep = fc.record({ does: fc.constantFrom('add', 'delete'), one: fc.nat(6) })
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40, size: 'max' }), steps => {
      const [line, set] = [new Line<number>(), new Set<number>()]
      for (const { does, one } of steps) {
        line[does as 'add' | 'delete'](one)
        set[does as 'add' | 'delete'](one)
        expect([[...line], line.first, line.size, line.has(one)]).toEqual([
          [...set],
          [...set][0],
          set.size,
          set.has(one),
        ])
      }
    }),
  )
})

test('the first of many that take turns is found at once', () => {
  const count = 16_384
  const line = new Line<number>()
  for (let one = 0; one < count; one += 1) line.add(one)
  const times = Array.from({ length: 10 }, (_, round) => {
    const started = process.hrtime.bigint()
    for (let turn = 0; turn < 1000; turn += 1) {
      line.delete(line.first!)
      line.add(count + round * 1000 + turn)
    }
    return Number(process.hrtime.bigint() - started) / 1000
  })
  expect(line.first).toBe(10_000)
  // Nanoseconds a turn, the quickest of ten; a walk over those that left would take many times that.
  expect(Math.min(...times)).toBeLessThan(4000)
})
