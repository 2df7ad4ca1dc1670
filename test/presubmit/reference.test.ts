/** The reference says what the code does: each page is made again and compared, and its sources are complete. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ANSWER_PROBLEM_CODES } from '../../services/answer/problems.ts'
import { STATUS_OF } from '../../services/console/problem-details.ts'
import { SITE_PROBLEM_CODES } from '../../services/site/finding.ts'
import { codesInSource } from '../reference/codes-in-source.ts'
import { OTHER_CODES } from '../reference/other-codes.ts'
import { PAGES } from '../reference/pages.ts'
import { SECTIONS } from '../reference/reasons.ts'
import { siteComments } from '../reference/site-comments.ts'
import { siteTables } from '../reference/site-file.ts'
import { secretKeys, siteProblems } from '../reference/site-problems.ts'
import { ROOT } from './source.ts'

test.each(PAGES)('$file is made of the code: `npm run reference` writes it anew', async ({ file, make }) => {
  expect(readFileSync(join(ROOT, file), 'utf8')).toBe(await make())
})

describe('the site file', () => {
  const tables = siteTables()
  const keys = tables.flatMap(table => table.keys)
  const comments = siteComments()

  test('every key is explained in config/site.toml, by a comment of its own', () => {
    expect(keys.length).toBeGreaterThan(70)
    expect(keys.filter(({ name }) => !comments.get(name)?.about).map(({ name }) => name)).toEqual([])
  })

  test('nothing is explained that is no key or table', () => {
    const known = new Set([...tables, ...keys].map(({ name }) => name))
    expect([...comments.keys()].filter(name => !known.has(name))).toEqual([])
  })

  test('what config/site.toml writes is the default, but for what a site must say itself', () => {
    const own = new Set(['site.name', 'site.domain', 'network.interface', 'network.address'])
    const single = tables.filter(({ repeats }) => !repeats).flatMap(table => table.keys)
    const others = single.filter(({ name, default: value }) => {
      const { example } = comments.get(name)!
      return !own.has(name) && value !== undefined && value !== '[]' && example !== value
    })
    expect(others.map(({ name }) => name)).toEqual([])
  })

  test('every code of its problems is told of a key, or of the file as a whole', () => {
    const ofTheFile = new Set([
      'unreadable',
      'too-large',
      'not-utf-8',
      'syntax',
      'duplicate-key',
      'unknown-key',
      'wrong-type',
    ])
    const told = new Set([...siteProblems().values()].flatMap(codes => [...codes]))
    expect(SITE_PROBLEM_CODES.filter(code => !told.has(code) && !ofTheFile.has(code))).toEqual([])
  })

  test('problems are told of keys and tables that there are', () => {
    const known = new Set([...tables, ...keys].map(({ name }) => name))
    expect([...siteProblems().keys()].filter(name => !known.has(name))).toEqual([])
  })

  test('every key that names a file says whether the file is a secret', () => {
    const files = keys.filter(({ name }) => name.endsWith('-file')).map(({ name }) => name)
    const open = files.filter(name => !secretKeys().has(name))
    expect(open).toEqual(['http.certificate-file', 'webhook.ca-file'])
  })
})

describe('reasons', () => {
  const told = new Set(SECTIONS.flatMap(({ rows }) => rows.map(({ code }) => code)))

  test('every code in the source is told, and what is told of itself stands in the source', () => {
    const written = codesInSource()
    expect(
      [...written].filter(([code]) => !told.has(code)).map(([code, paths]) => `${code}: ${[...paths].join()}`),
    ).toEqual([])
    const others = OTHER_CODES.flatMap(({ codes }) => Object.keys(codes))
    expect(others.filter(code => !written.has(code))).toEqual([])
  })

  test('every code of the rooms’ lists is told', () => {
    const known = [...SITE_PROBLEM_CODES, ...ANSWER_PROBLEM_CODES, ...Object.keys(STATUS_OF)]
    expect(known.filter(code => !told.has(code))).toEqual([])
  })

  test('none is told twice in one section, and each says what to do', () => {
    const twice = SECTIONS.flatMap(({ title, rows }) =>
      rows
        .filter(({ code }, at) => rows.findIndex(other => other.code === code) !== at)
        .map(({ code }) => `${title}: ${code}`),
    )
    expect(twice).toEqual([])
    expect(SECTIONS.flatMap(({ rows }) => rows.filter(({ action }) => action.trim() === ''))).toEqual([])
  })
})

test('links between pages of the reference lead to files and headings that are there', () => {
  const wrong = PAGES.filter(({ file }) => file.startsWith('docs/reference/')).flatMap(({ file }) => {
    const text = readFileSync(join(ROOT, file), 'utf8')
    return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
      if (link.startsWith('https:')) return []
      const [target = '', anchor] = link.split('#')
      const path = target === '' ? join(ROOT, file) : join(ROOT, file, '..', target)
      if (!existsSync(path)) return [`${file}: ${link}`]
      const headings = [...readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
        title
          .toLowerCase()
          .replaceAll(/[^\w\s-]/g, '')
          .replaceAll(' ', '-'),
      )
      return anchor === undefined || headings.includes(anchor) ? [] : [`${file}: ${link}`]
    })
  })
  expect(wrong).toEqual([])
})
