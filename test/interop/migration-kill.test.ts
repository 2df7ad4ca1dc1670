/**
 * SIGKILL while an old state is copied and brought up to date, again and again, on real files: whatever is there afterwards is the old database or the new
 * one with all that was in it, and the copy beside it is whole or is none.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, expect, test } from 'vitest'
import { silentLog } from '../../services/kit/log.ts'
import { withFault } from './faulty-calls.ts'
import { COPIED, databaseOf, type Release, startOn } from './migration-releases.ts'
import { leaveState, OldState } from './old-state.ts'

const PROGRAM = join(import.meta.dirname, 'migration-start.ts')
const MACHINES = 300
const FEW_MACHINES = 30
/** One after the other on the same folder, so that a start meets what a killed one left. */
const KILLS_IN_A_ROW = 3
const ROWS = 3
/** Kills are spread over a phase and a little more of what comes after it. */
const SPREAD = 1.1
const LIMIT_MS = 120_000

const folder = mkdtempSync(join(tmpdir(), 'rackrise-migration-kill-'))
const children = new Set<ChildProcess>()

afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

type Phase = 'copying' | 'migrating'
/** When it began, when the copy was made, when it was over; milliseconds. */
type Course = { begun: number; copied: number; over: number; code: number | null; lines: string[] }

/** A start that is killed so many milliseconds after a phase began, or not at all. */
async function start(
  state: string,
  release: Release,
  kill?: { phase: Phase; afterMs: number },
  before: string[] = [],
): Promise<Course> {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'cache') }
  const [program, ...words] = [...before, process.execPath, PROGRAM, state, release]
  const child = spawn(program!, words, { stdio: ['ignore', 'pipe', 'inherit'], env })
  children.add(child)
  const course: Course = { begun: 0, copied: 0, over: 0, code: null, lines: [] }
  const killIn = (phase: Phase): void => {
    if (kill?.phase === phase) setTimeout(() => child.kill('SIGKILL'), kill.afterMs)
  }
  createInterface({ input: child.stdout }).on('line', line => {
    course.lines.push(line)
    if (line === 'begins') {
      course.begun = performance.now()
      killIn('copying')
    } else if (COPIED.test(line)) {
      course.copied = performance.now()
      killIn('migrating')
    }
  })
  course.code = await new Promise(resolve => child.once('close', code => resolve(code)))
  course.over = performance.now()
  children.delete(child)
  return course
}

/** What a kill left, by what is in the folder. */
type Left = 'nothing' | 'a part of a copy' | 'a copy' | 'all migrated'

async function leftBy(state: string, old: OldState): Promise<Left> {
  // Looked at on the side: a look may mend what the next start is to find.
  const aside = `${state}-aside`
  cpSync(state, aside, { recursive: true })
  const isMigrated = (await old.expectKept(aside)) === 'migrated'
  const has = (name: string): boolean => existsSync(join(state, name))
  const left = isMigrated
    ? 'all migrated'
    : has(`${old.copy}.part`)
      ? 'a part of a copy'
      : has(old.copy)
        ? 'a copy'
        : 'nothing'
  await startOn(aside, old.release, silentLog)
  await old.expectUp(aside)
  rmSync(aside, { recursive: true })
  return left
}

test.each([
  ['this', 1],
  ['rebuilding', 5],
] as const)(
  'a start of %s release that is killed while it brings a database of level %i up to date loses nothing, and the next one comes up',
  async (release, level) => {
    const lane = join(folder, `${release}-${level}`)
    mkdirSync(lane)
    const pristine = join(lane, 'pristine')
    await leaveState(pristine, level, MACHINES)
    const old = new OldState(pristine, release)
    const afresh = (name: string): string => {
      const state = join(lane, name)
      cpSync(pristine, state, { recursive: true, preserveTimestamps: true })
      return state
    }
    // The second one finds the source compiled.
    await start(afresh('first'), release)
    const whole = await start(afresh('whole'), release)
    expect([whole.code, await old.expectKept(join(lane, 'whole'))]).toEqual([0, 'migrated'])
    const lasting: Record<Phase, number> = {
      copying: whole.copied - whole.begun,
      migrating: whole.over - whole.copied,
    }

    const left: Left[] = []
    let kills = 0
    for (let row = 0; row < ROWS; row++) {
      const state = afresh(`row-${row}`)
      for (const phase of ['copying', 'migrating'] as const) {
        for (let i = 0; i < KILLS_IN_A_ROW; i++) {
          const part = (i * ROWS + row + Math.random()) / (ROWS * KILLS_IN_A_ROW)
          const { code, lines } = await start(state, release, { phase, afterMs: part * SPREAD * lasting[phase] })
          // One that was over by then came up.
          expect([null, 0], lines.join('\n')).toContain(code)
          if (code === null) kills += 1
          left.push(await leftBy(state, old))
        }
      }
      await startOn(state, release, silentLog)
      await old.expectUp(state)
      rmSync(state, { recursive: true })
    }
    // They were where they had to be.
    expect(kills, JSON.stringify(left)).toBeGreaterThanOrEqual(KILLS_IN_A_ROW * ROWS)
    expect(left).toEqual(expect.arrayContaining(['a part of a copy', 'a copy']))
  },
  LIMIT_MS,
)

test.each([
  ['opens, renames, removes or marks a file', 'rename,unlink,chmod,chown,utimensat,openat', (from: number) => from + 1],
  ['flushes or cuts one', 'fsync,fdatasync,ftruncate', (from: number) => from + 1],
  ['writes', 'pwrite64', (from: number) => from * 6],
])(
  'a start that is killed as it %s, further on each time',
  async (what, calls, next) => {
    const pristine = join(folder, what.replaceAll(/\W+/g, '-'))
    await leaveState(pristine, 5, FEW_MACHINES)
    const old = new OldState(pristine, 'rebuilding')
    const left: Left[] = []
    for (let from = 1, isUp = false; !isUp; from = next(from)) {
      const state = join(folder, 'struck')
      cpSync(pristine, state, { recursive: true, preserveTimestamps: true })
      const files = ['', '-wal', ...['', '.part', '.part-journal'].map(end => `.before-0006-snapshots${end}`)]
      const paths = [state, ...files.map(end => `${databaseOf(state)}${end}`)]
      const fault = withFault({ calls, fault: 'signal=KILL', files: paths, from })
      const { code, lines } = await start(state, 'rebuilding', undefined, fault)
      expect([null, 0], lines.join('\n')).toContain(code)
      isUp = code === 0
      left.push(await leftBy(state, old))
      rmSync(state, { recursive: true })
    }
    expect(left.at(-1)).toBe('all migrated')
    expect(left).toContain('a part of a copy')
  },
  LIMIT_MS,
)
