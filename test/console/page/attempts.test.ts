import { describe, expect, test } from 'vitest'
import { groupByAttempt, outcomeOf, stageTimes } from '../../../services/console/page/timeline/attempts.ts'
import { pictureOf } from '../../../services/console/page/timeline/picture.ts'
import { entry, installation } from './timelines.ts'

const held = [entry(-900, 'leased', { stage: 'firmware' }), entry(-890, 'local-disk-told')]

describe('attempts', () => {
  test('each takes what follows it; what was before the first has none', () => {
    const groups = groupByAttempt([...held, ...installation(), ...installation(10_000, '77aa0000')])
    expect(groups.map(({ attempt, steps }) => [attempt, steps.length])).toEqual([
      [undefined, 2],
      ['3f9c0000', 15],
      ['77aa0000', 15],
    ])
    expect(groups.map(({ last }) => last.type)).toEqual(['local-disk-told', 'local-disk-told', 'local-disk-told'])
  })

  test('an order that changed nothing starts none', () => {
    const refused = entry(700, 'attempt-started', { attempt: 'x', anomaly: 'it is installed' })
    expect(groupByAttempt([...installation(), refused])).toHaveLength(1)
  })

  test('nothing is nothing', () => expect(groupByAttempt([])).toEqual([]))

  test('a silence across the border belongs to what ended it', () => {
    const [, group] = groupByAttempt([...held, ...installation()])
    expect(group!.steps[0]!.gap).toEqual({ seconds: 890, words: 'until a person decided' })
  })

  test('downloads have octets, seconds and a rate', () => {
    const [group] = groupByAttempt(installation())
    const downloads = group!.steps.flatMap(({ entry: { type }, download }) => (download ? [[type, download]] : []))
    expect(downloads.slice(0, 3)).toEqual([
      ['loader-sent', { bytes: 1_048_576, seconds: 2, bytesPerSecond: 524_288 }],
      ['kernel-sent', { bytes: 15_728_640, seconds: 2, bytesPerSecond: 7_864_320 }],
      ['initrd-sent', { bytes: 1_717_986_918, seconds: 20, bytesPerSecond: 85_899_345.9 }],
    ])
  })

  test('stages last from one entry to the other', () => {
    const [group] = groupByAttempt(installation())
    expect(stageTimes(group!)).toEqual({
      firmware: 2,
      loader: 14,
      download: 22,
      unpacking: 77,
      installation: 225,
      restart: 200,
    })
  })

  test('a stage that was not reached has no time', () => {
    const [group] = groupByAttempt(installation().slice(0, 8))
    expect(stageTimes(group!)).toEqual({ firmware: 2, loader: 14, download: 22 })
  })

  test.each([
    ['installed', installation(), false, { word: 'installed' }],
    ['given up for another', installation().slice(0, 5), false, { word: 'superseded' }],
    [
      'stalled, and then reported',
      [...installation().slice(0, 11), entry(900, 'stalled'), entry(950, 'reported')],
      false,
      { word: 'installed' },
    ],
    ['under way', installation().slice(0, 5), true, { word: 'booting' }],
    [
      'inferred',
      [entry(0, 'attempt-started'), entry(9, 'installation-inferred')],
      false,
      { word: 'installed', note: 'inferred: it booted its disk, and no report came' },
    ],
    ['failed', [entry(0, 'attempt-started'), entry(9, 'answer-failed')], false, { word: 'failed' }],
  ])('how it ended: %s', (_, entries, isLatest, outcome) => {
    expect(outcomeOf(groupByAttempt(entries)[0]!, isLatest, 'booting')).toMatchObject(outcome)
  })
})

describe('picture', () => {
  const picture = pictureOf(groupByAttempt(installation())[0]!.steps)

  test('a lane for each protocol, in the order of the wire', () => {
    expect(picture.lanes.map(({ source, marks }) => [source, marks.length])).toEqual([
      ['dhcp', 4],
      ['tftp', 2],
      ['http', 5],
      ['dns', 1],
      ['answer', 1],
      ['webhook', 1],
      ['operator', 1],
    ])
  })

  test('time runs across, from the first entry to the last', () => {
    const all = picture.lanes.flatMap(({ marks }) => marks.map(({ at }) => at))
    expect([Math.min(...all), Math.max(...all)]).toEqual([0, 1])
    expect(picture.ticks[0]).toEqual({ at: 0, text: '0' })
    expect(picture.ticks.map(({ text }) => text)).toContain('+2 min 52 s')
  })

  test('the download is a bar from its begin to its end', () => {
    const [bar] = picture.lanes.find(({ source }) => source === 'http')!.bars.slice(-1)
    expect(bar!.entry.type).toBe('initrd-sent')
    expect(bar!.to).toBeGreaterThan(bar!.from)
  })

  test('a download that is under way reaches from its begin until now', () => {
    const steps = groupByAttempt(installation().slice(0, 7))[0]!.steps
    const now = Date.parse(steps.at(-1)!.entry.at) + 10_000
    const under = (file: 'loader' | 'kernel' | 'initrd') => {
      const progress = { file, sent: 250, total: 1000, bytesPerSecond: 25 }
      return pictureOf(steps, { progress, now }).lanes.find(({ live }) => live !== undefined)!
    }
    const initrd = under('initrd')
    const [started] = initrd.marks.slice(-1)
    expect([initrd.source, initrd.live]).toEqual(['http', { from: started!.at, to: 1, part: 0.25 }])
    expect(started!.at).toBeCloseTo(0.89, 1)
    expect(under('kernel').live!.from).toBeLessThan(started!.at)
    const first = groupByAttempt(installation().slice(0, 2))[0]!.steps
    const progress = { file: 'loader', sent: 0, total: 0, bytesPerSecond: 0 } as const
    const { lanes } = pictureOf(first, { progress, now: 0 })
    expect(lanes.map(({ source, live }) => [source, live?.part])).toEqual([
      ['dhcp', undefined],
      ['tftp', 0],
      ['operator', undefined],
    ])
  })

  test('of entries of one moment a download begins at the latest', () => {
    const at = [
      entry(0, 'attempt-started'),
      entry(0, 'leased', { stage: 'firmware' }),
      entry(0, 'loader-sent', { bytes: 9 }),
    ]
    const { lanes } = pictureOf(groupByAttempt(at)[0]!.steps)
    expect(lanes.find(({ source }) => source === 'tftp')!.bars.map(({ from, to }) => [from, to])).toEqual([[0.5, 1]])
  })

  test('a night is cut, and the cut is marked', () => {
    const { breaks, lanes } = pictureOf(
      groupByAttempt([entry(0, 'attempt-started'), entry(50_000, 'leased'), entry(50_150, 'loader-sent')])[0]!.steps,
    )
    expect(breaks).toEqual([0.25])
    expect(lanes.find(({ source }) => source === 'dhcp')!.marks[0]!.at).toBe(0.5)
  })

  test('one entry alone is a picture, too', () => {
    expect(pictureOf([{ entry: entry(0, 'leased') }]).ticks).toEqual([{ at: 0, text: '0' }])
  })
})
