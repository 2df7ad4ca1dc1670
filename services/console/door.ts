/** The door of the console: who is known, who is signed in, and who is let in. Its listener asks it about every request. */
import type { Clock, Instant } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { Meter } from '../kit/meter.ts'
import { Links } from './links.ts'
import { formatPasswordHash, type PasswordHash, type ScryptCost } from './password-hash.ts'
import type { Principal, Role } from './principal.ts'
import type { RefusalReason } from './reasons.ts'
import { type Session, type SessionLimits, Sessions } from './sessions.ts'
import { SignIn } from './sign-in.ts'
import { type TellAccess, tellAccess } from './tell-access.ts'
import type { Users } from './users.ts'

export type DoorOptions = {
  clock: Pick<Clock, 'now' | 'elapsed'>
  log: Log
  meter: Meter
  /** Those of now. */
  users: () => Users
  /** Keeps a hash that was made anew; false if that can't be. */
  strengthen: (name: string, hash: PasswordHash) => Promise<boolean>
  limits?: SessionLimits
  cost?: ScryptCost
}

export type Credentials = { name: string; password: string } | { link: string }

export type Entry = { id: string; session: Session } | { refused: RefusalReason }

type OpenReply = { principal: Principal; cut: () => void }

export class Door {
  readonly tell: TellAccess
  readonly sessions: Sessions
  readonly #options: DoorOptions
  readonly #links: Links
  readonly #signIn: SignIn
  /** Replies to tokens that are under way: a stream of events ends with its token. */
  readonly #ofTokens = new Set<OpenReply>()

  constructor(options: DoorOptions) {
    const { clock, meter, limits, cost } = options
    this.#options = options
    this.tell = tellAccess(options)
    this.#links = new Links(clock)
    this.#signIn = new SignIn(clock, cost)
    this.sessions = new Sessions({
      clock,
      ...(limits ? { limits } : {}),
      onEnd: ({ name, role }, why) => this.tell(why, { user: name, role }),
    })
    meter.gauge('rackrise_console_sessions', 'People who are signed in', [], () => [[{}, this.sessions.size]])
  }

  get users(): Users {
    return this.#options.users()
  }

  /** Nobody could sign in with a password: a link is the way in. */
  get hasNoUsers(): boolean {
    return this.users.users.size === 0
  }

  /** @param by who asks for it: what its session does is told under that name */
  makeLink(role: Role, by: string): { secret: string; expiresAt: Instant } {
    this.tell('link-made', { user: by, role })
    return this.#links.make(role, by)
  }

  /** @param from the address of who tries */
  async enter(credentials: Credentials, from: string): Promise<Entry> {
    const entry =
      'link' in credentials ? this.#byLink(credentials.link, from) : await this.#byPassword(credentials, from)
    if ('refused' in entry) {
      const isKnown = 'name' in credentials && this.users.users.has(credentials.name)
      this.tell(entry.refused, { from, ...(isKnown ? { user: credentials.name } : {}) })
    }
    return entry
  }

  #byLink(secret: string, from: string): Entry {
    if (!this.#signIn.mayTry(from)) return { refused: 'too-many-tries' }
    const link = this.#links.take(secret)
    if (!link) return { refused: 'link-refused' }
    const entry = this.sessions.begin({ name: link.by, role: link.role })
    this.tell('link-used', { user: link.by, role: link.role, from })
    return entry
  }

  async #byPassword({ name, password }: { name: string; password: string }, from: string): Promise<Entry> {
    const outcome = await this.#signIn.check({ name, password, address: from }, this.users)
    if ('refused' in outcome) return outcome
    const { user, strengthened } = outcome
    const isKept = strengthened !== undefined && (await this.#options.strengthen(name, strengthened))
    if (isKept) this.tell('password-strengthened', { user: name })
    // The file may have changed while the password was checked.
    const known = this.users.users.get(name)
    const stands = known && known.role === user.role && (isKept || isSamePassword(known.password, user.password))
    if (!stands) return { refused: known ? 'wrong-password' : 'unknown-user' }
    const credential = formatPasswordHash(isKept ? strengthened : user.password)
    const entry = this.sessions.begin({ name, role: user.role, credential })
    this.tell('signed-in', { user: name, role: user.role, from })
    return entry
  }

  /** Cuts the reply when it has begun and its session or token ends; returns what to call when the reply has ended. */
  watch(principal: Principal, session: Session | undefined, cut: () => void): () => void {
    if (session) {
      session.open.add(cut)
      return () => void session.open.delete(cut)
    }
    const entry = { principal, cut }
    this.#ofTokens.add(entry)
    return () => void this.#ofTokens.delete(entry)
  }

  /** Ends what no longer stands: to be called when the users have changed, and now and then for what time ends. */
  sweep(): void {
    const { users, tokens } = this.users
    this.sessions.revoke(({ name, role, credential }) => {
      if (credential === undefined) return false
      const user = users.get(name)
      return !user || user.role !== role || formatPasswordHash(user.password) !== credential
    })
    this.sessions.sweep()
    const now = this.#options.clock.now()
    const good = [...tokens.values()].filter(({ expiresAt }) => expiresAt === undefined || expiresAt > now)
    for (const { principal, cut } of this.#ofTokens)
      if (!good.some(({ name, role }) => name === principal.name && role === principal.role)) cut()
  }
}

function isSamePassword(one: PasswordHash, other: PasswordHash): boolean {
  return formatPasswordHash(one) === formatPasswordHash(other)
}
