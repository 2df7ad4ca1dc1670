/** What a command is, and what all of them share: `--config`, `--json`, `--help`, and how they end. */
import { existsSync } from 'node:fs'
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { type Priority, withPriority } from '../kit/journal.ts'
import { isJournal } from '../kit/journal-stream.ts'
import { formatProblem, type Problem } from '../kit/problem.ts'

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

function helpOf(command: Command): string {
  const rows = Object.entries({ ...command.options, ...SHARED }).map(
    ([name, { value, help }]) => [`--${name}${value ? ` ${value}` : ''}`, help] as const,
  )
  const width = Math.max(...rows.map(([left]) => left.length))
  return [
    `${command.summary}`,
    '',
    'Usage:',
    ...command.usage.map(usage => `  rackrise ${usage}`),
    '',
    'Options:',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    '',
    'Example:',
    `  ${command.example}`,
    '',
    `Exit status: 0 fine, 2 the command line is wrong, 1 otherwise: ${command.refusal}.`,
  ].join('\n')
}

/** Parses and runs; a command line that can't be understood ends with 2 and the way to the help. */
export async function runWith(command: Command, args: string[]): Promise<ExitStatus> {
  const options: ParseArgsOptionsConfig = {}
  for (const [name, { type, multiple }] of Object.entries({ ...command.options, ...SHARED })) {
    options[name] = { type, multiple: multiple ?? false }
  }
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true, strict: true })
    if (values['help'] === true) {
      say(helpOf(command))
      return 0
    }
    return await command.run(positionals, values as Values)
  } catch (error) {
    if (!(error instanceof TypeError) || !('code' in error) || !String(error.code).startsWith('ERR_PARSE_ARGS'))
      throw error
    complain(`rackrise ${command.name}: ${error.message.split('.')[0]}; see \`rackrise ${command.name} --help\``)
    return 2
  }
}

/** What is wrong with the first word of a command that has several. */
export function verbProblem(command: string, verbs: readonly string[], word: string | undefined): string {
  return word ? `there is no "${command} ${word}"` : `say which of ${verbs.join(', ')}`
}

export function usageError(command: Pick<Command, 'name'>, what: string): ExitStatus {
  complain(`rackrise ${command.name}: ${what}; see \`rackrise ${command.name} --help\``)
  return 2
}
