/** An explanation as lines for people. */
import { formatProblem } from '../kit/problem.ts'
import { columns } from './table.ts'
import type { ExplainedAnswer, ExplainedRule, Explanation, RehearsalView } from '../console/schema/explanation.ts'

const WHEN = { boot: 'told at boot', answer: 'told with the answer' } as const

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', title, ...lines.map(line => `  ${line}`)]
}

/** A fingerprint or a key is longer; what follows it stands out of line then. */
const WIDEST = { widest: 44 }

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

function answerLines({ layers, keys, leftOut, ...answer }: ExplainedAnswer): string[] {
  const from = (key: ExplainedAnswer['keys'][number]): string =>
    `${key.from}${key.over.length > 0 ? ` (over ${key.over.join(', ')})` : ''}`
  return [
    ...section(
      `answer for ${answer.product} ${answer.release}, installer ${answer.installer}: layers, later ones over earlier ones`,
      columns(
        layers.map(({ name, why, file }) => [name, why, file]),
        WIDEST,
      ),
    ),
    ...section(
      'keys',
      columns(
        keys.map(key => [key.path, key.value, from(key)]),
        WIDEST,
      ),
    ),
    ...section('left out, newer than this installer', leftOut),
  ]
}

function rehearsalLines({ at, erases, leaves, nic, doubts }: RehearsalView): string[] {
  return section(`rehearsal on the hardware that it reported ${at}`, [
    `would erase ${erases.join(', ') || 'no disk'}`,
    `leaves ${leaves.join(', ') || 'no disk'} alone`,
    ...(nic ? [`management interface ${nic}`] : []),
    ...doubts.map(({ message, hint }) => `doubt: ${message}; ${hint}`),
  ])
}

export function explanationText(explanation: Explanation): string {
  const { conflicts, facts, rules, listed, plan, refusal, profile, answer, rehearsal, problems, notes } = explanation
  const asked = refusal ? `no: ${refusal.message} (${refusal.reason})` : 'yes'
  const iso = profile?.iso ? `, ISO ${profile.iso}` : ''
  return [
    who(explanation),
    ...section(
      'facts',
      columns(
        facts.map(({ fact, values, told }) => [fact, values.join(', '), WHEN[told]]),
        WIDEST,
      ),
    ),
    ...section(
      'conflicts',
      conflicts.map(
        ({ name, id, by, value }) => `${by} ${value} is claimed by ${name === id ? id : `${name} (${id})`}, too`,
      ),
    ),
    ...section(
      'rules, the first that fits counts',
      rules.map(rule => ruleLine(rule, listed)),
    ),
    ...section('next', [
      `boots ${plan.boots === 'nothing' ? 'nothing' : `the ${plan.boots}`}: ${plan.why}`,
      `would get its answer now: ${asked}`,
      ...(profile ? [`profile ${profile.name}${iso}: ${profile.why}`] : []),
    ]),
    ...(answer ? answerLines(answer) : []),
    ...(rehearsal ? rehearsalLines(rehearsal) : []),
    ...section('notes', notes),
    ...section('problems', problems.map(formatProblem)),
  ].join('\n')
}
