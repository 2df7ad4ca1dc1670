/** An answer as the TOML text that one installer understands. */
import { stringify } from 'smol-toml'
import { type Dialect, type InstallerVersion, isAtLeast } from './dialect.ts'
import { type AnswerTable, isTable, leaveOutNewer, spellWithHyphens, spellWithUnderscores } from './keys.ts'

function changeTable(
  answer: AnswerTable,
  path: readonly string[],
  change: (table: AnswerTable) => AnswerTable,
): AnswerTable {
  const [key, ...rest] = path
  if (key === undefined) return change(answer)
  const inner = answer[key]
  return isTable(inner) ? { ...answer, [key]: changeTable(inner, rest, change) } : answer
}

/** Levels in upper case are understood since 8.3.3, and the first ISO with 8.3 may be older. */
function lowerRaid(answer: AnswerTable): AnswerTable {
  const lower = (table: AnswerTable): AnswerTable =>
    typeof table.raid === 'string' ? { ...table, raid: table.raid.toLowerCase() } : table
  const zfs = changeTable(answer, ['disk-setup', 'zfs'], lower)
  return changeTable(zfs, ['disk-setup', 'btrfs'], lower)
}

/** MACs of the mapping are understood in lower case only from 9.1.0 to 9.1.6. */
function lowerPinnedMacs(answer: AnswerTable): AnswerTable {
  return changeTable(answer, ['network', 'interface-name-pinning', 'mapping'], mapping =>
    Object.fromEntries(Object.entries(mapping).map(([mac, name]) => [mac.toLowerCase(), name])),
  )
}

function adapt(answer: AnswerTable, installer: InstallerVersion): AnswerTable {
  const raid = isAtLeast(installer, [8, 3, 3]) ? answer : lowerRaid(answer)
  return isAtLeast(installer, [9, 1, 7]) ? raid : lowerPinnedMacs(raid)
}

export type RenderedAnswer = {
  toml: string
  /** The same in JSON, for installers that read it (9.2.0 and later). */
  json?: string
  /** Paths of the keys that are newer than the installer, in order. */
  leftOut: string[]
}

/**
 * Writes the answer (either spelling) in the installer's spelling, without the keys that are newer than the installer.
 * Serialised from the object: no value can change the document's structure.
 */
export function renderAnswer(answer: AnswerTable, dialect: Dialect): RenderedAnswer {
  const { table, leftOut } = leaveOutNewer(spellWithHyphens(answer).table, dialect.installer)
  const adapted = adapt(table, dialect.installer)
  const toml = stringify(dialect.kebabCase ? adapted : spellWithUnderscores(adapted))
  return { toml, leftOut, ...(dialect.acceptsJson ? { json: JSON.stringify(adapted) } : {}) }
}
