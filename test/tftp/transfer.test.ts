import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Terms } from '../../services/tftp/options.ts'
import {
  acknowledgedBytes,
  advance,
  begin,
  blockCount,
  type Step,
  type Transfer,
  type TransferEffect,
  type TransferEvent,
  wireNumber,
} from '../../services/tftp/transfer.ts'

const terms = (change: Partial<Terms> = {}): Terms => ({
  blockSize: 512,
  windowSize: 1,
  rollTo: 0,
  offered: [],
  ...change,
})
const OFFERED: Terms['offered'] = [['tsize', '0']]

/** Effects in short: `blocks 1-4`, `wait 1000`. */
function said(effects: TransferEffect[]): string[] {
  return effects.map(effect => {
    if (effect.do === 'send-blocks') return `blocks ${effect.first}-${effect.last}`
    if (effect.do === 'await-ack') return `wait ${effect.forMs}`
    if (effect.do === 'finish') return effect.outcome === 'failed' ? `failed ${effect.reason}` : effect.outcome
    return effect.do
  })
}

/** Runs events, a millisecond apart, and tells what each led to. */
function run(first: Step, events: TransferEvent[]): string[][] {
  let state = first.state
  return [
    said(first.effects),
    ...events.map((event, index) => {
      const step = advance(state, event, index + 1)
      state = step.state
      return said(step.effects)
    }),
  ]
}

const ack = (block: number): TransferEvent => ({ event: 'ack', block })
const timeout: TransferEvent = { event: 'timeout' }

test('K11 without options the first block comes at once: a file of one and a half blocks', () => {
  expect(run(begin(terms(), 768, 0), [ack(1), ack(2)])).toEqual([
    ['begin', 'blocks 1-1', 'wait 1000'],
    ['progress', 'blocks 2-2', 'wait 100'],
    ['sent'],
  ])
})

test.each([
  [0, 1],
  [511, 1],
  [512, 2],
  [513, 2],
  [1024, 3],
])('a file of %i octets is %i blocks of 512', (size, blocks) => {
  expect(blockCount(size, 512)).toBe(blocks)
})

test('K12 options are acknowledged with block 0 before the first block', () => {
  expect(run(begin(terms({ offered: OFFERED }), 600, 0), [ack(1), ack(0), ack(0), ack(1), ack(2)])).toEqual([
    ['send-oack', 'wait 1000'],
    [],
    ['begin', 'blocks 1-1', 'wait 100'],
    [],
    ['progress', 'blocks 2-2', 'wait 100'],
    ['sent'],
  ])
})

test.each([8, 0])('a client that breaks off with code %i after the size is no failure', code => {
  expect(run(begin(terms({ offered: OFFERED }), 600, 0), [{ event: 'error', code }])).toEqual([
    ['send-oack', 'wait 1000'],
    ['declined'],
  ])
})

test('K18 an error in the middle ends the transfer, and nothing moves it again', () => {
  expect(run(begin(terms(), 2000, 0), [ack(1), { event: 'error', code: 3 }, ack(2), timeout])).toEqual([
    ['begin', 'blocks 1-1', 'wait 1000'],
    ['progress', 'blocks 2-2', 'wait 100'],
    ['failed client-refused'],
    [],
    [],
  ])
})

test("K04 Sorcerer's Apprentice: every ACK twice, every block once", () => {
  const events = [1, 1, 2, 2, 3, 3, 4, 4].map(ack)
  const blocks = run(begin(terms(), 1800, 0), events)
    .flat()
    .filter(effect => effect.startsWith('blocks'))
  expect(blocks).toEqual(['blocks 1-1', 'blocks 2-2', 'blocks 3-3', 'blocks 4-4'])
})

test('K04 duplicate ACKs in a window send nothing either', () => {
  expect(run(begin(terms({ windowSize: 4 }), 5000, 0), [ack(4), ack(4), ack(3), ack(0)]).slice(1)).toEqual([
    ['progress', 'blocks 5-8', 'wait 100'],
    [],
    [],
    [],
  ])
})

test('K16 a lost block of a window: the client acknowledges what came before, and it goes on there', () => {
  expect(run(begin(terms({ windowSize: 4 }), 5000, 0), [ack(2), ack(6), ack(9), ack(10)])).toEqual([
    ['begin', 'blocks 1-4', 'wait 1000'],
    ['progress', 'blocks 3-6', 'wait 100'],
    ['progress', 'blocks 7-10', 'wait 100'],
    ['progress', 'blocks 10-10', 'wait 100'],
    ['sent'],
  ])
})

test('an ACK of a block that was never sent is ignored', () => {
  expect(run(begin(terms(), 5000, 0), [ack(2), ack(40_000)]).slice(1)).toEqual([[], []])
})

test('K05 silence from the beginning: the same again, twice as long, then the end', () => {
  expect(run(begin(terms({ windowSize: 2 }), 5000, 0), Array<TransferEvent>(7).fill(timeout))).toEqual([
    ['begin', 'blocks 1-2', 'wait 1000'],
    ['blocks 1-2', 'wait 2000'],
    ...Array<string[]>(5).fill(['blocks 1-2', 'wait 4000']),
    ['failed client-silent'],
  ])
})

test('K05 silence in the middle of a file: eleven times the same again within half a minute', () => {
  const steps = run(begin(terms(), 5000, 0), [ack(1), ...Array<TransferEvent>(12).fill(timeout)]).slice(1)
  expect(steps.slice(0, 7)).toEqual([
    ['progress', 'blocks 2-2', 'wait 100'],
    ['blocks 2-2', 'wait 200'],
    ['blocks 2-2', 'wait 400'],
    ['blocks 2-2', 'wait 800'],
    ['blocks 2-2', 'wait 1600'],
    ['blocks 2-2', 'wait 3200'],
    ['blocks 2-2', 'wait 4000'],
  ])
  expect(steps.at(-1)).toEqual(['failed client-silent'])
  const waits = steps.flat().flatMap(effect => (effect.startsWith('wait') ? [Number(effect.slice(5))] : []))
  expect([waits.length, waits.reduce((sum, wait) => sum + wait)]).toEqual([12, 30_300])
})

test('progress after silence starts the count anew', () => {
  const silence = Array<TransferEvent>(11).fill(timeout)
  const steps = run(begin(terms(), 5000, 0), [ack(1), ...silence, ack(2), ...silence])
  expect(steps.at(-1)).toEqual(['blocks 3-3', 'wait 4000'])
})

test('K05 the longer wait is kept until the time of an answer is known again (Karn)', () => {
  const events = [ack(1), timeout, timeout, ack(2), timeout, ack(3), ack(4)]
  expect(run(begin(terms(), 5000, 0), events).slice(3)).toEqual([
    ['blocks 2-2', 'wait 400'],
    ['progress', 'blocks 3-3', 'wait 400'],
    ['blocks 3-3', 'wait 800'],
    ['progress', 'blocks 4-4', 'wait 800'],
    ['progress', 'blocks 5-5', 'wait 100'],
  ])
})

/** A client that takes so long for every block from the third on; how often blocks left. */
function blocksTo(slowMs: number): number[] {
  const sent: number[] = []
  let step = begin(terms(), 512 * 30, 0)
  let now = 0
  for (let block = 1; block <= 31; block += 1) {
    let copies = 1
    let left = block < 3 ? 1 : slowMs
    for (;;) {
      const wait = step.effects.find(effect => effect.do === 'await-ack')!.forMs
      if (wait >= left) break
      left -= wait
      now += wait
      step = advance(step.state, timeout, now)
      copies += 1
    }
    now += left
    step = advance(step.state, ack(block), now)
    sent.push(copies)
  }
  return sent
}

test.each([150, 500, 1500, 3000])(
  'K05 a client that becomes slower by far (%i ms) is measured after a few blocks',
  slowMs => {
    const copies = blocksTo(slowMs)
    expect(copies.slice(0, 2)).toEqual([1, 1])
    expect(copies.slice(12)).toEqual(Array<number>(19).fill(1))
    expect(copies.reduce((sum, count) => sum + count)).toBeLessThan(31 + 20)
  },
)

test("a client's own retry is not taken for the time that it needs", () => {
  const state = [ack(1), timeout, ack(2)].reduce(
    (before, event) => advance(before, event, 1).state,
    begin(terms(), 5000, 0).state,
  )
  // Block 3 arrived and its ACK was lost; the client says it again after a second, before the timer that was doubled many times.
  const late = advance({ ...state, backoff: 4 }, ack(3), 1001)
  expect(said(late.effects)).toEqual(['progress', 'blocks 4-4', 'wait 226.375'])
})

test('K15 a time-out that the client asked for is kept exactly', () => {
  expect(
    run(begin(terms({ retransmitMs: 3000, offered: [['timeout', '3']] }), 5000, 0), [timeout, ack(0), ack(1)])
      .flat()
      .filter(effect => effect.startsWith('wait')),
  ).toEqual(['wait 3000', 'wait 3000', 'wait 3000', 'wait 3000'])
})

test('K05 a slow client is given time: the wait follows what it takes', () => {
  let { state } = begin(terms(), 512 * 20, 0)
  let wait = ''
  for (let block = 1; block <= 10; block += 1) {
    const step = advance(state, ack(block), block * 900)
    state = step.state
    wait = said(step.effects).at(-1)!
  }
  expect(Number(wait.slice(5))).toBeGreaterThan(900)
  expect(Number(wait.slice(5))).toBeLessThan(1200)
})

test('an ACK after a retransmission says nothing about time', () => {
  const { state } = begin(terms(), 5000, 0)
  const again = advance(state, timeout, 1000).state
  expect(advance(again, ack(1), 1001).state.roundTrip).toBeUndefined()
})

test('a client that never acknowledges the last block is told apart', () => {
  const silence = Array<TransferEvent>(7).fill(timeout)
  expect(run(begin(terms(), 600, 0), [ack(1), ...silence]).at(-1)).toEqual(['failed last-ack-missing'])
})

test('K05 a transfer that crawls ends, although it moves', () => {
  const { state } = begin(terms(), 5000, 0)
  expect(said(advance(state, ack(1), 120_000 + 5000 / 64).effects)).toEqual(['failed too-slow'])
})

test.each([
  [0, [1, 65_534, 65_535, 65_536, 65_537, 131_072], [1, 65_534, 65_535, 0, 1, 0]],
  [1, [1, 65_534, 65_535, 65_536, 65_537, 131_071], [1, 65_534, 65_535, 1, 2, 1]],
] as const)('behind block 65535 comes %i', (rollTo, blocks, numbers) => {
  expect(blocks.map(block => wireNumber(block, rollTo))).toEqual(numbers)
})

/** A client that acknowledges every window at its end. */
function download(first: Step): { state: Transfer; blocks: number; outcome: string } {
  let step = first
  let blocks = 0
  for (let now = 1; now < 200_000; now += 1) {
    const sent = step.effects.find(effect => effect.do === 'send-blocks')
    if (sent?.do === 'send-blocks') blocks += sent.last - sent.first + 1
    const end = said(step.effects).at(-1)!
    if (step.state.phase === 'finished') return { state: step.state, blocks, outcome: end }
    step = advance(step.state, ack(wireNumber(step.state.sent, step.state.terms.rollTo)), 1)
  }
  throw new Error('the download never ends')
}

test.each([
  [0, 1],
  [1, 1],
  [0, 16],
  [1, 16],
] as const)('K07 rollover to %i with a window of %i: a file of 140,000 blocks arrives whole', (rollTo, windowSize) => {
  const { state, blocks, outcome } = download(begin(terms({ blockSize: 8, rollTo, windowSize }), 140_000 * 8, 0))
  expect({ bytes: acknowledgedBytes(state), blocks, outcome }).toEqual({
    bytes: 1_120_000,
    blocks: 140_001,
    outcome: 'sent',
  })
})

test('whatever comes in: nothing is sent beyond the file or the window, and acknowledged only grows', () => {
  const event: fc.Arbitrary<TransferEvent> = fc.oneof(
    { weight: 6, arbitrary: fc.nat(30).map(ack) },
    { weight: 2, arbitrary: fc.constant(timeout) },
    { weight: 1, arbitrary: fc.nat(0xffff).map(ack) },
  )
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 60 }),
      fc.integer({ min: 1, max: 8 }),
      fc.nat(10_000),
      (events, windowSize, size) => {
        let { state } = begin(terms({ windowSize }), size, 0)
        for (const [index, each] of events.entries()) {
          const before = state.acknowledged
          const step = advance(state, each, index)
          state = step.state
          expect(state.acknowledged).toBeGreaterThanOrEqual(before)
          for (const effect of step.effects) {
            if (effect.do !== 'send-blocks') continue
            expect(effect.first).toBe(state.acknowledged + 1)
            expect(effect.last).toBeLessThanOrEqual(Math.min(blockCount(size, 512), state.acknowledged + windowSize))
          }
        }
      },
    ),
  )
})
