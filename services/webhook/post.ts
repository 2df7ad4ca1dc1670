/** One try: a POST to a target, signed, over verified TLS, that follows no redirect and ends in time. */
import { readFile } from 'node:fs/promises'
import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { readSecret } from '../site/read-secret.ts'
import type { WebhookTarget } from '../site/types.ts'
import { readRetryAfter } from './schedule.ts'
import { signatureOf } from './sign.ts'

export type Letter = { event: string; key: string; body: string }
export type Outcome =
  | { taken: true; status: number }
  /** `waitMs`: what the target asks to be left alone for. */
  | { taken: false; error: string; waitMs?: number }
export type Post = (target: WebhookTarget, letter: Letter) => Promise<Outcome>

/** From the look-up of the name to the last octet of the reply. */
const LIMIT_MS = 10_000
/** Of a reply nothing is read but its status. */
const LONGEST_ERROR = 300

async function headersFor(
  { secretFile }: WebhookTarget,
  { event, key, body }: Letter,
): Promise<Record<string, string>> {
  // Read for every message: a key that was changed counts from the next one on.
  const secret = secretFile === undefined ? undefined : (await readSecret(secretFile)).replace(/\r?\n$/, '')
  return {
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    'user-agent': 'rackrise',
    'rackrise-event': event,
    'idempotency-key': key,
    ...(secret ? { 'rackrise-signature': signatureOf(body, secret) } : {}),
  }
}

function judge({ statusCode: status = 0, headers }: IncomingMessage): Outcome {
  if (status >= 200 && status < 300) return { taken: true, status }
  const redirect = status >= 300 && status < 400 ? '; redirects are not followed, write the address it leads to' : ''
  // RFC 9110 §10.2.3 has it for 503 and redirects, RFC 6585 §4 for 429.
  const waitMs = status === 429 || status === 503 ? readRetryAfter(headers['retry-after'], Date.now()) : undefined
  return { taken: false, error: `it answered ${status}${redirect}`, ...(waitMs === undefined ? {} : { waitMs }) }
}

function wordsFor(error: unknown): string {
  const { name, message, code } = error as NodeJS.ErrnoException
  if (name === 'AbortError' || name === 'TimeoutError') return `no answer within ${LIMIT_MS / 1000} s`
  const words = code && !message.includes(code) ? `${code}: ${message}` : message
  return words.replaceAll(/\s+/g, ' ').slice(0, LONGEST_ERROR)
}

/** Never throws: whatever goes wrong is a try that failed, secret and certificate files included. */
export const post: Post = async (target, letter) => {
  try {
    const headers = await headersFor(target, letter)
    const ca = target.caFile === undefined ? {} : { ca: await readFile(target.caFile, 'utf8') }
    const { protocol } = new URL(target.url)
    // A connection for each message: the next one may be days away.
    const options = { method: 'POST', headers, agent: false as const, signal: AbortSignal.timeout(LIMIT_MS), ...ca }
    return await new Promise<Outcome>((resolve, reject) => {
      const call = protocol === 'https:' ? tlsRequest(target.url, options) : plainRequest(target.url, options)
      call.on('error', reject)
      // A 101 ends with neither an answer nor an error.
      call.on('close', () => reject(new Error('it hung up without an answer')))
      call.on('response', response => {
        resolve(judge(response))
        response.destroy()
      })
      call.end(letter.body)
    })
  } catch (error) {
    return { taken: false, error: wordsFor(error) }
  }
}
