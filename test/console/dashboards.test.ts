/** The dashboard and the alerting rules ask for what there is. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { allMetrics, LABEL_VALUES } from './all-metrics.ts'
import { processMetrics } from './metrics-manual.ts'
import { namesIn, type Selector } from './promql.ts'

const read = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8')

type Panel = {
  title: string
  type: string
  targets?: { expr: string; legendFormat: string }[]
  gridPos: Record<string, number>
}
const dashboard = JSON.parse(read('grafana/rackrise.json')) as { panels: Panel[] }

/** `expr: ...` on its line, or folded below it. */
const rules = [
  ...read('prometheus-alerts.yml').matchAll(/^ {6}- alert: (\w+)\n {8}expr: (?:>-\n((?: {10}.*\n)+)|(.*))/gm),
]
const alerts = rules.map(([, name, folded, line]) => [name!, (folded ?? line)!.replaceAll(/\s+/g, ' ').trim()] as const)

const panels = dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => [title, expr] as const))

/** What Prometheus adds to every series. */
const OF_PROMETHEUS = ['job', 'instance']
/** Variables of Grafana, in words that PromQL takes. */
const plain = (expression: string): string => expression.replaceAll('$__rate_interval', '5m')

const metrics = allMetrics()
const ofNode = new Set(await processMetrics())

function objectionsTo({ metric, labels }: Selector): string[] {
  if (ofNode.has(metric)) return []
  const name = metric.replace(/_(bucket|sum|count)$/, '')
  const known = metrics.find(one =>
    one.type === 'histogram' ? one.name === name && name !== metric : one.name === metric,
  )
  if (!known) return [`there is no ${metric}`]
  return labels.flatMap(({ label, operator, value }) => {
    if (OF_PROMETHEUS.includes(label)) return []
    const allowed = LABEL_VALUES[known.name]?.[label]
    if (!known.labels.includes(label) || !allowed) return [`${metric} has no label ${label}`]
    const words = operator.includes('~') ? value.split('|') : [value]
    return allowed instanceof RegExp
      ? []
      : words.filter(word => !allowed.includes(word)).map(word => `${label} is never ${word}`)
  })
}

function groupedBy(expression: string): string[] {
  const { selectors, groupings } = namesIn(expression)
  const labels = new Set(
    selectors.flatMap(({ metric }) => {
      const name = metric.replace(/_(bucket|sum|count)$/, '')
      const known = metrics.find(one => one.name === metric || one.name === name)
      return [...(known?.labels ?? []), ...(metric.endsWith('_bucket') ? ['le'] : []), ...OF_PROMETHEUS]
    }),
  )
  return groupings.filter(label => !labels.has(label)).map(label => `nothing to group by ${label}`)
}

describe('every expression names what the appliance tells', () => {
  test.each([...panels, ...alerts])('%s', (_, expression) => {
    const { selectors } = namesIn(plain(expression))
    expect(selectors.length).toBeGreaterThan(0)
    expect([...selectors.flatMap(objectionsTo), ...groupedBy(plain(expression))]).toEqual([])
    // A quantile without the bounds of its buckets, and a rate of what is no counter, are silently wrong.
    if (expression.includes('histogram_quantile')) expect(expression).toMatch(/by \([^)]*\ble\b/)
    for (const [, metric] of expression.matchAll(/(?:rate|increase)\(([a-z_]+)/g))
      expect(metric).toMatch(/_(total|bucket|count|sum)$/)
  })
})

test('legends name labels that the expression keeps', () => {
  const wrong = dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.flatMap(({ expr, legendFormat }) => {
      const kept = namesIn(plain(expr)).groupings
      return [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].filter(([, label]) => !kept.includes(label!)).map(() => title)
    }),
  )
  expect(wrong).toEqual([])
})

test('panels stand side by side and not on each other', () => {
  const taken = new Set<string>()
  for (const { title, gridPos } of dashboard.panels) {
    const { x = 0, y = 0, w = 0, h = 0 } = gridPos
    expect([title, x + w <= 24]).toEqual([title, true])
    for (let column = x; column < x + w; column++)
      for (let line = y; line < y + h; line++) {
        expect([title, taken.has(`${column} ${line}`)]).toEqual([title, false])
        taken.add(`${column} ${line}`)
      }
  }
})

test('there is an alert for each of what wakes somebody up, and each says what to do', () => {
  const text = read('prometheus-alerts.yml')
  expect(alerts.map(([name]) => name)).toHaveLength([...text.matchAll(/- alert: /g)].length)
  expect([...text.matchAll(/^ {10}(summary|description|severity): \S/gm)]).toHaveLength(3 * alerts.length)
})

test.each([
  'sum(rackrise_unheard_total)',
  'sum(rackrise_machines{state="gone"})',
  'sum(rackrise_machines{machine="node1"})',
  'sum(rackrise_http_answer_seconds)',
])('%s is found to be wrong', expression => {
  expect(namesIn(expression).selectors.flatMap(objectionsTo)).toHaveLength(1)
})

test.each([
  'sum(rackrise_machines',
  'sum(rackrise_machines))',
  'summe(rackrise_machines)',
  'sum(rackrise_machines{state})',
])('%s is no expression', expression => {
  expect(() => namesIn(expression)).toThrow()
})
