/** What the validator found, for a person at a terminal, for a pipe and for programs. */
import { styleText } from 'node:util'
import type { AnswerProblem } from '../answer/problems.ts'
import type { FileKind } from '../answer/validate-text.ts'
import { counted } from '../kit/amount.ts'
import { formatProblem } from '../kit/problem.ts'
import { wrap } from './wrap.ts'

export type FileReport = {
  file: string
  /** Absent if the file could not be read. */
  kind?: FileKind
  problems: AnswerProblem[]
}

/** `pve 9.2, installer 9.2.2`; `checkedAs` is the newest known release, where the one that was said is newer. */
export type TargetName = { product: string; release: string; installer: string; checkedAs?: string }

function count({ problems }: FileReport, severity: 'error' | 'warning'): number {
  return problems.filter(problem => problem.severity === severity).length
}

function kindInWords({ kind }: FileReport): string {
  return kind === 'layer' ? 'layer (a part of an answer)' : 'answer'
}

function verdict(report: FileReport): string {
  const [errors, warnings] = [count(report, 'error'), count(report, 'warning')]
  const counts = [errors > 0 ? counted(errors, 'error') : [], warnings > 0 ? counted(warnings, 'warning') : []].flat()
  return counts.length === 0 ? 'fine' : `${errors > 0 ? 'refused' : 'accepted'}: ${counts.join(', ')}`
}

export function isRefused(report: FileReport): boolean {
  return count(report, 'error') > 0
}

/** Which files are how; for one file the verdict alone says it. */
export function summaryLine(reports: readonly FileReport[], target: TargetName): string {
  const { product, release, checkedAs } = target
  const known = checkedAs === undefined ? '' : `not known here: checked as ${checkedAs}, `
  const refused = reports.filter(isRefused).length
  const fine = reports.filter(({ problems }) => problems.length === 0).length
  const parts = [
    refused > 0 ? `${refused} refused` : [],
    reports.length - refused - fine > 0 ? `${reports.length - refused - fine} accepted with warnings` : [],
    fine > 0 ? `${fine} fine` : [],
  ].flat()
  return `${counted(reports.length, 'file')} for ${product} ${release} (${known}installer ${target.installer}): ${parts.join(', ')}`
}

/** One line for each file, without problems. */
export function verdictLine(report: FileReport): string {
  return report.kind ? `${report.file}: ${kindInWords(report)}, ${verdict(report)}` : `${report.file}: not read`
}

/** One line for each problem, as all commands print them. */
export function problemLines(reports: readonly FileReport[]): string[] {
  return reports.flatMap(({ problems }) => problems.map(formatProblem))
}

type Style = Parameters<typeof styleText>[0]

/** Colours only where the terminal has them and nobody said NO_COLOR. */
function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout })
}

const NARROWEST = 40

function prettyProblem(
  { severity, message, hint, place, code }: AnswerProblem,
  where: number,
  columns: number,
): string {
  const position = place?.line === undefined ? '' : `${place.line}:${place.column}`
  const indent = ' '.repeat(where + 13)
  const width = Math.max(NARROWEST, columns - indent.length)
  const broken = (text: string): string => wrap(text.split(' '), width).join(`\n${indent}`)
  const word = severity === 'error' ? paint('red', 'error  ') : paint('yellow', 'warning')
  return [
    `  ${paint('dim', position.padStart(where))}  ${word}  ${broken(message)}`,
    `${indent}${paint('dim', broken(`${hint} [${code}]`))}`,
  ].join('\n')
}

/** A file with its problems below it, for a terminal of so many columns. */
export function prettyReport(report: FileReport, columns: number): string {
  const mark = isRefused(report)
    ? paint('red', '✗')
    : report.problems.length > 0
      ? paint('yellow', '!')
      : paint('green', '✓')
  const head = `${mark} ${paint('bold', report.file)}  ${report.kind ? `${kindInWords(report)}, ${verdict(report)}` : 'not read'}`
  const places = report.problems.map(({ place }) => (place?.line === undefined ? '' : `${place.line}:${place.column}`))
  const where = Math.max(0, ...places.map(({ length }) => length))
  return [head, ...report.problems.map(problem => prettyProblem(problem, where, columns))].join('\n')
}

export function jsonReport(reports: readonly FileReport[], target: TargetName): string {
  const files = reports.map(report => ({
    file: report.file,
    kind: report.kind,
    valid: !isRefused(report),
    problems: report.problems,
  }))
  return JSON.stringify({ valid: !reports.some(isRefused), target, files }, null, 2)
}
