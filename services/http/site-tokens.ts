/** Bearer tokens that the site gave to ISOs of its own (`proxmox-auto-install-assistant prepare-iso --answer-auth-token NAME:SECRET`). */
import { timingSafeEqual } from 'node:crypto'
import { hashToken } from '../machine/secrets.ts'
import { readSecret } from '../site/read-secret.ts'
import type { HttpContext } from './context.ts'

/** One token a line; `#` begins a comment. */
function readTokens(text: string): string[] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
}

/** Hashes have one length, so that neither the time nor the length of a comparison says anything of a token. */
function isAmong(tokens: readonly string[], token: string): boolean {
  const wanted = Buffer.from(hashToken(token))
  return tokens.map(known => timingSafeEqual(Buffer.from(hashToken(known)), wanted)).includes(true)
}

/** The file is read for every request that brings a token of no attempt, so that a changed one counts at once. */
export async function isSiteToken({ site, log }: Pick<HttpContext, 'site' | 'log'>, token: string): Promise<boolean> {
  const { answerTokenFile } = site.http
  if (answerTokenFile === undefined) return false
  const text = await readSecret(answerTokenFile).catch((error: unknown) => {
    log.error({ error: String(error) }, 'the file of answer tokens is not used; see http.answer-token-file')
    return ''
  })
  return isAmong(readTokens(text), token)
}
