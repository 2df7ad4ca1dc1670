import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type InLine, Line } from '../../services/dhcp/line.ts'

class Member implements InLine<Member> {
  readonly number: number
  line: Line<Member> | undefined
  before: Member | undefined
  after: Member | undefined

  constructor(number: number) {
    this.number = number
  }
}

test('whatever comes and goes, lines hold what sets of the language do, in the same order, and nobody stands in two', () => {
  const anyStep = fc.record({ does: fc.constantFrom('add', 'delete'), line: fc.nat(1), one: fc.nat(6) })
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 40, size: 'max' }), steps => {
      const members = Array.from({ length: 7 }, (_, number) => new Member(number))
      const lines = [new Line<Member>(), new Line<Member>()]
      const sets = [new Set<Member>(), new Set<Member>()]
      for (const { does, line, one } of steps) {
        const member = members[one]!
        lines[line]![does as 'add' | 'delete'](member)
        if (does === 'add') for (const set of sets) set.delete(member)
        sets[line]![does as 'add' | 'delete'](member)
        for (const [at, set] of sets.entries()) {
          const { first, size } = lines[at]!
          expect([[...lines[at]!], first, size]).toEqual([[...set], [...set][0], set.size])
          for (const inIt of set) expect(inIt.line).toBe(lines[at])
        }
      }
    }),
  )
})

test('who left holds nobody', () => {
  const line = new Line<Member>()
  const [first, second, third] = [new Member(1), new Member(2), new Member(3)]
  for (const one of [first, second, third]) line.add(one)
  line.delete(second)
  expect([second.line, second.before, second.after]).toEqual([undefined, undefined, undefined])
  expect([...line]).toEqual([first, third])
})

test('the first of many that take turns is found at once', () => {
  const count = 16_384
  const line = new Line<Member>()
  for (let one = 0; one < count; one += 1) line.add(new Member(one))
  const times = Array.from({ length: 10 }, (_, round) => {
    const started = process.hrtime.bigint()
    for (let turn = 0; turn < 1000; turn += 1) {
      line.delete(line.first!)
      line.add(new Member(count + round * 1000 + turn))
    }
    return Number(process.hrtime.bigint() - started) / 1000
  })
  expect(line.first?.number).toBe(10_000)
  // Nanoseconds a turn, the quickest of ten; a walk over those that left would take many times that.
  expect(Math.min(...times)).toBeLessThan(4000)
})
