/**
 * `npm run check:advisories`: whether a package that is locked here has a known weakness. A registry that does not answer that question (some mirrors do
 * not, and nobody does without a network) is said, and is no failure: the lockfile is the same as when one last answered.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

/** npm asks again by itself; after that the registry is not going to answer. */
const LIMIT_MS = 60_000

type Advisory = { severity: string; title?: string; url?: string }
type Report = { vulnerabilities?: Record<string, { name: string; severity: string; via: (Advisory | string)[] }> }

/** One line for each package with a weakness of its own; undefined if that is not what npm writes of an answer. */
export function weaknessesIn(text: string): string[] | undefined {
  let report: Report
  try {
    report = JSON.parse(text) as Report
  } catch {
    return undefined
  }
  if (!report.vulnerabilities) return undefined
  return Object.values(report.vulnerabilities).flatMap(({ name, via }) =>
    via.flatMap(one =>
      typeof one === 'string' ? [] : [`${name}: ${one.severity}: ${one.title ?? ''} ${one.url ?? ''}`.trim()],
    ),
  )
}

/** @param folder with package-lock.json */
export function askRegistry(folder: string, limitMs = LIMIT_MS): { weaknesses: string[] } | { silent: string } {
  const asked = spawnSync('npm', ['audit', '--json', '--package-lock-only', '--fetch-retries=0'], {
    cwd: folder,
    encoding: 'utf8',
    timeout: limitMs,
    // `npm run --silent` would silence this one as well.
    env: { ...process.env, npm_config_update_notifier: 'false', npm_config_loglevel: 'warn' },
  })
  const weaknesses = weaknessesIn(asked.stdout ?? '')
  if (weaknesses) return { weaknesses }
  const [reason] = asked.stderr?.trim().split('\n') ?? []
  return { silent: reason || 'it did not answer in time' }
}

if (import.meta.main) {
  const found = askRegistry(join(import.meta.dirname, '..'))
  if ('silent' in found) process.stdout.write(`advisories: not known, the registry does not tell: ${found.silent}\n`)
  else {
    for (const line of found.weaknesses) process.stderr.write(`advisories: ${line}\n`)
    process.stdout.write(`advisories: ${found.weaknesses.length}\n`)
    process.exitCode = found.weaknesses.length > 0 ? 1 : 0
  }
}
