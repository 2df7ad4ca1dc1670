/** The users file on disk: read within bounds, followed while the appliance runs, and changed whole or not at all. */
import { mkdir, open, realpath, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Alarms } from '../kit/alarms.ts'
import type { Log } from '../kit/log.ts'
import { giveToOwnerOf } from '../kit/ownership.ts'
import { formatProblem, type Problem } from '../kit/problem.ts'
import { judgeFile } from '../site/secret-files.ts'
import { REASONS } from './reasons.ts'
import { changeUsers, NEW_USERS_FILE, type UsersChange } from './users-text.ts'
import { isUsers, NOBODY, parseUsers, type Users } from './users.ts'

/** A thousand users take a quarter of it. */
const LARGEST_BYTES = 1024 * 1024

/** `stamp` differs whenever somebody has written to the file, or changed who may read it. */
type Reading = { text: string; stamp: string } | { problems: Problem[]; stamp: string } | 'absent'

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : 'unknown')

async function readText(file: string): Promise<Reading> {
  let handle: Awaited<ReturnType<typeof open>>
  try {
    handle = await open(file, 'r')
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ENOENT') return 'absent'
    const message = `${file} can't be read (${code})`
    const hint = 'give it to the user that the appliance runs as'
    return { problems: [{ code: 'unreadable', message, hint, severity: 'error', place: { file } }], stamp: code }
  }
  try {
    const found = await handle.stat()
    const stamp = [found.ino, found.size, found.mtimeMs, found.ctimeMs].join(' ')
    const path = ['console', 'users-file']
    const problems = judgeFile({ path, file, isSecret: true }, { ...found, isFile: found.isFile() }).map(
      ({ code, message, hint, severity }) => ({ code, message, hint, severity, place: { file } }),
    )
    if (found.size > LARGEST_BYTES) {
      const hint = 'take out what is not in use'
      problems.push({
        code: 'too-large',
        message: `${file} is larger than 1 MiB`,
        hint,
        severity: 'error',
        place: { file },
      })
    }
    return problems.length > 0 ? { problems, stamp } : { text: await handle.readFile('utf8'), stamp }
  } finally {
    await handle.close()
  }
}

/** Nobody while there is no file. */
export async function loadUsers(file: string): Promise<Users | Problem[]> {
  const reading = await readText(file)
  if (reading === 'absent') return NOBODY
  return 'problems' in reading ? reading.problems : parseUsers(reading.text, file)
}

export type FollowedUsersOptions = {
  /** Read at each look: the site may name another one. Undefined where it names none. */
  readonly file: string | undefined
  log: Log
  alarms: Pick<Alarms, 'raise' | 'end'>
  /** Told after every change. */
  onChange: (users: Users) => void
}

/** The users of now. A file that is broken, or gone, leaves those of before. */
export class FollowedUsers {
  readonly #options: FollowedUsersOptions
  #file: string | undefined
  #stamp: string | undefined
  #users: Users = NOBODY
  /** Whether there is, or was, a file: then a broken one is no reason to be without users. */
  #wasThere = false

  constructor(options: FollowedUsersOptions) {
    this.#options = options
  }

  get current(): Users {
    return this.#users
  }

  /** Reads the file if it is not what it was. To be called at the start, and every few seconds. */
  async look(): Promise<void> {
    const { file } = this.#options
    if (file !== this.#file) this.#begin(file)
    if (file === undefined) return
    const reading = await readText(file)
    // Another one is named by now.
    if (file !== this.#file) return
    if (reading === 'absent') {
      if (this.#wasThere) this.#keepOld([gone(file)], 'absent')
      return
    }
    this.#wasThere = true
    if (reading.stamp === this.#stamp) return
    if ('problems' in reading) return this.#keepOld(reading.problems, reading.stamp)
    const users = parseUsers(reading.text, file)
    if (!isUsers(users)) return this.#keepOld(users, reading.stamp)
    this.#adopt(users, reading.stamp)
  }

  /** As at a start: whoever is known by the file before is nobody until the new one was read. */
  #begin(file: string | undefined): void {
    const hadUsers = this.#wasThere
    this.#file = file
    this.#stamp = undefined
    this.#wasThere = false
    this.#users = NOBODY
    this.#options.alarms.end('users-file')
    if (hadUsers) this.#options.onChange(NOBODY)
  }

  #adopt(users: Users, stamp: string): void {
    const { log, alarms, onChange, file } = this.#options
    this.#stamp = stamp
    this.#users = users
    alarms.end('users-file')
    log.info(
      { reason: 'users-read', file, users: users.users.size, tokens: users.tokens.size },
      REASONS['users-read'].message,
    )
    onChange(users)
  }

  #keepOld(problems: readonly Problem[], stamp: string): void {
    if (stamp === this.#stamp) return
    this.#stamp = stamp
    const { log, alarms } = this.#options
    const { message, action, severity } = REASONS['users-file']
    const trouble = {
      code: 'users-file',
      severity,
      message: `${message} (${formatProblem(problems[0]!)})`,
      hint: action,
    }
    alarms.raise(trouble, Number.POSITIVE_INFINITY)
    log.warn({ reason: 'users-file', problems: problems.map(formatProblem), hint: action }, message)
  }
}

function gone(file: string): Problem {
  const hint = 'make it again, or restart without it'
  return { code: 'unreadable', message: `${file} is gone`, hint, severity: 'error', place: { file } }
}

const PRIVATE_MODE = 0o600

function busy(file: string, error: unknown): Problem {
  const code = codeOf(error)
  const isThere = code === 'EEXIST'
  return {
    code: 'users-file',
    message: isThere ? `another command is changing ${file}` : `${file} can't be written (${code})`,
    hint: isThere
      ? `try again; if none runs, delete ${file}.new`
      : 'run the command as a user that may write its folder',
    severity: 'error',
  }
}

/**
 * Makes one change to the file, which is made if it is not there, and nobody else changes it meanwhile.
 * @param like a new file gets the owner of that, so that the appliance can read what root has made
 */
export async function changeUsersFile(file: string, change: UsersChange, like?: string): Promise<Problem[]> {
  // A link stays one.
  const target = await realpath(file).catch(() => file)
  const next = `${target}.new`
  let handle: Awaited<ReturnType<typeof open>>
  try {
    await mkdir(dirname(target), { recursive: true })
    handle = await open(next, 'wx', PRIVATE_MODE)
  } catch (error) {
    return [busy(target, error)]
  }
  let isRenamed = false
  try {
    const reading = await readText(target)
    if (reading !== 'absent' && 'problems' in reading) return reading.problems
    const changed = changeUsers(reading === 'absent' ? NEW_USERS_FILE : reading.text, target, change)
    if (!('text' in changed)) return changed
    await handle.writeFile(changed.text)
    const owned = reading === 'absent' ? like : target
    // A new one may come before the state folder does.
    if (owned !== undefined) await giveToOwnerOf(owned, next).catch(() => {})
    await handle.sync()
    await rename(next, target)
    isRenamed = true
    return []
  } catch (error) {
    return [busy(target, error)]
  } finally {
    await handle.close()
    // Afterwards the name may be another command's.
    if (!isRenamed) await unlink(next).catch(() => {})
  }
}
