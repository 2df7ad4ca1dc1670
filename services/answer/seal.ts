/** A short text that only this appliance can read again, and only as what it was sealed for (AES-256-GCM, NIST SP 800-38D). */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto'

const KEY_BYTES = 32
export const NONCE_BYTES = 12
const TAG_BYTES = 16

/** The appliance's key has other uses: tokens of attempts come from it, too. */
function sealingKey(key: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, new Uint8Array(), 'rackrise seal', KEY_BYTES))
}

/** @param purpose what it is sealed for, such as an attempt; @param nonce 12 random octets, never the same twice */
export function seal(key: Uint8Array, text: string, purpose: string, nonce: Uint8Array): string {
  const cipher = createCipheriv('aes-256-gcm', sealingKey(key), nonce).setAAD(Buffer.from(purpose))
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')
}

/** Undefined if it was sealed with another key or for something else, or was changed since. */
export function unseal(key: Uint8Array, sealed: string, purpose: string): string | undefined {
  const bytes = Buffer.from(sealed, 'base64url')
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined
  const [nonce, tag] = [bytes.subarray(0, NONCE_BYTES), bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)]
  const decipher = createDecipheriv('aes-256-gcm', sealingKey(key), nonce).setAAD(Buffer.from(purpose)).setAuthTag(tag)
  try {
    return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
  } catch {
    return undefined
  }
}
