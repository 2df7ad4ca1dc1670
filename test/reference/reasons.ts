/** `docs/reference/reasons.md`: every word for why something happened or did not, from the tables of the rooms. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REASONS as CONSOLE } from '../../services/console/reasons.ts'
import { REASONS as DHCP } from '../../services/dhcp/reasons.ts'
import { REASONS as DNS } from '../../services/dns/reasons.ts'
import { FINDINGS } from '../../services/health/codes.ts'
import { REASONS as HTTP } from '../../services/http/reasons.ts'
import { REASONS as TFTP } from '../../services/tftp/reasons.ts'
import { ROOT } from '../presubmit/source.ts'
import { OTHER_CODES } from './other-codes.ts'
import { code, head, table } from './page.ts'

/** One word, wherever it comes from. */
type Row = { code: string; kind?: string; message: string; action: string; severity?: string }
type Section = { title: string; seen: string; rows: Row[] }

type Table = Record<string, { kind?: string; message: string; action: string; severity: string }>

function rowsOf(reasons: Table): Row[] {
  return Object.entries(reasons).map(([word, reason]) => ({ code: word, ...reason }))
}

/** Rows of the README of a room whose table stands there and nowhere else; another test compares it with the code. */
function rowsOfReadme(room: string, first: string): string[][] {
  const lines = readFileSync(join(ROOT, 'services', room, 'README.md'), 'utf8').split('\n')
  const start = lines.findIndex(line => line.startsWith(`| \`${first}\``))
  const end = lines.findIndex((line, at) => at > start && !line.startsWith('|'))
  return lines.slice(start, end).map(line => line.slice(2, -2).split(' | '))
}

const codesIn = (cell: string): string[] => [...cell.matchAll(/`([a-z0-9-]+)`/g)].map(([, word]) => word!)

function siteRows(): Row[] {
  return rowsOfReadme('site', 'unreadable').map(([cell = '', message = '']) => ({
    code: codesIn(cell)[0]!,
    message,
    action: 'as the problem says',
    severity: codesIn(cell)[0] === 'doubtful' ? 'warning' : 'error',
  }))
}

function answerRows(): Row[] {
  return rowsOfReadme('answer', 'body-too-large').flatMap(([cell = '', action = '']) =>
    codesIn(cell).map(word => ({ code: word, message: '', action })),
  )
}

function isoRows(): Row[] {
  return rowsOfReadme('iso', 'iso-folder').map(([cell = '', message = '', action = '', severity = '']) => ({
    code: codesIn(cell)[0]!,
    message,
    action,
    severity,
  }))
}

const DNS_ROWS: Row[] = Object.entries(DNS).map(([word, { message, hint, severity }]) => ({
  code: word,
  message,
  action: hint,
  severity,
}))

const HTTP_ROWS: Row[] = Object.entries(HTTP).map(([word, { routes, message, action, severity }]) => ({
  code: word,
  kind: routes.join(', '),
  message,
  action,
  severity,
}))

const TIMELINE = 'the log, the timeline, `/metrics`'

export const SECTIONS: readonly Section[] = [
  {
    title: 'DHCP',
    seen: `${TIMELINE}; those of kind *alarm* and severity *alarm* in \`rackrise alarm list\``,
    rows: rowsOf(DHCP),
  },
  { title: 'DNS', seen: 'the log, `/metrics`', rows: DNS_ROWS },
  { title: 'TFTP', seen: TIMELINE, rows: rowsOf(TFTP) },
  {
    title: 'HTTP and answers',
    seen: `${TIMELINE}, and what an installer is told on its screen; the kind is whose route it was`,
    rows: HTTP_ROWS,
  },
  { title: 'Console', seen: 'the log, `/metrics`, and what a person or program is told', rows: rowsOf(CONSOLE) },
  {
    title: 'Doctor',
    seen: '`rackrise doctor`, `GET /api/v1/doctor`, the page; what nobody can leave so is an alarm',
    rows: rowsOf(FINDINGS),
  },
  { title: 'Site file', seen: '`rackrise check`, and when the appliance starts', rows: siteRows() },
  {
    title: 'Answers',
    seen: '`rackrise answer validate`, `check`, `explain`; each problem says itself what is wrong',
    rows: answerRows(),
  },
  { title: 'ISOs', seen: '`rackrise iso`, `check`, `GET /api/v1/isos`, the page', rows: isoRows() },
  ...OTHER_CODES.map(({ title, seen, codes }) => ({
    title,
    seen,
    rows: Object.entries(codes).map(([word, { about, action, severity }]) => ({
      code: word,
      message: about,
      action,
      severity,
    })),
  })),
]

const ABOUT = [
  'Every reply, silence, refusal and problem has a word of a closed table. It is the same in the log (`reason`), on the timeline, in metrics, in `code` of the API and with `--json`.',
  'Look for the word here; what stands beside it says what to do. *Nothing* means that it is as it should be.',
]

function section({ title, seen, rows }: Section): string {
  const hasKind = rows.some(({ kind }) => kind !== undefined)
  const hasMessage = rows.some(({ message }) => message !== '')
  const hasSeverity = rows.some(({ severity }) => severity !== undefined)
  const columns = [
    'Code',
    ...(hasKind ? ['Kind'] : []),
    ...(hasMessage ? ['What'] : []),
    'What to do',
    ...(hasSeverity ? ['Severity'] : []),
  ]
  const cells = rows.map(one => [
    code(one.code),
    ...(hasKind ? [one.kind ?? ''] : []),
    ...(hasMessage ? [one.message] : []),
    one.action,
    ...(hasSeverity ? [one.severity ?? ''] : []),
  ])
  return [`## ${title}`, '', `Seen in ${seen}.`, '', table(columns, cells), ''].join('\n')
}

export function reasonsPage(): string {
  return [head('Reasons', ...ABOUT), ...SECTIONS.map(section)].join('\n')
}
