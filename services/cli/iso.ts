/** `rackrise iso`: the library of ISOs. One verb a file; this one knows which there are. */
import { type Command, type ExitStatus, usageError, verbProblem, type Values } from './command.ts'
import { inspectVerb } from './iso-inspect.ts'
import { listVerb } from './iso-list.ts'
import { prepareVerb } from './iso-prepare.ts'
import { verifyVerb } from './iso-verify.ts'

/** What can be done with ISOs: `iso WORD ARGUMENT...`. */
export type IsoVerb = {
  usage: string[]
  options: Command['options']
  /** How many arguments it takes, and what they are. */
  takes: { least: number; most: number; what: string }
  run(args: string[], values: Values): Promise<ExitStatus>
}

const VERBS: Record<string, IsoVerb> = {
  list: listVerb,
  inspect: inspectVerb,
  verify: verifyVerb,
  prepare: prepareVerb,
}

/** Options are told apart by the verb that they are of. */
function strayOption(verb: IsoVerb, values: Values): string | undefined {
  const all = Object.values(VERBS).flatMap(({ options }) => Object.keys(options))
  return all.find(name => values[name] !== undefined && !(name in verb.options))
}

export const isoCommand: Command = {
  name: 'iso',
  summary: 'the library of ISOs: what is there, what is wrong with it',
  usage: Object.values(VERBS).flatMap(({ usage }) => usage),
  options: Object.assign({}, ...Object.values(VERBS).map(({ options }) => options)) as Command['options'],
  example: 'rackrise iso inspect proxmox-ve_9.2-1.iso',
  refusal: 'an ISO or the folder has a problem, a checksum or signature does not fit, or the ISO was not made',
  async run([word, ...args], values) {
    const verb = word !== undefined && Object.hasOwn(VERBS, word) ? VERBS[word] : undefined
    if (!verb) return usageError(isoCommand, verbProblem('iso', Object.keys(VERBS), word))
    const { least, most, what } = verb.takes
    if (args.length < least) return usageError(isoCommand, `iso ${word} needs ${what}`)
    if (args.length > most) return usageError(isoCommand, `"${args[most]}" is too much`)
    const stray = strayOption(verb, values)
    if (stray) return usageError(isoCommand, `--${stray} is not for iso ${word}`)
    return verb.run(args, values)
  },
}
