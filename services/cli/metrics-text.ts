/** What was counted, for people: what is zero is left out, durations are told by their middle and their slow end. */
import { styleText } from 'node:util'
import { formatSize } from '../kit/amount.ts'
import { columns } from './table.ts'
import { wrap } from './wrap.ts'

/** As prom-client has it; `metricName` tells the parts of a histogram apart. */
export type Counted = {
  name: string
  help: string
  type: string
  values: readonly { value: number; labels: Record<string, string | number>; metricName?: string }[]
}

/** Of Node, what an operator has a use for. */
const OF_PROCESS = new Set([
  'process_resident_memory_bytes',
  'process_cpu_seconds_total',
  'process_open_fds',
  'nodejs_heap_size_used_bytes',
  'nodejs_eventloop_lag_p99_seconds',
])

function amountOf(name: string, value: number): string {
  if (/_bytes(_total)?$/.test(name)) return formatSize(Math.round(value))
  if (/_seconds(_total)?$/.test(name)) return seconds(value)
  return Number.isInteger(value) ? String(value) : value.toFixed(1)
}

function seconds(value: number): string {
  return value < 1 ? `${Number((value * 1000).toPrecision(3))} ms` : `${Number(value.toPrecision(3))} s`
}

function wordsOf(labels: Record<string, string | number>): string {
  return Object.entries(labels)
    .filter(([name]) => name !== 'le')
    .map(([, value]) => value)
    .join(' ')
}

/** The bound below which that part of all lies; the highest bound says only that it is above it. */
function boundOf(buckets: readonly (readonly [bound: number, count: number])[], part: number): string {
  const total = buckets.at(-1)?.[1] ?? 0
  const [bound = Infinity] = buckets.find(([, count]) => count >= total * part) ?? []
  const highest = buckets.at(-2)?.[0] ?? 0
  return Number.isFinite(bound) ? `<= ${seconds(bound)}` : `> ${seconds(highest)}`
}

function histogramRows({ name, values }: Counted): string[][] {
  const series = Map.groupBy(values, ({ labels }) => wordsOf(labels))
  return [...series].flatMap(([words, parts]) => {
    const of = (suffix: string) => parts.filter(({ metricName }) => metricName === `${name}_${suffix}`)
    const count = of('count')[0]?.value ?? 0
    if (count === 0) return []
    const buckets = of('bucket').map(
      ({ labels, value }) => [Number(String(labels['le']).replace('+Inf', 'Infinity')), value] as const,
    )
    const mean = seconds((of('sum')[0]?.value ?? 0) / count)
    const told = `mean ${mean}, half ${boundOf(buckets, 0.5)}, 95 of 100 ${boundOf(buckets, 0.95)}`
    return [[words, String(count), told]]
  })
}

function rowsOf(metric: Counted): string[][] {
  if (metric.type === 'histogram') return histogramRows(metric)
  return metric.values
    .filter(({ value }) => value !== 0)
    .map(({ labels, value }) => [wordsOf(labels), amountOf(metric.name, value), ''])
}

/** Numbers one below the other, whatever words stand before them. */
function aligned(rows: readonly string[][], width: number): string[] {
  const widest = Math.max(...rows.map(([, amount]) => amount!.length))
  const cells = rows.map(([words, amount, told]) => [`  ${words}`, amount!.padStart(widest), told!])
  return columns(cells, { width })
}

/** Its name and what it is, which stands below where there is no room beside it. */
function headOf({ name, help }: Counted, width: number): string[] {
  const title = styleText('bold', name)
  if (name.length + 2 + help.length <= width) return [`${title}  ${styleText('dim', help)}`]
  return [title, ...wrap(help.split(' '), width - 2).map(line => `  ${styleText('dim', line)}`)]
}

/** @param width of the terminal, in characters */
export function metricsText(metrics: readonly Counted[], width = Infinity): string {
  const blocks = metrics
    .filter(({ name }) => name.startsWith('rackrise_') || OF_PROCESS.has(name))
    .map(metric => ({ metric, rows: rowsOf(metric) }))
    .filter(({ rows }) => rows.length > 0)
    .map(({ metric, rows }) => [...headOf(metric, width), ...aligned(rows, width)].join('\n'))
  return blocks.join('\n\n')
}
