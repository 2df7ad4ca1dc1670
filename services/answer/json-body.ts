/** JSON that a machine sent: bounded before it is parsed, and read with readers that never throw. */
import type { Problem } from '../kit/problem.ts'
import { answerError } from './problems.ts'

export type JsonObject = Record<string, unknown>

/** The deepest body that installers send has five levels. */
const DEEPEST = 16

const SEND_AGAIN = 'boot the installer again; if it stays so, keep the body and report it'
const SEND_JSON = 'only the installer has something to say here'

function isTooDeep(text: string): boolean {
  let depth = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (quoted) {
      if (character === '\\') i++
      else if (character === '"') quoted = false
    } else if (character === '"') quoted = true
    else if (character === '{' || character === '[') {
      if (++depth > DEEPEST) return true
    } else if (character === '}' || character === ']') depth--
  }
  return false
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * Reads the body of a POST as one JSON object, whatever its content type says: installers up to 8.2.6 send a truncated
 * charset. Invalid UTF-8 is replaced, a BOM is dropped. `largest` is in bytes.
 */
export function readJsonObject(bytes: Uint8Array, largest: number): { body: JsonObject } | Problem {
  if (bytes.length > largest) {
    return answerError('body-too-large', `the body has ${bytes.length} bytes, more than ${largest}`, SEND_AGAIN)
  }
  const text = new TextDecoder().decode(bytes)
  if (isTooDeep(text)) return answerError('body-too-deep', `the body nests deeper than ${DEEPEST} levels`, SEND_AGAIN)
  const body = asObject(parse(text))
  // Wrapped, so that no body can look like a problem of ours.
  return body ? { body } : answerError('body-not-json', 'the body is not a JSON object', SEND_JSON)
}

export function asObject(value: unknown): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
}

/** Own property only: a body may not reach the prototype. */
export function field(object: JsonObject | undefined, key: string): unknown {
  return object && Object.hasOwn(object, key) ? object[key] : undefined
}

export function objectField(object: JsonObject | undefined, key: string): JsonObject | undefined {
  return asObject(field(object, key))
}

/** The objects of an array, the first `most` entries of it; what is not an object is passed over. */
export function objectsField(object: JsonObject | undefined, key: string, most: number): JsonObject[] {
  const value = field(object, key)
  if (!Array.isArray(value)) return []
  return value
    .slice(0, most)
    .map(asObject)
    .filter(entry => entry !== undefined)
}

/** Text with control characters replaced by blanks and trimmed; empty or overlong text counts as absent. */
export function cleanText(value: unknown, longest = 256): string | undefined {
  if (typeof value !== 'string' || value.length > longest) return undefined
  const text = value.replaceAll(/\p{Cc}+/gu, ' ').trim()
  return text === '' ? undefined : text
}

export function textField(object: JsonObject | undefined, key: string, longest?: number): string | undefined {
  return cleanText(field(object, key), longest)
}
