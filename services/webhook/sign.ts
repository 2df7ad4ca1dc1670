/** How a receiver knows that a message is ours, and which target a row belongs to. */
import { createHash, createHmac } from 'node:crypto'

/** The value of the header `rackrise-signature`: HMAC-SHA256 (RFC 2104) over the octets of the body, in hexadecimal digits. */
export function signatureOf(body: string, key: string): string {
  return `sha256=${createHmac('sha256', key).update(body).digest('hex')}`
}

/** What the store knows a target by: its URL may hold a secret. */
export function targetId(url: string): string {
  return createHash('sha256').update(url).digest('hex').slice(0, 32)
}
