import fc from 'fast-check'
import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { dialectOf, formatVersion, PRODUCTS, releasesOf } from '../../services/answer/dialect.ts'
import { type AnswerTable, leaveOutNewer, spellWithHyphens } from '../../services/answer/keys.ts'
import { hasError } from '../../services/answer/problems.ts'
import { renderAnswer } from '../../services/answer/render.ts'
import { validateAnswer } from '../../services/answer/validate.ts'
import { validateText } from '../../services/answer/validate-text.ts'
import { anyAnswer } from './any-answer.ts'

const targets = PRODUCTS.flatMap(product =>
  releasesOf(product).map(release => {
    const dialect = dialectOf({ product, release })
    return [product, release, formatVersion(dialect.installer), dialect] as const
  }),
)

/** Every value of every key, but that capital letters do not count where an installer does not know them. */
function valuesOf(table: AnswerTable): unknown {
  const text = JSON.stringify(table)
  return JSON.parse(
    text
      .replaceAll(/"raid":"[A-Z0-9-]+"/g, level => level.toLowerCase())
      .replaceAll(/"(?:[0-9A-F]{2}:){5}[0-9A-F]{2}":/g, mac => mac.toLowerCase()),
  )
}

describe('whatever a valid answer holds', () => {
  test.each(targets)('%s %s (installer %s) is sent what was composed, and accepts it', (product, _, __, dialect) => {
    const target = { product, installer: dialect.installer }
    fc.assert(
      fc.property(anyAnswer(target), answer => {
        expect(validateAnswer(answer, target).filter(({ severity }) => severity === 'error')).toEqual([])
        const { toml, json, leftOut } = renderAnswer(answer, dialect)
        const kept = leaveOutNewer(answer, dialect.installer)
        expect(leftOut).toEqual(kept.leftOut)
        const read = spellWithHyphens(parse(toml) as AnswerTable)
        expect(valuesOf(read.table)).toEqual(valuesOf(kept.table))
        expect(new Set(read.written.map(({ spelling }) => spelling))).not.toContain(
          dialect.kebabCase ? 'underscores' : 'hyphens',
        )
        // The file validator knows what that installer refuses as it stands.
        expect(hasError(validateText(toml, 'answer.toml', target, 'answer').problems)).toBe(false)
        expect(json === undefined ? dialect.acceptsJson : JSON.parse(json)).toEqual(
          json === undefined ? false : read.table,
        )
      }),
      { numRuns: 30 },
    )
  })
})
