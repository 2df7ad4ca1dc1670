/** Reads the words behind a command, and runs it; what nobody can understand ends with 2 and the way to the help. */
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util'
import { suggest } from '../site/suggest.ts'
import { type Command, didYouMean, type ExitStatus, say, SHARED, usageError, type Values } from './command.ts'
import { wordsOf } from './completion-words.ts'
import { helpOf } from './help-text.ts'
import { widthOf } from './wrap.ts'

/** What Node says of a wrong option, in the words of this program. */
function optionProblem(message: string, known: readonly string[]): string {
  const [first = ''] = message.split('.')
  const written = /^Unknown option '(-{1,2}[^']*)'/.exec(first)?.[1]
  if (written === undefined) return first
  const meant = suggest(written.replace(/^-+/, ''), known)
  return `there is no option ${written}${meant ? didYouMean(`--${meant}`) : ''}`
}

/** An option of another verb would change nothing, and who wrote it would think that it did. */
function strayOption(command: Command, word: string | undefined, values: object): string | undefined {
  const place = wordsOf(command).places.find(({ words }) => words === `${command.name} ${word}`)
  const known = place?.flags.map(({ name }) => name)
  const stray = known && Object.keys(values).find(name => !known.includes(name))
  return stray && `--${stray} is not for ${place?.words}`
}

export async function runWith(command: Command, args: string[]): Promise<ExitStatus> {
  const options: ParseArgsOptionsConfig = {}
  for (const [name, { type, multiple }] of Object.entries({ ...command.options, ...SHARED }))
    options[name] = { type, multiple: multiple ?? false, ...(name === 'help' ? { short: 'h' } : {}) }
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true, strict: true })
    if (values['help'] === true) {
      say(helpOf(command, widthOf(process.stdout)))
      return 0
    }
    const stray = strayOption(command, positionals[0], values)
    if (stray !== undefined) return usageError(command, stray)
    return await command.run(positionals, values as Values)
  } catch (error) {
    if (!(error instanceof TypeError) || !('code' in error) || !String(error.code).startsWith('ERR_PARSE_ARGS'))
      throw error
    return usageError(command, optionProblem(error.message, Object.keys(options)))
  }
}
