/**
 * Changes to the text of a users file that leave everything else as it is, comments too. They are made on lines, which TOML allows to be misread, so every
 * one is read again: a text that does not say exactly what was meant is never written.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Instant } from '../kit/clock.ts'
import type { Problem } from '../kit/problem.ts'
import { find, indexSource } from '../site/locate.ts'
import { formatPasswordHash, type PasswordHash } from './password-hash.ts'
import type { Role } from './principal.ts'
import { isUsers, parseUsers, type Token, type User, type Users } from './users.ts'

export type UsersChange =
  | { add: 'user'; user: User }
  | { add: 'token'; token: Token }
  | { remove: 'user' | 'token'; name: string }
  | { set: 'password'; name: string; password: PasswordHash }

export const NEW_USERS_FILE = `# Who may use the console of this appliance. See \`rackrise user --help\` and \`rackrise token --help\`.
`

function block(table: 'user' | 'token', rows: [key: string, value: string][]): string {
  return `\n[[${table}]]\n${rows.map(([key, value]) => `${key} = ${value}\n`).join('')}`
}

const text = (value: string): string => JSON.stringify(value)

function blockOf(change: Extract<UsersChange, { add: string }>): string {
  if (change.add === 'user') {
    const { name, role, password } = change.user
    return block('user', [
      ['name', text(name)],
      ['role', text(role)],
      ['password-hash', text(formatPasswordHash(password))],
    ])
  }
  const { name, role, hash, expiresAt } = change.token
  return block('token', [
    ['name', text(name)],
    ['role', text(role)],
    ['token-hash', text(`sha256:${hash}`)],
    ...(expiresAt === undefined ? [] : [['expires', tomlTime(expiresAt)] as [string, string]]),
  ])
}

/** Whole seconds: nobody means fractions. */
export function tomlTime(at: Instant): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** Numbers of the lines of that table's block: from its header to the blank lines, comments or header that come before the next one. */
function linesOf(lines: readonly string[], header: number): { from: number; to: number } {
  let to = header + 1
  while (to < lines.length && !lines[to]!.trimStart().startsWith('[')) to += 1
  // What stands above the next header is about that one.
  while (to < lines.length && to > header + 1 && /^\s*(#.*)?$/.test(lines[to - 1]!)) to -= 1
  return { from: header, to }
}

function positionIn(source: string, users: Users, kind: 'user' | 'token', name: string, key?: string): number {
  const names = [...users[kind === 'user' ? 'users' : 'tokens'].values()].map(entry => entry.name)
  const path = [kind, names.indexOf(name), ...(key === undefined ? [] : [key])]
  return find(indexSource(source), path).line - 1
}

function edit(source: string, users: Users, change: UsersChange): string {
  if ('add' in change) return `${source}${source === '' || source.endsWith('\n') ? '' : '\n'}${blockOf(change)}`
  const lines = source.split('\n')
  if ('set' in change) {
    const at = positionIn(source, users, 'user', change.name, 'password-hash')
    lines[at] = lines[at]!.replace(/"[^"]*"|'[^']*'/, () => text(formatPasswordHash(change.password)))
    return lines.join('\n')
  }
  const { from, to } = linesOf(lines, positionIn(source, users, change.remove, change.name))
  lines.splice(from, to - from)
  // The blank line that parted the block from the one before; the last line end stays.
  if (from > 0 && lines[from - 1] === '' && lines[from] === '') lines.splice(from, 1)
  return lines.join('\n')
}

function changed({ users, tokens }: Users, change: UsersChange): Users {
  const next = { users: new Map(users), tokens: new Map(tokens) }
  if ('set' in change) {
    const user = next.users.get(change.name)!
    next.users.set(change.name, { ...user, password: change.password })
  } else if ('remove' in change) {
    if (change.remove === 'user') next.users.delete(change.name)
    else for (const token of tokens.values()) if (token.name === change.name) next.tokens.delete(token.hash)
  } else if (change.add === 'user') next.users.set(change.user.name, change.user)
  else next.tokens.set(change.token.hash, change.token)
  return next
}

const error = (code: string, message: string, hint: string): Problem => ({ code, message, hint, severity: 'error' })

function refusal({ users, tokens }: Users, change: UsersChange): Problem | undefined {
  const tokenNames = [...tokens.values()].map(token => token.name)
  if ('add' in change) {
    const { name } = change.add === 'user' ? change.user : change.token
    if (!users.has(name) && !tokenNames.includes(name)) return undefined
    const hint = users.has(name)
      ? `set another password with \`rackrise user password ${name}\`, or remove it first`
      : `remove it first: \`rackrise token remove ${name}\``
    return error('user-exists', `${name} is there already`, hint)
  }
  const isUser = 'set' in change || change.remove === 'user'
  if (isUser ? users.has(change.name) : tokenNames.includes(change.name)) return undefined
  return isUser
    ? error('unknown-user', `there is no user ${change.name}`, 'see `rackrise user list`')
    : error('unknown-token', `there is no token ${change.name}`, 'see `rackrise token list`')
}

/** The text with that one change; or why there is none. Problems of the file as it is come first: nothing is built on a broken one. */
export function changeUsers(source: string, file: string, change: UsersChange): { text: string } | Problem[] {
  const users = parseUsers(source, file)
  if (!isUsers(users)) return users
  const refused = refusal(users, change)
  if (refused) return [refused]
  const next = edit(source, users, change)
  const reread = parseUsers(next, file)
  if (isUsers(reread) && isDeepStrictEqual(reread, changed(users, change))) return { text: next }
  const message = `${file} is written in a way that this command can't change`
  return [error('edit-by-hand', message, 'write every user as a [[user]] table of its own, one key a line, or edit it')]
}

/** A user or token as lists show it: no hash. */
export type UserView = { name: string; role: Role }
export type TokenView = { name: string; role: Role; expires?: string; expired?: true }

export function viewUsers({ users }: Users): UserView[] {
  return [...users.values()].map(({ name, role }) => ({ name, role }))
}

export function viewTokens({ tokens }: Users, now: Instant): TokenView[] {
  return [...tokens.values()].map(({ name, role, expiresAt }) => ({
    name,
    role,
    ...(expiresAt === undefined ? {} : { expires: tomlTime(expiresAt) }),
    ...(expiresAt !== undefined && expiresAt <= now ? { expired: true as const } : {}),
  }))
}
