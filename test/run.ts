/**
 * `npm test`: all tests, on a machine that has nothing but Node and npm. Looks for the Debian packages that the full suite needs; as root on Debian it prints the
 * `apt-get` line and runs it, elsewhere it says what will not run and why, and counts that as skipped.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, matchesGlob } from 'node:path'
import { startVitest } from 'vitest/node'
import { enterRackNamespace } from '../services/lab/namespace.ts'
import { fetchSignedLoaders, SIGNED_LOADERS } from '../services/lab/signed-loaders.ts'
import { CountingReporter } from './counting-reporter.ts'
import { missingPackages, PACKAGES } from './packages.ts'

const ROOT = join(import.meta.dirname, '..')

function isDebian(): boolean {
  return existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get')
}

function run(command: string, args: string[], environment: Record<string, string> = {}): boolean {
  process.stdout.write(`$ ${command} ${args.join(' ')}\n`)
  return spawnSync(command, args, { stdio: 'inherit', cwd: ROOT, env: { ...process.env, ...environment } }).status === 0
}

/** Installs what is missing where that is allowed; returns what is still missing. */
function preparePackages(): string[] {
  const missing = missingPackages()
  if (missing.length === 0) return []
  const line = ['install', '--yes', '--no-install-recommends', ...missing]
  if (!isDebian() || process.getuid?.() !== 0) {
    process.stdout.write(
      `These Debian packages are missing: ${missing.join(' ')}\nInstall them with: sudo apt-get ${line.join(' ')}\n`,
    )
    return missing
  }
  process.stdout.write(`Installing the Debian packages that the full suite needs:\n`)
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' }
  run('apt-get', ['update', '--quiet'], quiet)
  run('apt-get', ['--quiet', ...line], quiet)
  return missingPackages()
}

type Stage = { name: string; passed: number; failed: number; skipped: number }

/** Lint, types and advisories count as one test each: they can fail like any other. */
function checkStage(name: string, script: string): Stage {
  const passed = run('npm', ['run', '--silent', script])
  return { name, passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 }
}

/** Test files that need packages which are not there, or root; said one by one. */
function unableFiles(missing: readonly string[]): Map<string, string> {
  const unable = new Map<string, string>()
  const root = process.getuid?.() === 0
  for (const { files, packages, needsRoot } of PACKAGES) {
    const lacking = packages.filter(name => missing.includes(name))
    const why =
      lacking.length > 0
        ? `needs ${lacking.join(', ')}`
        : needsRoot && !root
          ? 'needs root, for network namespaces'
          : undefined
    if (why) unable.set(files, why)
  }
  return unable
}

const COUNTS_FILE = 'RACKRISE_TEST_COUNTS'
/** Vitest's five seconds are soon over for a property test while two busy cores run six other files. Tests that wait for programs say their own. */
const TEST_LIMIT_MS = 20_000
/** What a page is polled for comes within a second, if nobody else has the processor. */
const POLL_LIMIT_MS = 5_000

async function vitestStage(name: string, include: string[], exclude: string[], parallel: boolean): Promise<Stage> {
  const counting = new CountingReporter()
  const vitest = await startVitest('test', [], {
    watch: false,
    root: ROOT,
    include,
    exclude,
    reporters: ['default', counting],
    fileParallelism: parallel,
    testTimeout: TEST_LIMIT_MS,
    hookTimeout: TEST_LIMIT_MS,
    expect: { poll: { timeout: POLL_LIMIT_MS } },
    passWithNoTests: false,
  })
  await vitest.close()
  return { name, ...counting.counts }
}

/** Labs build bridges, so their tests run in a network namespace of their own: this program again, through `unshare`. */
async function endToEndStage(include: string[], exclude: string[]): Promise<Stage> {
  const failed: Stage = { name: 'end to end', passed: 0, failed: 1, skipped: 0 }
  const folder = mkdtempSync(join(tmpdir(), 'rackrise-test-'))
  const counts = join(folder, 'counts.json')
  process.env[COUNTS_FILE] = counts
  try {
    // There is no way to the archive from inside.
    if (include.some(pattern => matchesGlob('test/e2e/secure-boot.test.ts', pattern)))
      await fetchSignedLoaders(SIGNED_LOADERS).catch((error: Error) => process.stdout.write(`${error.message}\n`))
    const entered = await enterRackNamespace([join(ROOT, 'test/run.ts'), '--inside', include.join(), ...exclude])
    if (!entered.inside) await entered.exited
    return existsSync(counts) ? (JSON.parse(readFileSync(counts, 'utf8')) as Stage) : failed
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function insideNamespace([include = '', ...exclude]: string[]): Promise<void> {
  const counts = process.env[COUNTS_FILE]
  if (counts === undefined)
    throw new Error('--inside is for a run that has made a namespace: name tests as e2e/install')
  const stage = await vitestStage('end to end', include.split(','), exclude, false)
  writeFileSync(counts, JSON.stringify(stage))
}

/** All of them, or one file: `e2e/install`. */
function isEndToEnd(name: string): boolean {
  return name === 'e2e' || name.startsWith('e2e/')
}

const SLOW = ['test/interop/**', 'test/e2e/**']

async function runStages(wanted: readonly string[], exclude: string[]): Promise<Stage[]> {
  const all = wanted.length === 0
  const stages: Stage[] = []
  if (all)
    stages.push(
      checkStage('types', 'check:types'),
      checkStage('lint', 'check:lint'),
      checkStage('advisories', 'check:advisories'),
    )
  // What browsers are shown is the page of this source, whatever was built when it was installed.
  if (all || wanted.includes('interop') || wanted.some(isEndToEnd)) stages.push(checkStage('page', 'build'))
  const folders = all
    ? ['test/**/*.test.ts']
    : wanted.filter(name => name !== 'interop' && !isEndToEnd(name)).map(name => `test/${name}/**/*.test.ts`)
  if (folders.length > 0) stages.push(await vitestStage('rooms', folders, [...SLOW, ...exclude], true))
  // Foreign programs and firmware share two cores and one kernel; one file at a time keeps their time limits honest.
  if (all || wanted.includes('interop'))
    stages.push(await vitestStage('interop', ['test/interop/**/*.test.ts'], exclude, false))
  const endToEnd = all ? ['e2e'] : wanted.filter(isEndToEnd)
  const files = endToEnd.map(name => (name === 'e2e' ? 'test/e2e/**/*.test.ts' : `test/${name}.test.ts`))
  if (files.length > 0 && !exclude.includes('test/e2e/**')) stages.push(await endToEndStage(files, exclude))
  return stages
}

async function main(): Promise<void> {
  const [first, ...rest] = process.argv.slice(2)
  if (first === '--inside') return insideNamespace(rest)
  const unable = unableFiles(preparePackages())
  for (const [files, why] of unable) process.stdout.write(`skipped: ${files}: ${why}\n`)
  const stages = await runStages(first === undefined ? [] : [first, ...rest], [...unable.keys()])
  const sum = (key: 'passed' | 'failed' | 'skipped'): number => stages.reduce((total, stage) => total + stage[key], 0)
  for (const { name, passed, failed } of stages)
    process.stdout.write(
      `${name.padEnd(12)} ${String(passed).padStart(5)} passed ${String(failed).padStart(4)} failed\n`,
    )
  const skipped = sum('skipped') + unable.size
  process.stdout.write(
    `\n${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`,
  )
  process.exitCode = sum('failed') > 0 || sum('passed') === 0 ? 1 : 0
}

await main()
