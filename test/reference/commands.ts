/** `docs/reference/commands.md`: every command, from the table that the help is made of. */
import { type Command, SHARED } from '../../services/cli/command.ts'
import { COMMANDS } from '../../services/cli/run.ts'
import { code, head, table } from './page.ts'

const ABOUT = [
  'Every command, as its `--help` tells it. From a checkout it is `npx rackrise`, where the package is installed `rackrise`. Words in capitals stand for what is yours;',
  'what is in brackets may be left out; `...` means that it may be there several times. A machine is named by its name, MAC, serial number or address.',
  '',
  'Exit status: 0 fine, 1 the answer is no, 2 the command line is wrong. A site file that is wrong, and an environment that is not as it must be, are 1 with every command.',
  'Errors are lines on the standard error output: what, where, what to do. With `--json` the standard output holds one JSON document, and nothing else.',
]

function optionsTable(options: Command['options']): string {
  const rows = Object.entries(options).map(([name, { value, help, multiple }]) => [
    code(`--${name}${value ? ` ${value}` : ''}`),
    multiple ? `${help} (several times)` : help,
  ])
  return table(['Option', 'What'], rows)
}

function section({ name, summary, usage, options, example, refusal }: Command): string {
  return [
    `## ${code(name)}`,
    '',
    `${summary[0]!.toUpperCase()}${summary.slice(1)}.`,
    '',
    '```',
    ...usage.map(line => `rackrise ${line}`),
    '```',
    '',
    ...(Object.keys(options).length > 0 ? [optionsTable(options), ''] : []),
    `Example: ${code(example)}`,
    '',
    `Exit status 1: ${refusal}.`,
    '',
  ].join('\n')
}

export function commandsPage(): string {
  const overview = table(
    ['Command', 'Does'],
    COMMANDS.map(({ name, summary }) => [`[${code(name)}](#${name})`, summary]),
  )
  const shared = ['## Options of every command', '', optionsTable(SHARED), '']
  return [head('Commands', ...ABOUT), overview, '', ...shared, ...COMMANDS.map(section)].join('\n')
}
