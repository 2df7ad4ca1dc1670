/** An error of the API as the page shows it: what, where, what to do. */
import type { Problem } from '../../../kit/problem.ts'

export type PageProblem = {
  /** HTTP status; 0 if there was no answer. */
  status: number
  code: string
  message: string
  hint: string
  /** Which parts of the request were wrong. */
  errors: { path: string; message: string }[]
  /** All that is wrong with what it is about, such as a site file. */
  problems?: Problem[]
  /** Whether a one-time link is the way in (`not-signed-in`). */
  canLink?: boolean
}

export const UNREACHABLE: PageProblem = {
  status: 0,
  code: 'unreachable',
  message: 'the appliance does not answer',
  hint: 'check the network between you and it, and on it: systemctl status rackrise',
  errors: [],
}

type ProblemDetails = {
  title?: string
  detail?: string
  code?: string
  hint?: string
  errors?: { path: string; message: string }[]
  problems?: Problem[]
  canLink?: boolean
}

/** @param body of `application/problem+json` (RFC 9457), or whatever else came with that status */
export function readProblem(status: number, body: unknown): PageProblem {
  const details = (typeof body === 'object' && body !== null ? body : {}) as ProblemDetails
  return {
    status,
    code: details.code ?? `http-${status}`,
    message: details.detail ?? details.title ?? `the appliance answered with status ${status}`,
    hint: details.hint ?? 'its log says more: journalctl -u rackrise',
    errors: details.errors ?? [],
    ...(details.problems === undefined ? {} : { problems: details.problems }),
    ...(details.canLink === undefined ? {} : { canLink: details.canLink }),
  }
}
