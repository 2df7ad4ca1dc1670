/**
 * Random root passwords: one for each installation that asks for one. The hash stays as long as the attempt may ask again; the password
 * itself is sealed with the appliance's key until an operator has seen it, once.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../kit/clock.ts'
import { nextTurn } from '../kit/next-turn.ts'
import type { Problem } from '../kit/problem.ts'
import type { AttemptId, MachineId } from '../machine/event.ts'
import type { PasswordStore } from '../store/types.ts'
import { NONCE_BYTES, seal, unseal } from './seal.ts'
import { sha512Crypt } from './sha512-crypt.ts'

/** Crockford's base 32: no letter that is taken for a digit, or for another letter. Five bits each. */
const READABLE = '0123456789abcdefghjkmnpqrstvwxyz'
const GROUPS = 5
const GROUP_LENGTH = 5
const SALT = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const SALT_LENGTH = 16

/** Five groups of five, 125 bits: `x7k2q-...`. Of each octet the five lowest bits count. */
export function readablePassword(random: Uint8Array): string {
  const letters = Array.from(random.subarray(0, GROUPS * GROUP_LENGTH), octet => READABLE[octet & 31]).join('')
  return letters.match(/.{5}/g)!.join('-')
}

function saltOf(random: Uint8Array): string {
  return Array.from(random, octet => SALT[octet & 63]).join('')
}

export type PasswordsOptions = { store: PasswordStore; key: Uint8Array; clock: Pick<Clock, 'now'> }

export class Passwords {
  readonly #options: PasswordsOptions
  /** What is under way with each machine's: one thing after the other, since each reads first and writes then. */
  readonly #last = new Map<MachineId, Promise<unknown>>()

  constructor(options: PasswordsOptions) {
    this.#options = options
  }

  /**
   * The hash of the attempt's password, the same however often it asks. The first time it is made, and the machine's password before it,
   * shown or not, is gone: its system is about to be erased. Resolves when that is on stable storage.
   */
  hashFor(machine: MachineId, attempt: AttemptId): Promise<string> {
    return this.#inTurn(machine, async () => {
      const kept = await this.#options.store.get(machine)
      return kept?.attempt === attempt ? kept.hash : this.#make(machine, attempt)
    })
  }

  /** An installation that has a password of its own: the random one of the system before it is of no use any more. */
  forget(machine: MachineId): Promise<void> {
    const { store } = this.#options
    return this.#inTurn(machine, async () => {
      const kept = await store.get(machine)
      if (kept?.sealed !== undefined) await store.put(withoutSeal(kept))
    })
  }

  /** The password, for the first and only time: it is gone here before it is handed out. */
  take(machine: MachineId): Promise<{ attempt: AttemptId; password: string } | Problem> {
    return this.#inTurn(machine, () => this.#take(machine))
  }

  async #take(machine: MachineId): Promise<{ attempt: AttemptId; password: string } | Problem> {
    const { store, key } = this.#options
    const kept = await store.get(machine)
    if (!kept) return refusal('no-password', 'no random root password was made for it')
    if (kept.sealed === undefined) return refusal('password-shown', 'its random root password was shown already')
    const password = unseal(key, kept.sealed, kept.attempt)
    if (password === undefined)
      return refusal('password-unreadable', 'its random root password was sealed with another secret.key')
    await store.put(withoutSeal(kept))
    return { attempt: kept.attempt as AttemptId, password }
  }

  #inTurn<T>(machine: MachineId, task: () => Promise<T>): Promise<T> {
    const mine = (this.#last.get(machine) ?? Promise.resolve()).then(task)
    const end = mine
      .catch(() => {})
      .then(() => {
        if (this.#last.get(machine) === end) this.#last.delete(machine)
      })
    this.#last.set(machine, end)
    return mine
  }

  async #make(machine: MachineId, attempt: AttemptId): Promise<string> {
    const { store, key, clock } = this.#options
    const password = readablePassword(randomBytes(GROUPS * GROUP_LENGTH))
    const hash = await sha512Crypt(password, saltOf(randomBytes(SALT_LENGTH)), { pause: nextTurn })
    const sealed = seal(key, password, attempt, randomBytes(NONCE_BYTES))
    await store.put({ machine, attempt, hash, sealed, at: clock.now() })
    return hash
  }
}

function withoutSeal<T extends { sealed?: string }>(record: T): Omit<T, 'sealed'> {
  const { sealed: _gone, ...rest } = record
  return rest
}

function refusal(code: string, message: string): Problem {
  const hint =
    'see `rackrise machine timeline` for who saw it; a lost password needs a reset on the machine, or another installation'
  return { code, message, hint, severity: 'error' }
}
