/** What may stand where on the command line, read from the usage lines that the help shows: there is no second list to be forgotten. */
import { type Command, SHARED } from './command.ts'

/** What a word is that is no option and no verb. */
export type Operand = 'machines' | 'isos' | 'files' | 'nothing'
export type Value = { of: 'files' } | { of: 'anything' } | { of: 'choices'; choices: string[] }
export type Flag = { name: string; help: string; value?: Value }
/** A command, or one of its verbs: `machine show`. */
export type Place = { words: string; operand: Operand; flags: Flag[] }
export type Words = { name: string; summary: string; verbs: string[]; places: Place[] }

const VERB = /^[a-z][a-z-]*$/
/** `--type disk|network`: words in small letters are the values themselves. */
const CHOICES = /--([a-z-]+) ([a-z_-]+(?:\|[a-z_-]+)+)/g
/** Commands whose NAME is somebody who is no machine. */
const OF_PEOPLE = new Set(['user', 'token'])

function choicesIn(usage: readonly string[]): Map<string, string[]> {
  return new Map(
    usage.flatMap(line => [...line.matchAll(CHOICES)].map(([, name, all]) => [name!, all!.split('|')] as const)),
  )
}

function operandOf(command: string, usage: string): Operand {
  const bare = usage.replaceAll(/--[a-z-]+ [A-Za-z0-9|_.=:]+/g, '')
  if (/\bFILE\b/.test(bare)) return command === 'iso' ? 'isos' : 'files'
  return /\b(NAME|MAC)\b/.test(bare) && !OF_PEOPLE.has(command) ? 'machines' : 'nothing'
}

function flagsOf({ options, usage }: Command, own: string): Flag[] {
  const choices = choicesIn(usage)
  const isTold = (name: string): boolean => usage.some(line => line.includes(`--${name}`))
  const mine = Object.entries(options).filter(([name]) => own.includes(`--${name}`) || !isTold(name))
  return [...mine, ...Object.entries(SHARED)].map(([name, { type, value, help }]) => {
    const known = choices.get(name)
    const of: Value = known ? { of: 'choices', choices: known } : { of: value === 'FILE' ? 'files' : 'anything' }
    return { name, help, ...(type === 'string' ? { value: of } : {}) }
  })
}

export function wordsOf(command: Command): Words {
  const { name, summary, usage } = command
  const verbOf = (line: string): string | undefined => {
    const second = line.split(' ')[1]
    return second !== undefined && VERB.test(second) ? second : undefined
  }
  const byVerb = Map.groupBy(usage, line => verbOf(line) ?? '')
  const places = [...byVerb].map(
    ([verb, lines]): Place => ({
      words: verb === '' ? name : `${name} ${verb}`,
      operand: lines.map(line => operandOf(name, line)).find(operand => operand !== 'nothing') ?? 'nothing',
      flags: flagsOf(command, lines.join(' ')),
    }),
  )
  return { name, summary, verbs: [...byVerb.keys()].filter(verb => verb !== ''), places }
}
