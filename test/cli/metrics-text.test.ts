/** What a person reads of the counts. */
import { expect, test } from 'vitest'
import { type Counted, metricsText } from '../../services/cli/metrics-text.ts'
import { promMeter } from '../../services/kit/prom-meter.ts'

test('counts, sizes and durations, without what is zero', async () => {
  const meter = promMeter()
  const said = meter.counter('rackrise_test_decisions_total', 'What was decided', ['outcome', 'reason'])
  said({ outcome: 'offer', reason: 'from-pool' }, 1200)
  said({ outcome: 'silence', reason: 'blocked' }, 3)
  said({ outcome: 'nak', reason: 'address-taken' }, 0)
  meter.gauge('rackrise_test_bytes', 'How large it is', [], () => [[{}, 5 * 1024 * 1024]])
  meter.gauge('rackrise_test_waiting', 'What waits', [], () => [[{}, 0]])
  const took = meter.duration('rackrise_test_seconds', 'How long it took', ['result'])
  for (const time of [0.002, 0.002, 0.002, 9]) took({ result: 'written' }, time)
  const values = (await meter.values()) as readonly Counted[]
  expect(metricsText(values.filter(({ name }) => name.startsWith('rackrise_')))).toBe(
    `rackrise_test_decisions_total  What was decided
  offer from-pool  1200
  silence blocked     3

rackrise_test_bytes  How large it is
    5.0 MiB

rackrise_test_seconds  How long it took
  written  4  mean 2.25 s, half <= 2.5 ms, 95 of 100 > 5 s`,
  )
  expect(
    metricsText(
      values.filter(({ name }) => name === 'rackrise_test_decisions_total'),
      44,
    ),
  ).toBe(`rackrise_test_decisions_total
  What was decided
  offer from-pool  1200
  silence blocked     3`)
})
