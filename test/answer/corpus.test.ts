import { describe, expect, test } from 'vitest'
import { formatVersion } from '../../services/answer/dialect.ts'
import { validateText } from '../../services/answer/validate-text.ts'
import { CORPUS } from './corpus.ts'

const rows = CORPUS.flatMap(sample =>
  sample.targets.map(
    target => [sample.name, sample.about, target.product, formatVersion(target.installer), sample, target] as const,
  ),
)

describe('the corpus: every problem of every file, with line and column', () => {
  test.each(rows)('%s (%s) for %s, installer %s', (name, _about, _product, _installer, sample, target) => {
    const { kind, problems } = validateText(sample.text, name, target)
    const said = problems.map(({ severity, code, place }) => `${severity} ${code} ${place?.line}:${place?.column}`)
    expect([kind, said]).toEqual([sample.kind, sample.problems])
  })

  test('every problem says where its key is, but for mistakes of TOML, and what to do', () => {
    const problems = rows.flatMap(([name, , , , sample, target]) => validateText(sample.text, name, target).problems)
    const silent = problems.filter(({ hint, message }) => hint === '' || message === '')
    const lost = problems.filter(({ path, code }) => !path && !['syntax', 'duplicate-key', 'newer-toml'].includes(code))
    expect([silent, lost]).toEqual([[], []])
  })
})
