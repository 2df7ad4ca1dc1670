/** A report as a person reads it: absolute numbers, their spread, and ours as a multiple of everybody's. */
import { medianOf } from './numbers.ts'
import type { Check, Measure, Report } from './suite.ts'

/** Ours divided by theirs where more is better, theirs by ours where less is: above 1 ours is the better one. */
function ratioOf(measure: Measure, contender: string): number {
  const of = (name: string): number => medianOf(measure.rows.find(row => row.contender === name)?.values ?? [])
  const [ours, theirs] = [of(measure.rows[0]?.contender ?? ''), of(contender)]
  return measure.better === 'more' ? ours / theirs : theirs / ours
}

function shown(value: number): string {
  if (!Number.isFinite(value)) return '-'
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 1 : 2
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

function rowsOf(measure: Measure): string[][] {
  return measure.rows.map(({ contender, values }, index) => {
    const spread = values.length > 1 ? `${shown(Math.min(...values))} to ${shown(Math.max(...values))}` : ''
    const ratio = index === 0 ? '' : `${shown(ratioOf(measure, contender))} times`
    const goal = measure.goals?.find(one => one.contender === contender)
    const met = goal && (ratioOf(measure, contender) >= goal.ratio ? 'met' : 'missed')
    return [contender, shown(medianOf(values)), spread, ratio, goal ? `${goal.ratio} times: ${met}` : '']
  })
}

function tableOf(measure: Measure): string[] {
  const ours = measure.rows[0]?.contender ?? ''
  const rows = [['', 'median', 'lowest to highest', `${ours} is`, 'goal'], ...rowsOf(measure)]
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map(row => row[column]!.length)))
  const line = (row: string[]): string =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  ')
  return [
    `${measure.title} (${measure.unit}, ${measure.better} is better)`,
    ...rows.map(row => `  ${line(row).trimEnd()}`),
    ...(measure.note ? [`  ${measure.note}`] : []),
    '',
  ]
}

function checkLine({ what, holds, detail }: Check): string {
  return `${holds ? 'holds' : 'BROKEN'}: ${what}${detail ? ` (${detail})` : ''}`
}

export function reportText({ measures, checks }: Report): string {
  return [...measures.flatMap(tableOf), ...checks.map(checkLine)].join('\n').trimEnd()
}
