/** What `--help` says, as wide as the terminal; in a pipe each thing is one line. */
import { type Command, SHARED } from './command.ts'
import { wrap } from './wrap.ts'

const MARGIN = 2
/** A column that is narrower is harder to read than a line that the terminal wraps. */
const NARROWEST = 24
/** `[--reason TEXT]` stays whole. */
const WORDS_OF_USAGE = /\[[^\]]*\]\S*|\S+/g

/** `left  right`, what has no room of it below its beginning. */
function listed(rows: readonly (readonly [left: string, right: string])[], width: number): string[] {
  const column = MARGIN + Math.max(...rows.map(([left]) => left.length)) + 2
  return rows.flatMap(([left, right]) => {
    const lines = wrap(right.split(' '), Math.max(NARROWEST, width - column))
    return lines.map((line, at) => (at === 0 ? `  ${left}`.padEnd(column) : ' '.repeat(column)) + line)
  })
}

function usageLines(usage: string, width: number): string[] {
  const [first = '', ...rest] = wrap(`rackrise ${usage}`.match(WORDS_OF_USAGE) ?? [], width - 3 * MARGIN)
  return [`  ${first}`, ...rest.map(line => `      ${line}`)]
}

/** @param width of the terminal, in characters */
export function helpOf(command: Command, width = Infinity): string {
  const options = Object.entries({ ...command.options, ...SHARED }).map(
    ([name, { value, help }]) => [`--${name}${value ? ` ${value}` : ''}`, help] as const,
  )
  const status = `Exit status: 0 fine, 2 the command line is wrong, 1 otherwise: ${command.refusal}.`
  return [
    ...wrap(command.summary.split(' '), width),
    '',
    'Usage:',
    ...command.usage.flatMap(usage => usageLines(usage, width)),
    '',
    'Options:',
    ...listed(options, width),
    '',
    'Example:',
    `  ${command.example}`,
    '',
    ...wrap(status.split(' '), width),
  ].join('\n')
}

/** @param width of the terminal, in characters */
export function overviewOf(commands: readonly Command[], width = Infinity): string {
  return [
    'Rackrise: network-boots racks of servers into the Proxmox automated installer.',
    '',
    'Usage:',
    '  rackrise COMMAND [OPTIONS]',
    '',
    'Commands:',
    ...listed(
      commands.map(({ name, summary }) => [name, summary] as const),
      width,
    ),
    '',
    'Every command has --help with an example.',
  ].join('\n')
}
