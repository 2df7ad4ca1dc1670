/**
 * The ledgers of clauses and of threats: every statement, and every mitigation, has a test that shows it, or a word on why it has none. What must be
 * (M) is shown or waived; a plan is no proof.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { ROOT } from './source.ts'
import { hasPlaceholder, isThere } from './title.ts'

type Clause = { id: string; strength: string; text: string; source: string; tests: string[]; note: string }

/** RFC 4180: fields with commas or quotes stand in quotes, a quote in them is doubled. */
function fieldsOf(line: string): string[] {
  return [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, field = '']) =>
    field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field,
  )
}

const linesOf = (file: string): string[] => readFileSync(join(ROOT, file), 'utf8').trimEnd().split('\n')

const [head = '', ...rows] = linesOf('test/clauses.csv')
const clauses: Clause[] = rows.map(row => {
  const [id = '', strength = '', text = '', source = '', tests = '', note = ''] = fieldsOf(row)
  return { id, strength, text, source, tests: tests ? tests.split(' | ') : [], note }
})

/** Why a statement is shown by no test: left out on purpose, about what is not here, or not yet there. */
const NOTES = /^(waived|does not apply|planned): \S/

const isPlanned = ({ note }: Clause): boolean => note.startsWith('planned:')

const TITLES_LIMIT_MS = 60_000

/** Titles of all tests by file, with those of the groups around them, as the test runner reads them. */
const titles = new Map<string, string[][]>()

beforeAll(() => {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
  const { stdout, stderr } = spawnSync(process.execPath, [vitest, 'list', '--json'], { cwd: ROOT, encoding: 'utf8' })
  if (!stdout.startsWith('[')) throw new Error(`the titles could not be read: ${stderr}${stdout}`)
  for (const { name, file } of JSON.parse(stdout) as { name: string; file: string }[]) {
    const path = relative(ROOT, file)
    titles.set(path, [...(titles.get(path) ?? []), name.split(' > ')])
  }
}, TITLES_LIMIT_MS)

function isShown(reference: string): boolean {
  const [file = '', ...named] = reference.split(' > ')
  if (!existsSync(join(ROOT, file))) return false
  const source = readFileSync(join(ROOT, file), 'utf8')
  return (titles.get(file) ?? []).some(title => isThere(named, title, source))
}

describe('clauses.csv', () => {
  test('has the columns and the 220 statements', () => {
    expect(head).toBe('id,strength,text,source,tests,note')
    expect(clauses).toHaveLength(220)
    expect(new Set(clauses.map(({ id }) => id)).size).toBe(220)
    expect(
      clauses.filter(({ id, strength, text }) => !/^[A-M]\d\d$/.test(id) || !/^[MSQP]$/.test(strength) || text === ''),
    ).toEqual([])
  })

  test('every statement is shown by a test or says why not, in one of three forms', () => {
    expect(clauses.filter(({ tests, note }) => tests.length === 0 && note === '').map(({ id }) => id)).toEqual([])
    expect(
      clauses.filter(({ note }) => note !== '' && !NOTES.test(note)).map(({ id, note }) => `${id}: ${note}`),
    ).toEqual([])
  })

  test('what must be is shown or waived, not planned', () => {
    const owed = clauses.filter(clause => clause.strength === 'M' && isPlanned(clause)).map(({ id }) => id)
    expect(owed).toEqual([])
  })

  test('every test it names exists, by its whole title', () => {
    expect(
      clauses.flatMap(({ id, tests }) =>
        tests.filter(reference => !isShown(reference)).map(reference => `${id}: ${reference}`),
      ),
    ).toEqual([])
  })

  test('every test that names a clause is in its row', () => {
    const forgotten = [...titles].flatMap(([file, all]) =>
      all.flat().flatMap(title => {
        const ids = new Set(hasPlaceholder(title) ? [] : title.match(/\b[A-M]\d\d\b/g))
        const named = clauses.filter(({ id }) => ids.has(id))
        const missing = named.filter(({ tests }) => !tests.some(test => test.startsWith(file) && test.includes(title)))
        return missing.map(({ id }) => `${id}: ${file} > ${title}`)
      }),
    )
    expect([...new Set(forgotten)]).toEqual([])
  })

  test('what is planned is said with every run', async ({ annotate }) => {
    const planned = clauses.filter(isPlanned)
    for (const { id, strength, note } of planned) await annotate(`${id} (${strength}) ${note}`)
    // A row that has its test needs no plan.
    expect(planned.filter(({ tests }) => tests.length > 0).map(({ id }) => id)).toEqual([])
  })
})

/** Threats (T) of this appliance, and classes of weaknesses that others of its kind had (V). */
type Threat = { id: string; threat: string; mitigation: string; tests: string[]; note: string }

const [threatHead = '', ...threatRows] = linesOf('test/threats.csv')
const threats: Threat[] = threatRows.map(row => {
  const [id = '', threat = '', mitigation = '', tests = '', note = ''] = fieldsOf(row)
  return { id, threat, mitigation, tests: tests ? tests.split(' | ') : [], note }
})

const numbered = (letter: string, count: number, width: number): string[] =>
  Array.from({ length: count }, (_, at) => `${letter}${String(at + 1).padStart(width, '0')}`)

describe('threats.csv', () => {
  test('has the columns, the twenty threats and the twenty classes', () => {
    expect(threatHead).toBe('id,threat,mitigation,tests,note')
    expect(threats.map(({ id }) => id)).toEqual([...numbered('T', 20, 1), ...numbered('V', 20, 2)])
    expect(threats.filter(({ threat }) => threat === '')).toEqual([])
  })

  test('every mitigation is shown by a test, and what is left is said in one of two forms', () => {
    const unshown = threats.filter(({ tests, note }) => tests.length === 0 && !/^not mitigated: \S/.test(note))
    expect(unshown.map(({ id }) => id)).toEqual([])
    expect(threats.filter(({ mitigation, tests }) => tests.length > 0 && mitigation === '')).toEqual([])
    expect(threats.filter(({ note }) => note !== '' && !/^(residual|not mitigated): \S/.test(note))).toEqual([])
  })

  test('every test it names exists, by its whole title', () => {
    expect(
      threats.flatMap(({ id, tests }) =>
        tests.filter(reference => !isShown(reference)).map(reference => `${id}: ${reference}`),
      ),
    ).toEqual([])
  })

  test('every test that names a threat is in its row', () => {
    const forgotten = [...titles].flatMap(([file, all]) =>
      all.flatMap(title => {
        const named = threats.filter(({ id }) => title.some(part => part.startsWith(`${id} `)))
        const missing = named.filter(
          ({ tests }) => !tests.some(test => test.startsWith(`${file} > `) && title.some(part => test.includes(part))),
        )
        return missing.map(({ id }) => `${id}: ${file} > ${title.join(' > ')}`)
      }),
    )
    expect(forgotten).toEqual([])
  })

  test('what is left over is said in SECURITY.md, threat by threat', () => {
    const security = readFileSync(join(ROOT, 'SECURITY.md'), 'utf8')
    const left = threats.filter(({ note }) => note !== '').map(({ id }) => id)
    expect(left.filter(id => !new RegExp(`[(,] ?${id}[,)]`).test(security))).toEqual([])
  })
})
