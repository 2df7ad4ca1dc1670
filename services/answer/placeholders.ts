/**
 * `{{machine.name}}` and the like. Replaced after the TOML was parsed, in string values only, once: a value can neither
 * change the document's structure nor bring placeholders of its own.
 */
import { escapeGlob } from '../kit/glob.ts'
import { suggest } from '../site/suggest.ts'
import { type AnswerTable, type AnswerValue, isTable, pathNamed, pathOf } from './keys.ts'
import { type AnswerProblem, errorAt } from './problems.ts'
import { hasControlCharacter } from './shapes.ts'

/** What is known of the machine that asks; absent values are problems only where a layer uses them. */
export type MachineView = {
  name?: string
  fqdn?: string
  address?: string
  mac?: string
  serial?: string
  uuid?: string
  /** The number that its rule gave it. */
  index?: number
}

export type SiteView = { name: string; domain: string; address: string }

const PLACEHOLDER = /\{\{([^{}]*)\}\}/g
/** Fills in the hash of a random password, in one place only: anywhere else it would be the password itself, or of no use. */
const RANDOM_PASSWORD = 'password.random'
const HASH_PATH = 'global.root-password-hashed'
/** Stands where that hash would: nobody's, and of its form. For looking at an answer without making a password. */
export const NO_HASH = `$6$${'.'.repeat(16)}$${'.'.repeat(86)}`
const LONGEST_VALUE = 255

/** Filters hold globs: a serial number with a star in it must not select (and erase) other disks. */
const GLOB_TABLES = new Set(['network.filter', 'disk-setup.filter'])

function valuesOf(machine: MachineView, site: SiteView): Map<string, string | undefined> {
  return new Map([
    ['machine.name', machine.name],
    ['machine.fqdn', machine.fqdn],
    ['machine.address', machine.address],
    ['machine.mac', machine.mac],
    // As udev writes it in ID_NET_NAME_MAC, behind "enx".
    ['machine.mac-digits', machine.mac?.replaceAll(':', '')],
    ['machine.serial', machine.serial],
    ['machine.uuid', machine.uuid],
    ['site.name', site.name],
    ['site.domain', site.domain],
    ['site.address', site.address],
    ['index', machine.index?.toString()],
  ])
}

type Filling = { values: Map<string, string | undefined>; passwordHash: string | undefined; problems: AnswerProblem[] }

function describeMissing(name: string, path: string, filling: Filling): AnswerProblem {
  const at = pathNamed(path)
  if (name === RANDOM_PASSWORD) {
    const hint = `write ${HASH_PATH} = "{{${name}}}": a hash is filled in, and an operator is shown the password once`
    return errorAt(at, 'random-password-misplaced', `${path}: {{${name}}} stands here, or not alone`, hint)
  }
  if (filling.values.has(name)) {
    const hint = 'list the machine in the site with that value, or write it into a layer of its own'
    return errorAt(at, 'placeholder-empty', `${path}: this machine has no ${name}`, hint)
  }
  const known = [...filling.values.keys(), RANDOM_PASSWORD]
  const meant = suggest(name, known)
  const hint = meant === undefined ? `known are ${known.join(', ')}` : `did you mean {{${meant}}}?`
  return errorAt(at, 'placeholder-unknown', `${path}: unknown placeholder {{${name}}}`, hint)
}

/** Whether the whole value is the placeholder for a random password. */
export function isRandomPassword(value: AnswerValue | undefined): boolean {
  return typeof value === 'string' && /^\{\{\s*password\.random\s*\}\}$/.test(value)
}

function fillText(text: string, path: string, table: string, filling: Filling): string {
  if (path === HASH_PATH && isRandomPassword(text) && filling.passwordHash !== undefined) return filling.passwordHash
  return text.replaceAll(PLACEHOLDER, (whole, inner: string) => {
    const name = inner.trim()
    const value = filling.values.get(name)
    if (value === undefined || value === '') {
      filling.problems.push(describeMissing(name, path, filling))
      return whole
    }
    if (hasControlCharacter(value) || value.length > LONGEST_VALUE) {
      const message = `${path}: ${name} of this machine has control characters or is too long`
      const hint = 'write the value into a layer of its own'
      filling.problems.push(errorAt(pathNamed(path), 'placeholder-unsafe', message, hint))
      return whole
    }
    return GLOB_TABLES.has(table) ? escapeGlob(value) : value
  })
}

function fillValue(value: AnswerValue, path: string, table: string, filling: Filling): AnswerValue {
  if (typeof value === 'string') return fillText(value, path, table, filling)
  if (Array.isArray(value)) return value.map((item, index) => fillValue(item, `${path}.${index}`, table, filling))
  return isTable(value) ? fillTable(value, path, filling) : value
}

function fillTable(table: AnswerTable, path: string, filling: Filling): AnswerTable {
  const entries = Object.entries(table).map(([key, value]): [string, AnswerValue] => [
    key,
    fillValue(value, pathOf(path, key), path, filling),
  ])
  return Object.fromEntries(entries)
}

/**
 * Replaces every placeholder; a name that is unknown or has no value for this machine is a problem. Keys stay as they are.
 * @param passwordHash what `{{password.random}}` stands for
 */
export function fillPlaceholders(
  table: AnswerTable,
  machine: MachineView,
  site: SiteView,
  passwordHash?: string,
): { table: AnswerTable; problems: AnswerProblem[] } {
  const filling: Filling = { values: valuesOf(machine, site), passwordHash, problems: [] }
  return { table: fillTable(table, '', filling), problems: filling.problems }
}
