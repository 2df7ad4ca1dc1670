/**
 * What only some installers understand, for a file that goes to one of them as it is. Answers that Rackrise composes are
 * rendered in the spelling of the installer, without what it does not know.
 */
import { shown } from '../site/finding.ts'
import { formatVersion, isAtLeast } from './dialect.ts'
import type { AnswerView } from './draft.ts'
import { HYPHENS_SINCE, nameOf, type Spelled } from './keys.ts'
import { type AnswerProblem, errorAt, warningAt } from './problems.ts'

/** The assistant's validator reports underscores from this version on, and fails for them; the installer takes them. */
const UNDERSCORES_REPORTED_SINCE = [9, 0] as const

export function checkSpelling(written: Spelled['written'], { target }: AnswerView): AnswerProblem[] {
  const knowsHyphens = isAtLeast(target.installer, HYPHENS_SINCE)
  const reportsUnderscores = isAtLeast(target.installer, UNDERSCORES_REPORTED_SINCE)
  return written.flatMap(({ path, spelling }) => {
    const name = nameOf(path)
    const key = String(path.at(-1))
    if (spelling === 'hyphens' && !knowsHyphens) {
      const message = `${name} is refused by installer ${formatVersion(target.installer)} in this spelling (since 8.4)`
      return [errorAt(path, 'newer-key', message, `write ${key.replaceAll('-', '_')}`)]
    }
    if (spelling === 'hyphens' || !reportsUnderscores) return []
    return [warningAt(path, 'old-spelling', `${name} is spelled with underscores`, `write ${key}`)]
  })
}

/** Levels in capital letters are understood since 8.3.3. */
function checkLevelCase({ draft, target }: AnswerView): AnswerProblem[] {
  return (['zfs', 'btrfs'] as const).flatMap(table => {
    const raid = draft['disk-setup']?.[table]?.raid
    if (raid === undefined || raid === raid.toLowerCase() || isAtLeast(target.installer, [8, 3, 3])) return []
    const message = `disk-setup.${table}.raid: installers before 8.3.3 do not know ${shown(raid)}`
    return [errorAt(['disk-setup', table, 'raid'], 'newer-key', message, `write ${shown(raid.toLowerCase())}`)]
  })
}

/** MACs in capital letters are understood as keys of the mapping since 9.1.7. */
function checkMacCase({ draft, target }: AnswerView): AnswerProblem[] {
  const path = ['network', 'interface-name-pinning']
  const pinning = draft.network?.['interface-name-pinning']
  if (!pinning?.enabled || isAtLeast(target.installer, [9, 1, 7])) return []
  return Object.keys(pinning.mapping ?? {}).flatMap(mac => {
    if (mac === mac.toLowerCase()) return []
    const message = `${nameOf([...path, 'mapping'])}: installers before 9.1.7 do not know ${shown(mac)} in capital letters`
    return [errorAt([...path, 'mapping', mac], 'newer-key', message, `write ${shown(mac.toLowerCase())}`)]
  })
}

export function checkVersion(view: AnswerView): AnswerProblem[] {
  return [...checkLevelCase(view), ...checkMacCase(view)]
}
