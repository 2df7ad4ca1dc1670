/** The manual of metrics, made of what the code declares: `npm run reference` writes it anew. */
import { promMeter } from '../../services/kit/prom-meter.ts'
import { allMetrics, LABEL_VALUES, type Metric } from './all-metrics.ts'

const HEAD = `# Metrics

What the appliance counts, for Prometheus (\`GET /metrics\` of the console, or of the control socket) and for people (\`rackrise metrics\`).
This page is made of the code, and a test compares the two.

Durations are histograms in seconds: each has \`_bucket\`, \`_sum\` and \`_count\`. A label's values are words of closed tables, subnets and numbers of targets
in the site file, or patterns of routes: never a MAC, a name, an address or a URL. So the number of series is bounded, whatever is sent.
[A dashboard](grafana/rackrise.json) and [alerting rules](prometheus-alerts.yml) stand beside this page.
`

function labelsOf({ name, labels }: Metric): string {
  return labels.map(label => `\`${label}\``).join(', ') || (LABEL_VALUES[name] ? '?' : '')
}

/** The long tables of reasons are those of the rooms' READMEs. */
const LONGEST_LIST = 16

function valuesOf(values: readonly string[] | RegExp, label: string): string {
  if (values instanceof RegExp)
    return { subnet: 'prefixes of the site file', target: 'its number in the site file, from 1' }[label] ?? 'patterns'
  if (values.length > LONGEST_LIST) return 'a reason of the room’s README'
  return values.map(value => `\`${value}\``).join(' ')
}

export function metricsManual(): string {
  const metrics = allMetrics().toSorted((a, b) => (a.name < b.name ? -1 : 1))
  const rows = metrics.map(metric => `| \`${metric.name}\` | ${metric.type} | ${labelsOf(metric)} | ${metric.help} |`)
  const values = metrics.flatMap(({ name, labels }) =>
    labels.map(label => `| \`${name}\` | \`${label}\` | ${valuesOf(LABEL_VALUES[name]?.[label] ?? [], label)} |`),
  )
  return [
    HEAD,
    '| Metric | Type | Labels | What |\n|---|---|---|---|',
    ...rows,
    '\n## Values of labels\n\n| Metric | Label | Values |\n|---|---|---|',
    ...values,
    '\n## Of the process\n\nNode’s own, as prom-client tells them: `process_*` (processor time, memory, open files, start) and `nodejs_*` (event loop lag, heap, garbage collection).',
    '',
  ].join('\n')
}

/** Names of what Node tells. */
export async function processMetrics(): Promise<string[]> {
  const values = (await promMeter().values()) as readonly { name: string }[]
  return values.map(({ name }) => name)
}
