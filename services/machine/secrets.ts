/**
 * The secrets of an attempt. They are derived from one random key of the appliance, so that a restart between loader and answer
 * strands nobody, while the database holds only hashes (a copy of it opens nothing).
 */
import { createHmac, hash, randomBytes } from 'node:crypto'
import type { AttemptId } from './event.ts'

export type SecretPurpose = 'answer' | 'webhook' | 'first-boot' | 'bearer'

const ATTEMPT_ID_BYTES = 4

/** A new one. Its tokens hang on it, and in one of ninety fleets of ten thousand machines two would have the same 32 bits. */
export function newAttemptId(
  isTaken: (attempt: AttemptId) => boolean,
  random: (octets: number) => Buffer = randomBytes,
): AttemptId {
  for (;;) {
    const attempt = random(ATTEMPT_ID_BYTES).toString('hex') as AttemptId
    if (!isTaken(attempt)) return attempt
  }
}

/** Bytes of a token: 160 bits, written as base64url so that option 250 can carry it. */
const TOKEN_BYTES = 20

/** The token of that attempt for that purpose; the same after a restart with the same key. */
export function attemptToken(key: Uint8Array, attempt: AttemptId, purpose: SecretPurpose): string {
  return createHmac('sha256', key)
    .update(`${purpose}:${attempt}`)
    .digest()
    .subarray(0, TOKEN_BYTES)
    .toString('base64url')
}

/** What is compared and kept instead of a token; equal hashes leak no prefix of a token. */
export function hashToken(token: string): string {
  return hash('sha256', token)
}
