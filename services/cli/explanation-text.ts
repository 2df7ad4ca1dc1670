/** An explanation as lines for people. */
import { formatProblem } from '../kit/problem.ts'
import { columns } from './table.ts'
import { hang, INDENT } from './wrap.ts'
import type { ExplainedAnswer, ExplainedRule, Explanation, RehearsalView } from '../console/schema/explanation.ts'

const WHEN = { boot: 'told at boot', answer: 'told with the answer' } as const

const MARGIN = '  '

function section(title: string, lines: readonly string[], width: number): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map(line => hang(MARGIN, line, width, INDENT))]
}

/** What may be long is in the last column. */
function tableSection(title: string, rows: readonly (readonly string[])[], width: number): string[] {
  return rows.length === 0
    ? []
    : ['', title, ...columns(rows, { width: width - MARGIN.length }).map(line => MARGIN + line)]
}

function ruleLine({ rule, profile, outcome, lost }: ExplainedRule, listed: Explanation['listed']): string {
  const start = `rule ${rule} (profile ${profile})`
  if (outcome === 'taken') return `${start} takes it`
  if (!lost) return `${start} fits, but ${listed === 'machine' ? 'its entry' : 'an earlier rule'} comes first`
  const seen = lost.seen.map(value => JSON.stringify(value)).join(', ')
  const why = {
    'not-told': `it has not told that (${WHEN[lost.told]})`,
    differs: `it told ${seen}`,
    excluded: `it told ${seen}`,
  }[lost.because]
  return `${start} is lost at ${lost.condition}: ${why}`
}

function who({ machine, listed }: Explanation): string {
  const title = machine.name ? `${machine.name} (${machine.macs.join(', ')})` : machine.macs.join(', ')
  const state = machine.seen ? `${machine.state}${machine.reason ? `: ${machine.reason}` : ''}` : 'never seen'
  const by = { machine: 'its own entry in the site file', rule: 'a rule', nothing: 'nothing in the site file' }[listed]
  return `${title}: ${state}; known by ${by}`
}

function answerLines({ layers, keys, leftOut, ...answer }: ExplainedAnswer, width: number): string[] {
  const from = (key: ExplainedAnswer['keys'][number]): string =>
    `${key.from}${key.over.length > 0 ? ` (over ${key.over.join(', ')})` : ''}`
  return [
    ...tableSection(
      `answer for ${answer.product} ${answer.release}, installer ${answer.installer}: layers, later ones over earlier ones`,
      layers.map(({ name, why, file }) => [name, why, file]),
      width,
    ),
    ...tableSection(
      'keys',
      keys.map(key => [key.path, from(key), key.value]),
      width,
    ),
    ...section('left out, newer than this installer', leftOut, width),
  ]
}

function rehearsalLines({ at, erases, leaves, nic, doubts }: RehearsalView, width: number): string[] {
  const lines = [
    `would erase ${erases.join(', ') || 'no disk'}`,
    `leaves ${leaves.join(', ') || 'no disk'} alone`,
    ...(nic ? [`management interface ${nic}`] : []),
    ...doubts.map(({ message, hint }) => `doubt: ${message}; ${hint}`),
  ]
  return section(`rehearsal on the hardware that it reported ${at}`, lines, width)
}

/** @param width of the terminal, in characters */
export function explanationText(explanation: Explanation, width = Infinity): string {
  const { conflicts, facts, rules, listed, plan, refusal, profile, answer, rehearsal, problems, notes } = explanation
  const asked = refusal ? `no: ${refusal.message} (${refusal.reason})` : 'yes'
  const iso = profile?.iso ? `, ISO ${profile.iso}` : ''
  const claims = conflicts.map(
    ({ name, id, by, value }) => `${by} ${value} is claimed by ${name === id ? id : `${name} (${id})`}, too`,
  )
  const next = [
    `boots ${plan.boots === 'nothing' ? 'nothing' : `the ${plan.boots}`}: ${plan.why}`,
    `would get its answer now: ${asked}`,
    ...(profile ? [`profile ${profile.name}${iso}: ${profile.why}`] : []),
  ]
  return [
    hang('', who(explanation), width, INDENT),
    ...tableSection(
      'facts',
      facts.map(({ fact, values, told }) => [fact, WHEN[told], values.join(', ')]),
      width,
    ),
    ...section('conflicts', claims, width),
    ...section(
      'rules, the first that fits counts',
      rules.map(rule => ruleLine(rule, listed)),
      width,
    ),
    ...section('next', next, width),
    ...(answer ? answerLines(answer, width) : []),
    ...(rehearsal ? rehearsalLines(rehearsal, width) : []),
    ...section('notes', notes, width),
    ...section('problems', problems.map(formatProblem), width),
  ].join('\n')
}
