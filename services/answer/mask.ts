/** An answer for people's eyes: the same keys, and nothing in them by which anybody could log in, report or fetch. */
import { type AnswerTable, type AnswerValue, isTable, pathOf } from './keys.ts'
import { keysOf } from './schema.ts'

export const MASK = '********'

const SECRETS = new Set(['global.root-password', 'global.subscription-key', 'post-installation-webhook.auth-token'])
const HASH = 'global.root-password-hashed'
const KEYS = 'global.root-ssh-keys'
/** Whoever pasted the other file of the pair is told so by its problem; what is no public key is not repeated. */
const PUBLIC_KEY = /(?:^|\s)(?:ssh|ecdsa|sk)-[\w@.-]+ AAAA|\{\{/
/** Their paths may be secrets: ours are, and those of many chat services. */
const URLS = new Set(['post-installation-webhook.url', 'first-boot.url'])

/** Which kind of hash it is stays; a locked account and a placeholder are no secrets. */
function maskHash(hash: string): string {
  if (/^[!*]|^\{\{/.test(hash)) return hash
  return `${/^\$[0-9a-z]+\$/.exec(hash)?.[0] ?? ''}${MASK}`
}

function maskUrl(url: string): string {
  return URL.canParse(url) ? `${new URL(url).origin}/${MASK}` : MASK
}

function maskValue(value: AnswerValue, path: string): AnswerValue {
  if (isTable(value)) return maskAnswer(value, path)
  if (SECRETS.has(path)) return MASK
  if (path === KEYS && Array.isArray(value))
    return value.map(key => (typeof key === 'string' && PUBLIC_KEY.test(key) ? key : MASK))
  if (path !== HASH && !URLS.has(path)) return value
  if (typeof value !== 'string') return MASK
  return path === HASH ? maskHash(value) : maskUrl(value)
}

/** Keys with hyphens. Of a key that no answer has nobody knows what it was meant to be: a misspelt password is one, too. */
export function maskAnswer(answer: AnswerTable, path = ''): AnswerTable {
  const known = keysOf(path === '' ? [] : path.split('.'))
  const isKnown = (key: string): boolean => known.length === 0 || known.includes(key)
  return Object.fromEntries(
    Object.entries(answer).map(
      ([key, value]) => [key, isKnown(key) ? maskValue(value, pathOf(path, key)) : MASK] as const,
    ),
  )
}
