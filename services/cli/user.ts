/** `rackrise user` and `rackrise token`: who may use the console. They change the users file; an appliance that runs reads it by itself. */
import { randomBytes } from 'node:crypto'
import { hashPassword, weaknessOf } from '../console/password-hash.ts'
import type { Role } from '../console/principal.ts'
import { changeUsersFile, loadUsers } from '../console/users-file.ts'
import { tomlTime, type UsersChange, viewTokens, viewUsers } from '../console/users-text.ts'
import { hashOfToken, isUsers, parseUserName, ROLES, tokenText } from '../console/users.ts'
import { parseDuration } from '../kit/amount.ts'
import { systemClock } from '../kit/clock.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import type { Site } from '../site/types.ts'
import { passwordFor } from './ask-password.ts'
import {
  type Command,
  complain,
  complainOf,
  type ExitStatus,
  say,
  usageError,
  verbProblem,
  type Values,
} from './command.ts'
import { siteFor } from './site-file.ts'
import { table } from './table.ts'
import { widthOf } from './wrap.ts'

type Door = { site: Site; file: string; json: boolean }

async function doorOf(values: Values): Promise<Door | undefined> {
  const site = await siteFor(values)
  if (!site) return undefined
  const file = site.console.usersFile
  if (file !== undefined) return { site, file, json: values['json'] === true }
  throw new EnvironmentProblem(
    'no-users-file',
    'the site file names no users file',
    'set "users-file" in [console], as users-file = "/etc/rackrise/users.toml"; until then `rackrise console link` is the way in',
  )
}

/** Applies it and says so; `told` is for people, `shown` for programs. */
async function change(door: Door, what: UsersChange, told: string, shown: object): Promise<ExitStatus> {
  const problems = await changeUsersFile(door.file, what, door.site.paths.state)
  if (problems.length > 0) {
    complainOf(problems, door.json)
    return 1
  }
  say(door.json ? JSON.stringify(shown, null, 2) : told)
  return 0
}

async function list(door: Door, kind: 'user' | 'token'): Promise<ExitStatus> {
  const users = await loadUsers(door.file)
  if (!isUsers(users)) {
    complainOf(users, door.json)
    return 1
  }
  const tokens = viewTokens(users, systemClock.now())
  const people = viewUsers(users)
  if (door.json) say(JSON.stringify(kind === 'user' ? people : tokens, null, 2))
  else if ((kind === 'user' ? people : tokens).length === 0) say(`${door.file} has no ${kind}s`)
  else if (kind === 'user')
    say(
      table(
        ['NAME', 'ROLE'],
        people.map(({ name, role }) => [name, role]),
        { width: widthOf(process.stdout) },
      ),
    )
  else {
    const rows = tokens.map(({ name, role, expires, expired }) => [
      name,
      role,
      expires === undefined ? 'never' : `${expires}${expired ? ' (expired)' : ''}`,
    ])
    say(table(['NAME', 'ROLE', 'EXPIRES'], rows, { width: widthOf(process.stdout) }))
  }
  return 0
}

const roleOf = (values: Values): Role | undefined => ROLES.find(role => role === values['role'])

/** A password that is fit to be set; undefined after a complaint. */
async function newPassword(name: string, values: Values): Promise<string | undefined> {
  const password = await passwordFor(name, values['password-stdin'] === true)
  if (password === undefined) return undefined
  const weakness = weaknessOf(password, name)
  if (weakness === undefined) return password
  complain(`this is no good password: ${weakness}; nothing was changed`)
  return undefined
}

async function setPassword(door: Door, name: string, role: Role | undefined, values: Values): Promise<ExitStatus> {
  const users = await loadUsers(door.file)
  // Before anybody types a password for nothing.
  if (isUsers(users) && users.users.has(name) !== (role === undefined)) {
    const hash = { cost: { ln: 0, r: 0, p: 0 }, salt: new Uint8Array(), hash: new Uint8Array() }
    const what: UsersChange = role
      ? { add: 'user', user: { name, role, password: hash } }
      : { set: 'password', name, password: hash }
    return change(door, what, '', {})
  }
  const given = await newPassword(name, values)
  if (given === undefined) return 1
  const password = await hashPassword(given)
  return role
    ? change(door, { add: 'user', user: { name, role, password } }, `${name} may sign in as ${role}`, { name, role })
    : change(door, { set: 'password', name, password }, `${name} has another password`, { name })
}

const VERBS = ['add', 'list', 'remove', 'password'] as const

export const userCommand: Command = {
  name: 'user',
  summary: 'people who may sign in at the console: add, list, remove, set a password',
  usage: [
    'user add NAME --role viewer|operator [--password-stdin]',
    'user list',
    'user password NAME [--password-stdin]',
    'user remove NAME',
  ],
  options: {
    role: { type: 'string', value: 'ROLE', help: 'viewer: looks; operator: also changes things and sees secrets' },
    'password-stdin': { type: 'boolean', help: 'read the password from standard input instead of asking twice' },
  },
  example: 'rackrise user add anna --role operator',
  refusal: 'the users file has no such user, or has one already, or it cannot be used',
  async run(positionals, values) {
    const [word, name, extra] = positionals
    const verb = VERBS.find(candidate => candidate === word)
    const wrong = wordsProblem('user', VERBS, word, name, extra)
    if (!verb || wrong) return usageError(userCommand, wrong ?? '')
    const role = roleOf(values)
    if (verb === 'add' && !role) return usageError(userCommand, `say --role ${ROLES.join(' or --role ')}`)
    const door = await doorOf(values)
    if (!door) return 1
    if (verb === 'list') return list(door, 'user')
    if (verb === 'remove')
      return change(door, { remove: 'user', name: name! }, `${name} may not sign in any more`, { name })
    return setPassword(door, name!, verb === 'add' ? role : undefined, values)
  },
}

function wordsProblem(
  command: string,
  verbs: readonly string[],
  word: string | undefined,
  name: string | undefined,
  extra: string | undefined,
): string | undefined {
  if (word === undefined || !verbs.includes(word)) return verbProblem(command, verbs, word)
  const unwanted = word === 'list' ? name : extra
  if (unwanted !== undefined) return `"${unwanted}" is too much`
  if (word === 'list') return undefined
  if (name === undefined) return `say which ${command}`
  return parseUserName(name) === undefined
    ? `"${name}" is no name; write letters, digits, dots, hyphens, underscores and @, at most 64`
    : undefined
}

const TOKEN_VERBS = ['add', 'list', 'remove'] as const
const TOKEN_OCTETS = 32
const LONGEST_MS = 3660 * 86_400_000

/** Undefined: it never expires. */
function lifeOf(values: Values): number | undefined | 'wrong' {
  if (values['expires'] === undefined) return undefined
  const milliseconds = parseDuration(String(values['expires']))
  return milliseconds !== undefined && milliseconds > 0 && milliseconds <= LONGEST_MS ? milliseconds : 'wrong'
}

async function addToken(door: Door, name: string, role: Role, lifeMs: number | undefined): Promise<ExitStatus> {
  const text = tokenText(randomBytes(TOKEN_OCTETS))
  // Whole seconds, as the file has them.
  const expiresAt = lifeMs === undefined ? undefined : Math.ceil((systemClock.now() + lifeMs) / 1000) * 1000
  const token = { name, role, hash: hashOfToken(text), ...(expiresAt === undefined ? {} : { expiresAt }) }
  const expires = expiresAt === undefined ? {} : { expires: tomlTime(expiresAt) }
  const status = await change(door, { add: 'token', token }, text, { name, role, ...expires, token: text })
  if (status === 0 && !door.json)
    complain(
      `token of ${name}, ${role}${expires.expires ? ` until ${expires.expires}` : ''}; it is shown this once and kept nowhere`,
    )
  return status
}

export const tokenCommand: Command = {
  name: 'token',
  summary: 'programs that may use the API of the console: add, list, remove their tokens',
  usage: ['token add NAME --role viewer|operator [--expires 90d]', 'token list', 'token remove NAME'],
  options: {
    role: { type: 'string', value: 'ROLE', help: 'viewer: looks; operator: also changes things and sees secrets' },
    expires: { type: 'string', value: 'TIME', help: 'for how long it is good, as 12h or 90d (default: for ever)' },
  },
  example: 'rackrise token add grafana --role viewer --expires 365d',
  refusal: 'the users file has no such token, or has one already, or it cannot be used',
  async run(positionals, values) {
    const [word, name, extra] = positionals
    const verb = TOKEN_VERBS.find(candidate => candidate === word)
    const wrong = wordsProblem('token', TOKEN_VERBS, word, name, extra)
    if (!verb || wrong) return usageError(tokenCommand, wrong ?? '')
    const role = roleOf(values)
    if (verb === 'add' && !role) return usageError(tokenCommand, `say --role ${ROLES.join(' or --role ')}`)
    const life = lifeOf(values)
    if (life === 'wrong') return usageError(tokenCommand, '--expires is a time such as 12h or 90d, at most ten years')
    const door = await doorOf(values)
    if (!door) return 1
    if (verb === 'list') return list(door, 'token')
    if (verb === 'remove')
      return change(door, { remove: 'token', name: name! }, `the token of ${name} is void`, { name })
    return addToken(door, name!, role!, life)
  },
}
