/**
 * Who may use the console: the users file, as tables of people with a password and of programs with a token. Strict, as the site file is, and told in
 * the same way: all mistakes at once, in file order, with line and column.
 */
import { hash } from 'node:crypto'
import { z } from 'zod'
import type { Instant } from '../kit/clock.ts'
import type { Problem } from '../kit/problem.ts'
import { isLost, readDraft } from '../site/draft.ts'
import { explainIssues, type Vocabulary } from '../site/explain-issue.ts'
import * as field from '../site/fields.ts'
import { type Finding, type Path, placeFindings, shown, wrong } from '../site/finding.ts'
import { indexSource } from '../site/locate.ts'
import { readToml } from '../site/read-toml.ts'
import { keysOfTable } from '../site/schema.ts'
import { type PasswordHash, parsePasswordHash } from './password-hash.ts'
import type { Role } from './principal.ts'

export type User = { name: string; role: Role; password: PasswordHash }
/** `hash`: SHA-256 of the token, 64 hexadecimal digits. A token is 256 random bits, so nothing slower is needed. */
export type Token = { name: string; role: Role; hash: string; expiresAt?: Instant }

export type Users = {
  users: ReadonlyMap<string, User>
  /** By their hash: looking one up tells nobody how much of a guess was right. */
  tokens: ReadonlyMap<string, Token>
}

export const NOBODY: Users = { users: new Map(), tokens: new Map() }

export const ROLES = ['viewer', 'operator'] as const satisfies readonly Role[]

const NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/
export const parseUserName = (written: string): string | undefined => (NAME.test(written) ? written : undefined)

const name = field.text(
  parseUserName,
  'a name',
  'write letters, digits, dots, hyphens, underscores and @, at most 64, a letter or digit first',
)
const role = z.enum(ROLES)
const passwordHash = field.text(
  parsePasswordHash,
  'a password hash',
  'let `rackrise user password NAME` write it: $scrypt$ln=…,r=…,p=…$<salt>$<hash>',
)
const tokenHash = field.text(
  written => /^sha256:([\da-f]{64})$/.exec(written)?.[1],
  'a token hash',
  'let `rackrise token add NAME` make one: sha256: and 64 hexadecimal digits',
)
/** TOML has times of day, too; without a date they are read as of the year 0. Without an offset a date is UTC. */
const FIRST_EXPIRY = new Date('2000-01-01')
const expires = z.date().refine(date => date >= FIRST_EXPIRY, {
  message: 'this is no date to come',
  params: { hint: 'write it as 2027-01-31, or as 2027-01-31T12:00:00Z' },
})

const user = z.strictObject({ name, role, 'password-hash': passwordHash })
const token = z.strictObject({ name, role, 'token-hash': tokenHash, expires: expires.optional() })

const usersFile = z.strictObject({ user: z.array(user).default([]), token: z.array(token).default([]) })
const draftFile = z.strictObject({
  user: z.array(user.partial()).default([]),
  token: z.array(token.partial()).default([]),
})
type Draft = z.output<typeof draftFile>

const TABLES: readonly Path[] = [
  ['user', 0],
  ['token', 0],
]
const WORDS: Vocabulary = {
  keysOf: path => keysOfTable(usersFile, path),
  tablesWith: key => TABLES.filter(table => keysOfTable(usersFile, table).includes(key)),
  secretHint: () => 'take it out, and let `rackrise user password NAME` or `rackrise token add NAME` write its hash',
  examples: {
    name: 'name = "anna"',
    role: 'role = "operator"',
    'password-hash': '`rackrise user password NAME` does',
    'token-hash': '`rackrise token add NAME` does',
  },
}

/** People and programs are told apart by their names alone, in the log and on timelines. */
function checkNames(draft: Draft): Finding[] {
  const first = new Map<string, Path>()
  const all = (['user', 'token'] as const).flatMap(table =>
    draft[table].map((entry, at) => ({ name: entry.name, path: [table, at, 'name'] as Path })),
  )
  return all.flatMap(({ name: written, path }) => {
    if (written === undefined) return []
    const other = first.get(written)
    if (!other) {
      first.set(written, path)
      return []
    }
    const found = wrong('duplicate', path, `${shown(written)} is there twice`, 'name every user and token once')
    return [{ ...found, other }]
  })
}

function checkTokens({ token: tokens }: Draft): Finding[] {
  return tokens.flatMap((entry, at) => {
    const hashed = entry['token-hash']
    const other = tokens.findIndex(one => one['token-hash'] === hashed)
    if (hashed === undefined || other === at) return []
    const path: Path = ['token', at, 'token-hash']
    const found = wrong('duplicate', path, 'another token has this hash', 'make one of them anew: `rackrise token add`')
    return [{ ...found, other: ['token', other, 'token-hash'] }]
  })
}

function usersOf(file: z.output<typeof usersFile>): Users {
  return {
    users: new Map(
      file.user.map(entry => [entry.name, { name: entry.name, role: entry.role, password: entry['password-hash'] }]),
    ),
    tokens: new Map(
      file.token.map(entry => [
        entry['token-hash'],
        {
          name: entry.name,
          role: entry.role,
          hash: entry['token-hash'],
          ...(entry.expires ? { expiresAt: entry.expires.getTime() } : {}),
        },
      ]),
    ),
  }
}

/** The users that the text describes, or all that is wrong with it. An empty text has none. */
export function parseUsers(source: string, file: string): Users | Problem[] {
  const toml = readToml(source)
  const index = indexSource(toml.source)
  if (!toml.table) return placeFindings(toml.findings, file, index)
  const raw: Record<string, unknown> = { ...toml.table }
  const whole = usersFile.safeParse(raw)
  const findings = [...toml.findings, ...explainIssues(whole.error?.issues ?? [], raw, WORDS)]
  const lost = new Set<string>()
  const draft = whole.data ?? readDraft(draftFile, raw, lost)
  if (draft && !isLost(lost, 'user') && !isLost(lost, 'token'))
    findings.push(...checkNames(draft), ...checkTokens(draft))
  return findings.length > 0 || !whole.data ? placeFindings(findings, file, index) : usersOf(whole.data)
}

export function isUsers(outcome: Users | Problem[]): outcome is Users {
  return !Array.isArray(outcome)
}

/** Tells what it is to whoever finds one, and to scanners for secrets. */
const TOKEN_PREFIX = 'rackrise_'
const TOKEN = /^rackrise_[A-Za-z0-9_-]{43}$/

/** @param octets 32 random ones */
export function tokenText(octets: Uint8Array): string {
  return TOKEN_PREFIX + Buffer.from(octets).toString('base64url')
}

export function hashOfToken(text: string): string {
  return hash('sha256', text)
}

export type TokenFinding = { token: Token } | { refused: 'token-refused' | 'token-expired' }

export function findToken({ tokens }: Users, text: string, now: Instant): TokenFinding {
  const found = TOKEN.test(text) ? tokens.get(hashOfToken(text)) : undefined
  if (!found) return { refused: 'token-refused' }
  return found.expiresAt !== undefined && found.expiresAt <= now ? { refused: 'token-expired' } : { token: found }
}
