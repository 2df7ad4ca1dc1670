/**
 * A disk that breaks while an old state is copied and brought up to date: from some call on, the kernel's answer to reads, writes or flushes of the database, its log
 * of writes and its copy is EIO, as strace puts it there. The database is whole, and the next start on a disk that works comes up.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { withFault } from './faulty-calls.ts'
import { databaseOf } from './migration-releases.ts'
import { leaveState, OldState } from './old-state.ts'

const PROGRAM = join(import.meta.dirname, 'migration-start.ts')
const MACHINES = 100
/** Calls that succeed, from one start to the next. */
const FURTHER = 8
const PROGRAM_LIMIT_MS = 60_000
const LIMIT_MS = 120_000

const folder = mkdtempSync(join(tmpdir(), 'rackrise-migration-broken-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** @param strace its words before those of the program */
function start(state: string, ...strace: string[]) {
  return run([...strace, process.execPath, PROGRAM, state, 'rebuilding'])
}

function run(words: readonly string[]) {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'cache') }
  const { status, stdout, stderr } = spawnSync(words[0]!, words.slice(1), {
    encoding: 'utf8',
    timeout: PROGRAM_LIMIT_MS,
    env,
  })
  return { status, last: `${stdout}${stderr}`.trimEnd().split('\n').at(-1)! }
}

/** That it is the disk, and what became of the database. */
const SAID =
  /^error: (can't open the database |can't copy the database .* is as it was$|can't bring the database up to date, it is as it was: |the disk does not give all of the database .*; nothing was changed)/

test.each([
  ['writes of the copy', { calls: 'pwrite64', end: '.before-0003-documents.part' }],
  ['flushes of the copy', { calls: 'fsync,fdatasync', end: '.before-0003-documents.part' }],
  ['writes of the log of writes', { calls: 'pwrite64', end: '-wal' }],
  ['flushes of the log of writes', { calls: 'fsync,fdatasync', end: '-wal' }],
  ['reads of the database', { calls: 'pread64', end: '' }],
])(
  'a disk that fails at %s while a database is copied or brought up to date: in words, as it was, and up on one that works',
  async (what, { calls, end }) => {
    const pristine = join(folder, what.replaceAll(' ', '-'))
    await leaveState(pristine, 2, MACHINES)
    const old = new OldState(pristine, 'rebuilding')
    let failures = 0
    for (let from = 1, isUp = false; !isUp; from *= FURTHER) {
      const [state, seen] = [join(folder, 'state'), join(folder, 'seen')]
      cpSync(pristine, state, { recursive: true, preserveTimestamps: true })
      const { status, last } = start(
        state,
        ...withFault({ calls, fault: 'error=EIO', files: [`${databaseOf(state)}${end}`], from }),
      )
      const at = `${what} fail from ${from} on: ${last}`
      expect([0, 1], at).toContain(status)
      isUp = status === 0
      if (!isUp) {
        failures += 1
        expect(last).toMatch(SAID)
        expect(last).toContain('`dmesg`')
      }
      cpSync(state, seen, { recursive: true, preserveTimestamps: true })
      expect(await old.expectKept(seen), at).toBe(isUp ? 'migrated' : 'as before')
      expect(start(state), at).toMatchObject({ status: 0 })
      await old.expectUp(state)
      for (const one of [state, seen]) rmSync(one, { recursive: true })
    }
    expect(failures).toBeGreaterThan(0)
  },
  LIMIT_MS,
)

const LOOK = `import { damageOf } from '${join(import.meta.dirname, '../../services/store/damage.ts')}'
console.log(JSON.stringify(await damageOf(process.argv[1])) ?? 'whole')`

test(
  'a look at a database whose disk fails says so, and advises no backup onto it',
  async () => {
    const state = join(folder, 'looked-at')
    await leaveState(state, 2, MACHINES)
    const look = [process.execPath, '-e', LOOK, databaseOf(state)]
    expect(run(look)).toMatchObject({ status: 0, last: 'whole' })
    const fault = withFault({ calls: 'pread64', fault: 'error=EIO', files: [databaseOf(state)], from: FURTHER })
    const found = JSON.parse(run([...fault, ...look]).last) as object
    expect(found).toEqual({
      is: expect.stringMatching(/^is not given whole by its disk: /),
      hint: expect.stringMatching(/^stop the appliance; .*`dmesg`/),
    })
  },
  LIMIT_MS,
)
