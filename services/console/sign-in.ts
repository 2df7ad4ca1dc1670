/** Checking a name and a password: at a bounded rate, in the same time for names that nobody has, and never so many at once that packets wait. */
import { type Budget, type BudgetLimits, newBudget, spend } from '../kit/budget.ts'
import type { Clock } from '../kit/clock.ts'
import {
  COST,
  hashPassword,
  isOutdated,
  isPassword,
  nobodysHash,
  type PasswordHash,
  type ScryptCost,
} from './password-hash.ts'
import type { User, Users } from './users.ts'

/** Ten slips at once, then ten a minute. */
const TRIES_OF_ADDRESS: BudgetLimits = { perSecond: 1 / 6, burst: 10, clients: 4096 }
/** From however many addresses: some thousand guesses a day, against at least 12 characters. */
const TRIES_OF_NAME: BudgetLimits = { perSecond: 1 / 20, burst: 10, clients: 4096 }
/** Each takes a thread of four that the disk and files need as well. */
const CHECKS_AT_ONCE = 2
/** Then people would wait longer than they wait for a page. */
const CHECKS_WAITING = 16

export type SignInOutcome =
  | { user: User; strengthened?: PasswordHash }
  | { refused: 'wrong-password' | 'unknown-user' | 'too-many-tries' | 'sign-in-busy' }

/** So many run at a time, so many wait; the rest is told to come again. */
export class Turnstile {
  readonly #most: number
  readonly #mostWaiting: number
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(most: number, mostWaiting: number) {
    this.#most = most
    this.#mostWaiting = mostWaiting
  }

  /** Undefined, with nothing run, when too many wait. */
  async pass<T>(run: () => Promise<T>): Promise<T | undefined> {
    if (this.#running >= this.#most) {
      if (this.#waiting.length >= this.#mostWaiting) return undefined
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    } else this.#running += 1
    try {
      return await run()
    } finally {
      // The place goes from hand to hand, so that nobody slips in between.
      const next = this.#waiting.shift()
      if (next) next()
      else this.#running -= 1
    }
  }
}

export class SignIn {
  readonly #clock: Pick<Clock, 'elapsed'>
  readonly #cost: ScryptCost
  readonly #addresses: Budget<unknown, string> = newBudget<unknown, string>(TRIES_OF_ADDRESS)
  readonly #names: Budget<unknown, string> = newBudget<unknown, string>(TRIES_OF_NAME)
  readonly #turnstile = new Turnstile(CHECKS_AT_ONCE, CHECKS_WAITING)

  /** @param cost what is usual now: hashes that cost less are made anew */
  constructor(clock: Pick<Clock, 'elapsed'>, cost: ScryptCost = COST) {
    this.#clock = clock
    this.#cost = cost
  }

  /** Whether another try may come from there. Tries by link count, too. */
  mayTry(address: string): boolean {
    return spend(this.#addresses, address, this.#clock.elapsed()) !== undefined
  }

  /** A try that was right is none: who signs in often is not kept out for it. */
  #giveBack(address: string, name: string): void {
    for (const account of [this.#addresses.accounts.get(address), this.#names.accounts.get(name)])
      if (account) account.left += 1
  }

  async check(
    { name, password, address }: { name: string; password: string; address: string },
    { users }: Users,
  ): Promise<SignInOutcome> {
    if (!this.mayTry(address) || !spend(this.#names, name, this.#clock.elapsed())) return { refused: 'too-many-tries' }
    const user = users.get(name)
    // Hashes of the users may cost more or less than is usual now; one of theirs is the measure.
    const kept = user?.password ?? nobodysHash(users.values().next().value?.password.cost ?? this.#cost)
    const right = await this.#turnstile.pass(() => isPassword(password, kept))
    if (right === undefined) return { refused: 'sign-in-busy' }
    if (!user) return { refused: 'unknown-user' }
    if (!right) return { refused: 'wrong-password' }
    this.#giveBack(address, name)
    if (!isOutdated(user.password, this.#cost)) return { user }
    const strengthened = await this.#turnstile.pass(() => hashPassword(password, this.#cost))
    return strengthened ? { user, strengthened } : { user }
  }
}
