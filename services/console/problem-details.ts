/** The one form of every refusal and error of the API: problem details (RFC 9457), with the code and hint of our problems. */
import { z } from 'zod'
import type { Problem } from '../kit/problem.ts'
import { placeSchema, problemSchema } from './schema/problem.ts'
import { schemas } from './schema/registry.ts'

export const PROBLEM_TYPE = 'application/problem+json'

/** Every status that the API refuses with, and its phrase (RFC 9110 §15): the title of a problem of type `about:blank` (RFC 9457 §4.2.1). */
const TITLES = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  409: 'Conflict',
  410: 'Gone',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
} as const
export type ProblemStatus = keyof typeof TITLES

/** What became of an order or question, by its code. Whatever stands not here is 400. */
export const STATUS_OF: Readonly<Record<string, ProblemStatus>> = {
  'unknown-machine': 404,
  'ambiguous-machine': 409,
  'not-approvable': 409,
  'attempt-open': 409,
  'machine-blocked': 409,
  'disks-in-doubt': 409,
  'no-profile': 422,
  'not-reported': 404,
  'no-password': 404,
  'password-shown': 410,
  'password-unreadable': 409,
  'reload-refused': 422,
  'unknown-lease': 404,
  'ambiguous-lease': 409,
  'not-leased': 409,
  'reserved-address': 409,
  'store-failed': 503,
  'unknown-webhook': 404,
  'iso-unknown': 404,
  'iso-growing': 409,
  'work-not-running': 409,
  'not-signed-in': 401,
  'sign-in-refused': 401,
  'link-refused': 401,
  'token-refused': 401,
  'token-expired': 401,
  'not-allowed': 403,
  'csrf-refused': 403,
  'cross-site': 403,
  'role-missing': 403,
  'foreign-host': 421,
  'too-many-tries': 429,
  'sign-in-busy': 503,
  'not-found': 404,
  'wrong-method': 405,
  'too-slow': 408,
  'too-large': 413,
  'too-long': 414,
  'wrong-media-type': 415,
  'too-many': 429,
  'too-many-streams': 429,
  'headers-too-large': 431,
  failed: 500,
  'not-ready': 503,
}

const invalidPart = z.strictObject({
  path: z.string().meta({ description: 'Where: such as `body/reason` or `querystring/limit`' }),
  message: z.string(),
})
export type InvalidPart = z.infer<typeof invalidPart>

export const problemDetails = z
  .looseObject({
    type: z.string().meta({ description: '`about:blank`: the status says what kind it is, `code` which one' }),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string().meta({ description: 'Stable word for it: the same in log, command line and manual' }),
    hint: z.string().meta({ description: 'What to do about it' }),
    severity: z.enum(['error', 'warning']),
    place: placeSchema.exactOptional(),
    errors: z.array(invalidPart).exactOptional(),
    problems: z.array(problemSchema).exactOptional().meta({ description: 'All that is wrong with what it is about' }),
  })
  .meta({ description: 'Problem details (RFC 9457)' })
  .register(schemas, { id: 'ProblemDetails' })
export type ProblemDetails = z.infer<typeof problemDetails>

/** What a handler returns when it can't do what it was asked, with extension members of that very problem. */
export type Refusal = Problem & { errors?: InvalidPart[]; problems?: Problem[]; [extension: string]: unknown }

export function statusOf({ code }: Pick<Problem, 'code'>): ProblemStatus {
  return STATUS_OF[code] ?? 400
}

export function detailsOf({ message, ...rest }: Refusal): ProblemDetails {
  const status = statusOf(rest)
  return { type: 'about:blank', title: TITLES[status], status, detail: message, ...rest }
}

/** The way back, on the side of who asked; undefined for what is no problem. */
export function problemIn(answer: unknown): (Problem & { problems?: Problem[] }) | undefined {
  const parsed = problemDetails.safeParse(answer)
  if (!parsed.success) return undefined
  const { code, detail, hint, severity, place, problems } = parsed.data
  return { code, message: detail, hint, severity, ...(place ? { place } : {}), ...(problems ? { problems } : {}) }
}
