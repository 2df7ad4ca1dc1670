/** What is counted has names, types and values as Prometheus wants them. */
import { describe, expect, test } from 'vitest'
import { allMetrics, LABEL_VALUES, objectionTo } from './all-metrics.ts'

const metrics = allMetrics()

test('names end as their type says, and every label has its values', () => {
  const wrong = metrics.filter(
    ({ name, type }) =>
      !/^rackrise_[a-z_]+$/.test(name) ||
      (type === 'counter') !== name.endsWith('_total') ||
      (type === 'histogram' && !name.endsWith('_seconds')),
  )
  expect(wrong).toEqual([])
  expect(metrics.flatMap(({ name, labels }) => labels.filter(label => !LABEL_VALUES[name]?.[label]))).toEqual([])
  const names = metrics.map(({ name }) => name)
  expect([names.length, Object.keys(LABEL_VALUES).filter(name => !names.includes(name))]).toEqual([
    new Set(names).size,
    [],
  ])
})

describe('a line that is not ours is found', () => {
  test.each<[string, string | undefined]>([
    ['rackrise_dhcp_received_total 3', undefined],
    ['rackrise_http_answer_seconds_bucket{le="0.1",outcome="served"} 2', undefined],
    ['rackrise_machines{state="held"} 2', undefined],
    ['rackrise_machines{state="52:54:00:00:00:01"} 2', 'state may not be "52:54:00:00:00:01"'],
    ['rackrise_machines{state="held",machine="node1"} 2', 'machine may not be "node1"'],
    ['rackrise_console_requests_total{route="/api/v1/machines/node1",status="2xx"} 1', undefined],
    ['rackrise_console_requests_total{route="/api/v1/machines/52:54:00",status="2xx"} 1', 'route may not be'],
    ['rackrise_unheard_total 1', 'nobody declares it'],
  ])('%s', (line, objection) => {
    const said = objectionTo(line, metrics)
    if (objection === undefined) expect(said).toBeUndefined()
    else expect(said).toContain(objection)
  })
})
