/** What `doctor` found, for a person: the worst first, glyph and word, and what to do on a line of its own. */
import { styleText } from 'node:util'
import type { Severity } from '../health/codes.ts'
import type { Finding } from '../health/finding.ts'
import { counted } from '../kit/amount.ts'
import type { Style } from './table.ts'
import { wrap } from './wrap.ts'

const MARKS: Record<Severity, { glyph: string; style: Style }> = {
  error: { glyph: '✖', style: 'red' },
  warning: { glyph: '▲', style: 'yellow' },
  info: { glyph: '•', style: 'cyan' },
  ok: { glyph: '✔', style: 'green' },
}

const WORD_WIDTH = 'warning'.length
/** Glyph, blank, word, two blanks. */
const MARGIN = 2 + WORD_WIDTH + 2
const NARROWEST = 40

function findingLines({ severity, code, message, hint }: Finding, width: number): string[] {
  const { glyph, style } = MARKS[severity]
  const room = Math.max(NARROWEST, width - MARGIN)
  const [first = '', ...rest] = wrap((severity === 'ok' ? message : `${code}: ${message}`).split(' '), room)
  const todo = severity === 'ok' || hint === 'nothing' ? [] : wrap(`what to do: ${hint}`.split(' '), room)
  const head = styleText(style, `${glyph} ${severity.padEnd(WORD_WIDTH)}`)
  const below = [...rest, ...todo.map(line => styleText('dim', line))]
  return [`${head}  ${first}`, ...below.map(line => `${' '.repeat(MARGIN)}${line}`)]
}

function those(findings: readonly Finding[], severity: Severity, word: string): string[] {
  const count = findings.filter(one => one.severity === severity).length
  return count === 0 ? [] : [counted(count, word)]
}

/** @param width of the terminal, in characters */
export function doctorText(findings: readonly Finding[], tookMs: number, width: number): string {
  const counts = [...those(findings, 'error', 'error'), ...those(findings, 'warning', 'warning')]
  const verdict = counts.length === 0 ? 'fine' : counts.join(', ')
  const lines = findings.flatMap(finding => findingLines(finding, width))
  return [...lines, '', `${verdict}; looked for ${(tookMs / 1000).toFixed(1)} s`].join('\n')
}
