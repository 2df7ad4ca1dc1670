/** The ledger of clauses: every statement has a test that shows it, or a word on why it has none. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ROOT } from './source.ts'

type Clause = { id: string; strength: string; text: string; source: string; tests: string[]; note: string }

/** RFC 4180: fields with commas or quotes stand in quotes, a quote in them is doubled. */
function fieldsOf(line: string): string[] {
  return [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, field = '']) =>
    field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field,
  )
}

const [head = '', ...rows] = readFileSync(join(ROOT, 'test/clauses.csv'), 'utf8').trimEnd().split('\n')
const clauses: Clause[] = rows.map(row => {
  const [id = '', strength = '', text = '', source = '', tests = '', note = ''] = fieldsOf(row)
  return { id, strength, text, source, tests: tests ? tests.split(' | ') : [], note }
})

/** A test is named by its file and by a piece of its title; a title put together from a table row is looked for in pieces. */
function isThere(reference: string): boolean {
  const [file = '', ...titles] = reference.split(' > ')
  const path = join(ROOT, file)
  if (!existsSync(path)) return false
  const source = readFileSync(path, 'utf8').replaceAll("\\'", "'").replace(/\s+/g, ' ')
  return titles.every(title => {
    const words = title.replace(/…$/, '').trim().split(/\s+/)
    if (source.includes(words.join(' '))) return true
    const pieces = [...words.map((_, at) => words.slice(at, at + 3)), words.slice(-2)].map(piece => piece.join(' '))
    return pieces.some(piece => piece.length > 9 && source.includes(piece))
  })
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

  test('every statement is shown by a test or says why not', () => {
    expect(clauses.filter(({ tests, note }) => tests.length === 0 && note === '').map(({ id }) => id)).toEqual([])
  })

  test('every test it names exists', () => {
    expect(
      clauses.flatMap(({ id, tests }) =>
        tests.filter(reference => !isThere(reference)).map(reference => `${id}: ${reference}`),
      ),
    ).toEqual([])
  })
})
