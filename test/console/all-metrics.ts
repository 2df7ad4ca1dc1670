/** Everything that the appliance counts, by the code that counts it: for the manual, for dashboards, and for who looks whether a label is one of ours. */
import { LOCAL_DISK_CAUSES } from '../../services/boot/script.ts'
import { countAppliance } from '../../services/console/counts.ts'
import { Door } from '../../services/console/door.ts'
import { REASONS as CONSOLE_REASONS } from '../../services/console/reasons.ts'
import { requestCounts, STATUS_CLASSES } from '../../services/console/request-counts.ts'
import { dhcpCounts, gaugeLeases } from '../../services/dhcp/counts.ts'
import { type MalformedDetail, MESSAGE_TYPES } from '../../services/dhcp/message.ts'
import { REASONS as DHCP_REASONS } from '../../services/dhcp/reasons.ts'
import { dnsCounts } from '../../services/dns/counts.ts'
import { REASONS as DNS_REASONS } from '../../services/dns/reasons.ts'
import { FILE_ENDS, httpCounts, PARTS } from '../../services/http/counts.ts'
import { REASONS as HTTP_REASONS } from '../../services/http/reasons.ts'
import { FINDINGS } from '../../services/health/codes.ts'
import { ISO_STATES, PROBLEM_SEVERITIES } from '../../services/iso/counts.ts'
import { systemClock } from '../../services/kit/clock.ts'
import { silentLog } from '../../services/kit/log.ts'
import type { Meter } from '../../services/kit/meter.ts'
import { ATTEMPT_OUTCOMES, MACHINE_STATES, STAGES } from '../../services/machine/counts.ts'
import { COMMIT_RESULTS, STORE_FILES, storeCounts } from '../../services/store/counts.ts'
import { tftpCounts } from '../../services/tftp/counts.ts'
import { REASONS as TFTP_REASONS } from '../../services/tftp/reasons.ts'
import { gaugeOutbox, outboxCounts, TRY_OUTCOMES } from '../../services/webhook/counts.ts'

export type Metric = { name: string; type: 'counter' | 'gauge' | 'histogram'; labels: readonly string[]; help: string }

/** Has the rooms declare what they count; nothing of it is counted. */
export function allMetrics(): Metric[] {
  const metrics: Metric[] = []
  const declare =
    (type: Metric['type']) =>
    (name: string, help: string, labels: readonly string[] = []) => {
      metrics.push({ name, type, labels, help })
      return () => {}
    }
  const meter: Meter = { counter: declare('counter'), duration: declare('histogram'), gauge: declare('gauge') }
  dhcpCounts(meter)
  gaugeLeases(meter, { holdCount: 0 }, () => [])
  dnsCounts(meter, () => ({ prepared: 0, answers: 0, octets: 0, waiting: 0 }))
  tftpCounts(meter, () => 0)
  httpCounts(meter)
  countAppliance({ meter, registry: { subscribe() {} } } as unknown as Parameters<typeof countAppliance>[0])
  storeCounts(meter)
  outboxCounts(meter)
  gaugeOutbox(meter, { views: async () => [] }, systemClock)
  requestCounts(meter)
  new Door({ meter, clock: systemClock, log: silentLog } as unknown as ConstructorParameters<typeof Door>[0])
  return metrics
}

const MALFORMED: Record<MalformedDetail, true> = {
  'too-short': true,
  'no-magic-cookie': true,
  'unknown-op': true,
  'hardware-address-too-long': true,
  'truncated-option': true,
}
const OF_DHCP = Object.keys(DHCP_REASONS)
/** Raised by rooms without a table of reasons. */
const ALARMS = [
  ...['certificate', 'certificate-key', 'certificate-expires', 'certificate-expired', 'certificate-waits'],
  ...['clock-stepped', 'event-loop-held', 'identity-conflict', 'iso-not-capable', 'iso-missing', 'webhook-failing'],
  ...['restored-held', 'too-many-connections'],
]
const SUBNET = /^\d+\.\d+\.\d+\.\d+\/\d+$/
const TARGET = /^\d{1,3}$/
const ROUTE = /^(none|\*|(\/(:?[a-z][a-zA-Z0-9._-]*|\*)?)+)$/

/** What a label may be: words of closed tables, or what the site file and the code themselves have. */
export const LABEL_VALUES: Record<string, Record<string, readonly string[] | RegExp>> = {
  rackrise_dhcp_malformed_total: { detail: Object.keys(MALFORMED) },
  rackrise_dhcp_decisions_total: {
    type: ['none', ...Object.keys(MESSAGE_TYPES)],
    outcome: ['offer', 'ack', 'nak', 'silence'],
    reason: OF_DHCP,
  },
  rackrise_dhcp_notes_total: { reason: OF_DHCP },
  rackrise_dhcp_write_seconds: { result: ['written', 'failed'] },
  rackrise_dhcp_leases: { subnet: SUBNET, state: ['active', 'ended', 'released', 'quarantined'] },
  rackrise_dhcp_pool_addresses: { subnet: SUBNET, state: ['taken', 'free'] },
  rackrise_dns_decisions_total: { reason: Object.keys(DNS_REASONS) },
  rackrise_tftp_requests_total: {
    outcome: ['transfer', 'refusal', 'silence'],
    reason: ['none', ...Object.keys(TFTP_REASONS)],
  },
  rackrise_tftp_ended_total: {
    outcome: ['sent', 'declined', 'failed'],
    reason: ['none', ...Object.keys(TFTP_REASONS)],
  },
  rackrise_http_decisions_total: {
    route: ['script', 'file', 'answer', 'report', 'first-boot'],
    outcome: ['install', 'local-disk', 'describe', 'menu', 'served', 'taken', 'refused'],
    reason: ['none', ...Object.keys(LOCAL_DISK_CAUSES), ...Object.keys(HTTP_REASONS)],
  },
  rackrise_http_answer_seconds: { outcome: ['served', 'refused'] },
  rackrise_http_files_total: { part: PARTS, outcome: FILE_ENDS },
  rackrise_http_file_bytes_total: { part: PARTS },
  rackrise_machines: { state: MACHINE_STATES },
  rackrise_attempts_total: { outcome: ATTEMPT_OUTCOMES },
  rackrise_attempt_stage_seconds: { stage: STAGES },
  rackrise_isos: { state: ISO_STATES },
  rackrise_iso_problems: { severity: PROBLEM_SEVERITIES },
  rackrise_store_bytes: { file: STORE_FILES },
  rackrise_store_commit_seconds: { result: COMMIT_RESULTS },
  rackrise_store_writes_total: { result: COMMIT_RESULTS },
  rackrise_alarms: {
    code: [DHCP_REASONS, HTTP_REASONS, CONSOLE_REASONS, FINDINGS].flatMap(Object.keys).concat(ALARMS),
    severity: ['warning', 'alarm'],
  },
  rackrise_webhook_tries_total: { target: TARGET, outcome: TRY_OUTCOMES },
  rackrise_webhook_pending: { target: TARGET },
  rackrise_webhook_given_up: { target: TARGET },
  rackrise_webhook_oldest_seconds: { target: TARGET },
  rackrise_console_requests_total: { route: ROUTE, status: STATUS_CLASSES },
  rackrise_console_access_total: { reason: Object.keys(CONSOLE_REASONS) },
}

/** Suffixes of a histogram's series. */
const OF_HISTOGRAM = /_(?:bucket|sum|count)$/

/** What is wrong with one line of the exposition: a series that nobody declared, or a label value that is no word of ours. */
export function objectionTo(line: string, metrics: readonly Metric[]): string | undefined {
  const [, series = '', labels = ''] = /^([a-z_]+)(?:\{(.*)\})? \S+$/.exec(line) ?? []
  const name = series.replace(OF_HISTOGRAM, '')
  const metric = metrics.find(known => known.name === series) ?? metrics.find(known => known.name === name)
  if (!metric) return `${line}: nobody declares it`
  for (const [, label = '', value = ''] of labels.matchAll(/([a-z_]+)="((?:[^"\\]|\\.)*)"/g)) {
    if (label === 'le' && metric.type === 'histogram') continue
    const allowed = LABEL_VALUES[metric.name]?.[label]
    const isKnown = allowed instanceof RegExp ? allowed.test(value) : (allowed?.includes(value) ?? false)
    if (!isKnown || !metric.labels.includes(label)) return `${line}: ${label} may not be "${value}"`
  }
  return undefined
}
