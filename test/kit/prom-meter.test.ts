/** What Prometheus reads, of a meter that counted. */
import { expect, test } from 'vitest'
import { promMeter } from '../../services/kit/prom-meter.ts'

function linesOf(text: string, name: string): string[] {
  return text.split('\n').filter(line => line.startsWith(name) || line.startsWith(`# TYPE ${name} `))
}

test('counters, gauges and durations in the text format', async () => {
  const meter = promMeter()
  const said = meter.counter('rackrise_test_said_total', 'What was said', ['word'])
  said({ word: 'yes' })
  said({ word: 'yes' }, 2)
  said({ word: 'no' })
  let free = 3
  meter.gauge('rackrise_test_free', 'What is free', ['pool'], () => [[{ pool: 'a' }, free]])
  const took = meter.duration('rackrise_test_seconds', 'How long it took')
  took({}, 0.002)
  took({}, 2)
  free = 2
  const text = await meter.text()
  expect(linesOf(text, 'rackrise_test_said_total')).toEqual([
    '# TYPE rackrise_test_said_total counter',
    'rackrise_test_said_total{word="yes"} 3',
    'rackrise_test_said_total{word="no"} 1',
  ])
  expect(linesOf(text, 'rackrise_test_free')).toEqual([
    '# TYPE rackrise_test_free gauge',
    'rackrise_test_free{pool="a"} 2',
  ])
  expect(text).toContain('rackrise_test_seconds_bucket{le="0.001"} 0\n')
  expect(text).toContain('rackrise_test_seconds_bucket{le="0.0025"} 1\n')
  expect(text).toContain('rackrise_test_seconds_count 2\n')
  expect(meter.contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
})

test('a series that a gauge no longer tells is gone', async () => {
  const meter = promMeter()
  const pools = new Map([
    ['a', 1],
    ['b', 2],
  ])
  meter.gauge('rackrise_test_pools', 'Pools', ['pool'], () => [...pools].map(([pool, value]) => [{ pool }, value]))
  await meter.text()
  pools.delete('a')
  expect(linesOf(await meter.text(), 'rackrise_test_pools{')).toEqual(['rackrise_test_pools{pool="b"} 2'])
})

test('two meters in one process count by themselves', async () => {
  const [one, other] = [promMeter(), promMeter()]
  one.counter('rackrise_test_total', 'Something')({})
  other.counter('rackrise_test_total', 'Something')
  expect(linesOf(await one.text(), 'rackrise_test_total ')).toContain('rackrise_test_total 1')
  expect(linesOf(await other.text(), 'rackrise_test_total ')).toContain('rackrise_test_total 0')
})

test('Node tells its heap and the lag of its event loop', async () => {
  const text = await promMeter().text()
  for (const name of ['nodejs_eventloop_lag_p99_seconds', 'nodejs_heap_size_used_bytes']) {
    expect(text).toMatch(new RegExp(`\\n${name} [0-9.e+-]+\\n`))
  }
})
