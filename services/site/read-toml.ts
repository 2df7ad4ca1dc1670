/** A TOML source as plain tables, within bounds, and its mistakes of syntax as findings. */
import { parse, TomlError } from 'smol-toml'
import { shown, wrong, type Finding } from './finding.ts'
import type { Position } from './locate.ts'

/** The deepest thing in a site file is a list inside an option inside a subnet; a bomb is refused long before it hurts (M06). */
const DEEPEST = 16
/** Duplicate keys of one run; after so many a person has enough to do. */
const MOST_DUPLICATES = 50
const REDEFINED = 'trying to redefine an already defined table or value'

/** `integersAsBigInt` tells `12` from `12.0`. */
export type TomlOptions = { integersAsBigInt?: true }

export type TomlReading = {
  /** Absent if the syntax is broken in a way that cannot be passed over. */
  table?: Record<string, unknown>
  /** The source with repeated keys blanked out, every other character at its old place. */
  source: string
  findings: Finding[]
}

/**
 * Reads the source. A parser stops at its first mistake; a repeated key is passed over (its line is blanked and the
 * rest read again), so that it is told together with everything else.
 */
export function readToml(source: string, options: TomlOptions = {}): TomlReading {
  const findings: Finding[] = []
  let rest = source
  for (;;) {
    const outcome = parseOnce(rest, options)
    if (outcome.table) return { table: outcome.table, source: rest, findings }
    const { message, line, column } = outcome
    const at = { line, column }
    const isRepeated = message === REDEFINED
    // A value of several lines leaves its tail behind when its first line is blanked; that mistake is none.
    if (findings.length > 0 && !isRepeated) return { source: rest, findings }
    findings.push({ ...(isRepeated ? repeated(rest, at) : broken(message, rest, at)), at })
    const next = isRepeated ? blankKeyLine(rest, line) : undefined
    if (next === undefined || findings.length >= MOST_DUPLICATES) return { source: rest, findings }
    rest = next
  }
}

type Outcome = { table: Record<string, unknown> } | { table?: never; message: string; line: number; column: number }

function parseOnce(source: string, options: TomlOptions): Outcome {
  try {
    return { table: parse(source, { ...options, maxDepth: DEEPEST, unsafeKeyBehaviour: 'throw' }) }
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const message = (error.message.split('\n')[0] ?? '').replace('Invalid TOML document: ', '')
    return { message, line: error.line, column: error.column }
  }
}

function repeated(source: string, { line, column }: Position): Finding {
  const [, name = 'this'] = /^\s*([^=\]]+?)\s*[=\]]/.exec(source.split('\n')[line - 1]?.slice(column - 1) ?? '') ?? []
  return wrong('duplicate-key', [], `${shown(name)} is set a second time`, 'keep one of the two')
}

const CONTROL_CHARACTER = 'control characters are not allowed in strings'
const NESTED = 'document contains excessively nested structures. aborting.'

function broken(message: string, source: string, { line, column }: Position): Finding {
  const isAtLineEnd = /^\r?$/.test(source.split('\n')[line - 1]?.slice(column - 1) ?? '')
  if (message === CONTROL_CHARACTER && isAtLineEnd) {
    return wrong('syntax', [], 'this text has no closing quote', 'close it on the same line')
  }
  if (message === NESTED) {
    return wrong('syntax', [], `tables and arrays are nested more than ${DEEPEST} deep`, 'write it flatter')
  }
  return wrong('syntax', [], message, 'mend the TOML here; the rest of the file is read after that')
}

/** The source with that line blanked; undefined for a header, whose keys would then fall to another table. */
function blankKeyLine(source: string, line: number): string | undefined {
  const lines = source.split('\n')
  const text = lines[line - 1] ?? ''
  if (text.trimStart().startsWith('[')) return undefined
  lines[line - 1] = text.replace(/[^\r]/g, ' ')
  return lines.join('\n')
}
