/** The words this room uses for what is wrong; the same in code, log, API and manual. Messages never hold a secret. */
import type { Place, Problem } from '../kit/problem.ts'

export type AnswerProblemCode =
  | 'body-too-large'
  | 'body-not-json'
  | 'body-too-deep'
  | 'layer-folder'
  | 'layer-unreadable'
  | 'layer-syntax'
  | 'layer-name'
  | 'layer-duplicate'
  | 'layer-unknown'
  | 'no-layers'
  | 'unknown-key'
  | 'duplicate-key'
  | 'missing-key'
  | 'wrong-value'
  | 'newer-key'
  | 'ineffective-key'
  | 'nobody-can-log-in'
  | 'placeholder-unknown'
  | 'placeholder-empty'
  | 'placeholder-unsafe'
  | 'random-password-unavailable'
  | 'webhook-elsewhere'
  | 'first-boot-elsewhere'

export function answerError(code: AnswerProblemCode, message: string, hint: string, place?: Place): Problem {
  return { code, message, hint, severity: 'error', ...(place ? { place } : {}) }
}

export function answerWarning(code: AnswerProblemCode, message: string, hint: string, place?: Place): Problem {
  return { code, message, hint, severity: 'warning', ...(place ? { place } : {}) }
}

export function hasError(problems: readonly Problem[]): boolean {
  return problems.some(problem => problem.severity === 'error')
}
