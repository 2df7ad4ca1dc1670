/**
 * One condition of a rule: a fact and the patterns that it may and may not fit. Patterns are the globs of the installer's filters, without
 * regard to case; a `!` before one turns it round; an address may be a network (`10.77.0.0/25`) too.
 */
import { type Glob, globMatches, parseGlob } from '../kit/glob.ts'
import { globIncludes } from '../kit/glob-inclusion.ts'
import { type Ipv4, parseIpv4, parsePrefix, type Prefix, prefixContains } from '../kit/ipv4.ts'
import { aboutFact, canonicalFact, type FactName } from './facts.ts'

export type Condition = {
  fact: FactName
  /** As they are written, without the `!`: one of these has to fit, where there are any; */
  any: readonly string[]
  /** and none of these. */
  none: readonly string[]
}

/** What the fact of a machine makes of a condition. Whoever did not tell a fact fits nothing that asks for it, a negation neither. */
export type Judgement = 'fits' | 'not-told' | 'differs' | 'excluded'

type Pattern = { glob: Glob } | { prefix: Prefix }

export function conditionOf(written: string, patterns: readonly string[]): Condition {
  const none = patterns.filter(pattern => pattern.startsWith('!')).map(pattern => pattern.slice(1))
  return { fact: canonicalFact(written), any: patterns.filter(pattern => !pattern.startsWith('!')), none }
}

/** MACs are read with dashes, too, but inside a set a dash is a range. */
function withColons(pattern: string): string {
  return pattern.replaceAll(/\[[^\]]*\]|-/g, part => (part === '-' ? ':' : part))
}

/** What is wrong with a pattern (without its `!`), or what it means. */
export function readPattern(fact: FactName, written: string): Pattern | { mistake: string; hint: string } {
  const kind = aboutFact(fact)?.kind
  if (kind === 'address' && written.includes('/')) {
    const prefix = parsePrefix(written)
    if (prefix) return { prefix }
    return { mistake: 'is not a network', hint: 'write its first address and the mask length, as "10.77.0.0/24"' }
  }
  const glob = parseGlob((kind === 'mac' ? withColons(written) : written).toLowerCase())
  if (!('message' in glob)) return { glob }
  return { mistake: `is not a pattern: ${glob.message}`, hint: 'a literal star is written [*], a bracket [[]' }
}

type Compiled = { any: Pattern[]; none: Pattern[] }

/** Conditions live as long as the site; each is read once. */
const COMPILED = new WeakMap<Condition, Compiled>()

function compiled(condition: Condition): Compiled {
  const known = COMPILED.get(condition)
  if (known) return known
  const read = (written: readonly string[]): Pattern[] =>
    written.flatMap(pattern => {
      const what = readPattern(condition.fact, pattern)
      return 'mistake' in what ? [] : [what]
    })
  const both = { any: read(condition.any), none: read(condition.none) }
  COMPILED.set(condition, both)
  return both
}

function takes(pattern: Pattern, value: string): boolean {
  if ('glob' in pattern) return globMatches(pattern.glob, value.toLowerCase())
  const address = parseIpv4(value)
  return address !== undefined && prefixContains(pattern.prefix, address)
}

/** `values` are all that the machine told of the fact; one that fits is enough, and one that is excluded, too. */
export function judgeCondition(condition: Condition, values: readonly string[] | undefined): Judgement {
  if (!values || values.length === 0) return 'not-told'
  const { any, none } = compiled(condition)
  const isTaken = (pattern: Pattern): boolean => values.some(value => takes(pattern, value))
  if (none.some(isTaken)) return 'excluded'
  return condition.any.length === 0 || any.some(isTaken) ? 'fits' : 'differs'
}

function includes(general: Pattern, specific: Pattern): boolean {
  if ('glob' in general) {
    if ('glob' in specific) return globIncludes(general.glob, specific.glob)
    return general.glob.length === 1 && general.glob[0]?.kind === 'run'
  }
  if ('prefix' in specific)
    return specific.prefix.length >= general.prefix.length && prefixContains(general.prefix, specific.prefix.network)
  // A pattern without wildcards is one address.
  const literal = specific.glob.map(token => (token.kind === 'literal' ? token.character : '?')).join('')
  const address: Ipv4 | undefined = parseIpv4(literal)
  return address !== undefined && prefixContains(general.prefix, address)
}

const ALL: Pattern = { glob: [{ kind: 'run' }] }

/** Whether whatever fits `specific` fits `general`. False also where it only cannot be shown. */
function followsFrom(general: Condition, specific: Condition): boolean {
  const [wide, narrow] = [compiled(general), compiled(specific)]
  const told = narrow.any.length > 0 ? narrow.any : [ALL]
  const isPositive = wide.any.length === 0 || told.every(one => wide.any.some(other => includes(other, one)))
  return isPositive && wide.none.every(one => narrow.none.some(other => includes(other, one)))
}

/** Whether every machine that fits all of `specific` fits all of `general`: what shows that a later rule is never reached. */
export function conditionsInclude(general: readonly Condition[], specific: readonly Condition[]): boolean {
  return general.every(wide => specific.some(narrow => narrow.fact === wide.fact && followsFrom(wide, narrow)))
}

/** `mac = "b0:7b:25:*"`, as a person wrote it. */
export function describeCondition({ fact, any, none }: Condition): string {
  const patterns = [...any, ...none.map(pattern => `!${pattern}`)].map(pattern => JSON.stringify(pattern))
  return `${fact} = ${patterns.length === 1 ? patterns[0] : `[${patterns.join(', ')}]`}`
}
