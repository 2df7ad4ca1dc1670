/**
 * `npm test`: all tests, on a machine that has nothing but Node and npm. Looks for the Debian packages that the full suite needs; as root on Debian it prints the
 * `apt-get` line and runs it, elsewhere it says what will not run and why, and counts that as skipped.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startVitest } from 'vitest/node'
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
    process.stdout.write(`These Debian packages are missing: ${missing.join(' ')}\nInstall them with: sudo apt-get ${line.join(' ')}\n`)
    return missing
  }
  process.stdout.write(`Installing the Debian packages that the full suite needs:\n`)
  const quiet = { DEBIAN_FRONTEND: 'noninteractive' }
  run('apt-get', ['update', '--quiet'], quiet)
  run('apt-get', ['--quiet', ...line], quiet)
  return missingPackages()
}

type Stage = { name: string; passed: number; failed: number; skipped: number }

/** Lint and types count as one test each: they can fail like any other. */
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
    const why = lacking.length > 0 ? `needs ${lacking.join(', ')}` : needsRoot && !root ? 'needs root, for network namespaces' : undefined
    if (why) unable.set(files, why)
  }
  return unable
}

async function vitestStage(project: string, include: string[], exclude: string[], settings: { parallel: boolean }): Promise<Stage> {
  const counting = new CountingReporter()
  const vitest = await startVitest('test', [], { watch: false, root: ROOT, include, exclude, reporters: ['default', counting], fileParallelism: settings.parallel, passWithNoTests: false })
  await vitest.close()
  return { name: project, ...counting.counts }
}

async function main(): Promise<void> {
  const wanted = process.argv.slice(2)
  const unable = unableFiles(preparePackages())
  for (const [files, why] of unable) process.stdout.write(`skipped: ${files}: ${why}\n`)
  const exclude = [...unable.keys()]
  const stages: Stage[] = []
  if (wanted.length === 0) stages.push(checkStage('types', 'check:types'), checkStage('lint', 'check:lint'))
  const all = wanted.length > 0 ? wanted.map(name => `test/${name}/**/*.test.ts`) : ['test/**/*.test.ts']
  const slow = ['test/e2e/**', 'test/interop/**']
  stages.push(await vitestStage('unit', all, [...slow, ...exclude], { parallel: true }))
  // Firmware and foreign programs share two cores and one kernel; one file at a time keeps their time limits honest.
  if (wanted.length === 0 || wanted.some(name => ['e2e', 'interop'].includes(name))) {
    stages.push(await vitestStage('interop and end to end', slow.map(folder => `${folder}/*.test.ts`), exclude, { parallel: false }))
  }
  const sum = (key: 'passed' | 'failed' | 'skipped'): number => stages.reduce((total, stage) => total + stage[key], 0)
  const skipped = sum('skipped') + unable.size
  process.stdout.write(`\n${sum('passed')} passed, ${sum('failed')} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`)
  process.exitCode = sum('failed') > 0 || sum('passed') === 0 ? 1 : 0
}

await main()
