/** The words this room uses for what is wrong; the same in code, log, API and manual. Messages never hold a secret. */
import type { Place, Problem } from '../kit/problem.ts'
import type { Path } from '../site/finding.ts'

/** Every kind of problem; the README says what to do about each. */
export const ANSWER_PROBLEM_CODES = [
  'body-too-large',
  'body-not-json',
  'body-too-deep',
  'layer-folder',
  'layer-unreadable',
  'unreadable',
  'not-utf-8',
  'syntax',
  'layer-name',
  'layer-duplicate',
  'layer-unknown',
  'no-layers',
  'unknown-key',
  'duplicate-key',
  'missing-key',
  'wrong-type',
  'wrong-value',
  'conflict',
  'duplicate-value',
  'bad-glob',
  'newer-key',
  'newer-toml',
  'old-spelling',
  'ineffective-key',
  'doubtful-value',
  'nobody-can-log-in',
  'placeholder-unknown',
  'placeholder-empty',
  'placeholder-unsafe',
  'random-password-misplaced',
  'webhook-elsewhere',
  'first-boot-elsewhere',
] as const
export type AnswerProblemCode = (typeof ANSWER_PROBLEM_CODES)[number]

/** A problem of an answer; `path` leads to the key, spelled with hyphens, or to where one is missing. */
export type AnswerProblem = Problem & { code: AnswerProblemCode; path?: Path }

export function answerError(code: AnswerProblemCode, message: string, hint: string, place?: Place): AnswerProblem {
  return { code, message, hint, severity: 'error', ...(place ? { place } : {}) }
}

export function errorAt(path: Path, code: AnswerProblemCode, message: string, hint: string): AnswerProblem {
  return { code, message, hint, severity: 'error', path }
}

export function warningAt(path: Path, code: AnswerProblemCode, message: string, hint: string): AnswerProblem {
  return { code, message, hint, severity: 'warning', path }
}

export function hasError(problems: readonly Problem[]): boolean {
  return problems.some(problem => problem.severity === 'error')
}
