/** What is said before any handler: to whom nobody knows, about what is not there, and about requests that can't be understood. */
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod'
import type { Problem } from '../kit/problem.ts'
import type { InvalidPart, Refusal } from './problem-details.ts'

function refusal(code: string, message: string, hint: string): Problem {
  return { code, message, hint, severity: 'error' }
}

export const NOT_FOUND = refusal(
  'not-found',
  'there is nothing here',
  'check the path; /api/v1/openapi.json lists what there is',
)
export const NOT_SIGNED_IN = refusal(
  'not-signed-in',
  'nobody is signed in',
  'sign in at the console, or send a token as `Authorization: Bearer`',
)
export const NOT_ALLOWED = refusal(
  'not-allowed',
  'a viewer may only look',
  'ask somebody who is an operator, or have your role changed in the users file',
)
export const FAILED = refusal(
  'failed',
  'this appliance failed to answer; see its log',
  'repeat the request when that is mended',
)

export function wrongMethod(allowed: string): Problem {
  return refusal('wrong-method', 'this method is not for this path', `use one of ${allowed}`)
}

const NOT_UNDERSTOOD = refusal(
  'bad-request',
  'this is not a request that can be understood',
  'send a plain path of /api/v1/openapi.json, and JSON where it asks for a body',
)

/** Requests that end before they reach a route, by the status that Fastify or Node gives them. */
const BY_STATUS: Readonly<Record<number, Problem>> = {
  408: refusal('too-slow', 'the request did not come in time', 'send it at once'),
  413: refusal('too-large', 'the body is too large', 'send at most 64 KiB'),
  414: refusal('too-long', 'the path is too long', 'name one machine by its MAC address'),
  415: refusal('wrong-media-type', 'the body is not said to be JSON', 'send it with `content-type: application/json`'),
  429: refusal('too-many', 'too many requests', 'wait a little before the next one'),
  431: refusal('headers-too-large', 'the headers are too large', 'send fewer of them, or fewer cookies'),
}

/** Of Node's parser, which knows no status. */
const BY_CODE: Readonly<Record<string, number>> = { ERR_HTTP_REQUEST_TIMEOUT: 408, HPE_HEADER_OVERFLOW: 431 }

/** One wrong list could have as many issues as it has entries. */
const ERRORS_MOST = 20

type Thrown = Error & { statusCode?: number; code?: string; validationContext?: string }

function invalid(error: Thrown, parts: readonly { instancePath: string; message?: string }[]): Refusal {
  const where = error.validationContext ?? 'request'
  const errors: InvalidPart[] = parts.slice(0, ERRORS_MOST).map(({ instancePath, message = 'is not valid' }) => ({
    path: instancePath === '/' ? where : `${where}${instancePath}`,
    message,
  }))
  const [first] = errors
  return {
    ...refusal(
      'bad-request',
      first ? `${first.path}: ${first.message}` : NOT_UNDERSTOOD.message,
      'see /api/v1/openapi.json for what this path takes',
    ),
    errors,
  }
}

/** What a person or program is told of an error that was thrown: nothing of the inside. */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof Error)) return FAILED
  const thrown: Thrown = error
  if (hasZodFastifySchemaValidationErrors(thrown)) return invalid(thrown, thrown.validation)
  const status = thrown.statusCode ?? BY_CODE[thrown.code ?? ''] ?? (thrown.code?.startsWith('HPE_') ? 400 : 500)
  return status >= 500 ? FAILED : (BY_STATUS[status] ?? NOT_UNDERSTOOD)
}
