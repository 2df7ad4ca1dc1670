/** What a command is, and what all of them share: `--config`, `--json`, `--help`, and how they end. */
import { existsSync } from 'node:fs'
import { type Priority, withPriority } from '../kit/journal.ts'
import { isJournal } from '../kit/journal-stream.ts'
import { formatProblem, type Problem } from '../kit/problem.ts'
import { suggest } from '../site/suggest.ts'

/** 0 fine, 1 the answer is no, 2 the command line is wrong. */
export type ExitStatus = 0 | 1 | 2

export type Values = Record<string, string | boolean | string[] | undefined>

export type Command = {
  name: string
  summary: string
  /** Without the program's name: `machine approve NAME`. */
  usage: string[]
  /** Beside --config, --json and --help. */
  options: Record<string, { type: 'string' | 'boolean'; help: string; value?: string; multiple?: true }>
  example: string
  /** What exit status 1 says, beside a site file that is wrong and an environment that is not as it must be. */
  refusal: string
  run(positionals: string[], values: Values): Promise<ExitStatus>
}

export const INSTALLED_CONFIG = '/etc/rackrise/site.toml'
/** Where a package has them: ISOs are large, and what a site serves (FHS, /srv). */
export const INSTALLED_ISOS = '/srv/rackrise/isos'
const CHECKOUT_CONFIG = 'config/site.toml'

/** The site file: as told, else the checkout's, else the installed one. */
export function configFile(values: Values): string {
  if (typeof values['config'] === 'string') return values['config']
  return existsSync(CHECKOUT_CONFIG) || !existsSync(INSTALLED_CONFIG) ? CHECKOUT_CONFIG : INSTALLED_CONFIG
}

export function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

const STANDARD_ERROR = 2
const ERROR: Priority = 3
export const WARNING: Priority = 4

/** In the journal of a unit it has its priority. */
export function complain(text: string, priority: Priority = ERROR): void {
  process.stderr.write(`${isJournal(STANDARD_ERROR) ? withPriority(priority, text) : text}\n`)
}

export function complainOf(problems: readonly Problem[], json: boolean): void {
  if (json) say(JSON.stringify({ problems }, null, 2))
  else for (const problem of problems) complain(formatProblem(problem), problem.severity === 'error' ? ERROR : WARNING)
}

export const SHARED: Command['options'] = {
  config: {
    type: 'string',
    value: 'FILE',
    help: `site file (default ${CHECKOUT_CONFIG}, or ${INSTALLED_CONFIG} when installed)`,
  },
  json: { type: 'boolean', help: 'print JSON for programs' },
  help: { type: 'boolean', help: 'show this' },
}

/** What is wrong with the first word of a command that has several. */
export function verbProblem(command: string, verbs: readonly string[], word: string | undefined): string {
  if (!word) return `say which of ${verbs.join(', ')}`
  const meant = suggest(word, verbs)
  return `there is no "${command} ${word}"${meant ? didYouMean(`${command} ${meant}`) : `, but ${verbs.join(', ')}`}`
}

/** For a word that nobody knows, behind it. */
export function didYouMean(meant: string): string {
  return ` (did you mean "${meant}"?)`
}

export function usageError(command: Pick<Command, 'name'>, what: string): ExitStatus {
  complain(`rackrise ${command.name}: ${what}; see \`rackrise ${command.name} --help\``)
  return 2
}
