/** CONTRIBUTING.md and CHANGELOG.md say what is so, in the form that they are said to have. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { RANKS } from './ranks.ts'
import { ROOT, rooms } from './source.ts'

const text = readFileSync(join(ROOT, 'CONTRIBUTING.md'), 'utf8')

test('the map has every room with its rank, lowest first, and links to its README', () => {
  const told = [...text.matchAll(/^\| \[([a-z]+)\]\(([^)]+)\) \| (\d) \| \S.* \|$/gm)]
  expect(Object.fromEntries(told.map(([, room, , rank]) => [room, Number(rank)]))).toEqual(
    Object.fromEntries(rooms().map(room => [room, RANKS[room]])),
  )
  const ranks = told.map(([, , , rank]) => Number(rank))
  expect(ranks).toEqual(ranks.toSorted((a, b) => a - b))
  expect(told.filter(([, room, link]) => link !== `services/${room}/README.md`)).toEqual([])
  expect(text).toContain(`\`services/main.ts\` (rank ${RANKS['main.ts']})`)
})

test('every file that it names is there', () => {
  const named = [...text.matchAll(/(?<![\w/])((?:services|test|docs|packaging|\.ci)\/[\w./-]*\w)(?![-*<\w])/g)].map(
    ([path]) => path,
  )
  expect(named.length).toBeGreaterThan(20)
  expect(named.filter(path => !existsSync(join(ROOT, path)))).toEqual([])
})

describe('every command in it works', () => {
  const lines = [...text.matchAll(/^ *```\n([^]*?)^ *```/gm)].flatMap(([, block = '']) => block.trimEnd().split('\n'))
  const commands = lines.map(line => line.replace(/ +#.*$/, '').trim())

  test('each is one of npm’s, of vitest’s, or tcpdump', () => {
    expect(commands.length).toBeGreaterThan(15)
    expect(
      commands.filter(line => !/^(RACKRISE_\w+=1 )?npm (test|run) |^npm test$|^npx vitest run |^tcpdump /.test(line)),
    ).toEqual([])
  })

  test('scripts of npm are in package.json, and what they are told exists', () => {
    const scripts = [...text.matchAll(/npm run ([a-z:]+)/g)].map(([, name]) => name!)
    expect(scripts.filter(name => !(name in manifest.scripts))).toEqual([])
    const parts = [...text.matchAll(/npm test -- ([\w/-]+)/g)].map(([, name]) => name!)
    expect(
      parts.filter(name => !existsSync(join(ROOT, 'test', name)) && !existsSync(join(ROOT, 'test', `${name}.test.ts`))),
    ).toEqual([])
  })

  test.each([...new Set(commands.filter(line => line.startsWith('npx vitest')))])('%s', { timeout: 60_000 }, line => {
    const [, file = '', title = ''] = /^npx vitest run (\S+) -t '(.+)'$/.exec(line) ?? []
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
    // It runs inside of vitest here, and would take itself for one of its workers.
    const foreign = Object.entries(process.env).filter(([name]) => !/^(VITEST|TEST|NODE_ENV|FORCE_COLOR)/.test(name))
    const env = { ...Object.fromEntries(foreign), NO_COLOR: '1' }
    const { status, stdout } = spawnSync(process.execPath, [vitest, 'run', file, '-t', title], {
      cwd: ROOT,
      encoding: 'utf8',
      env,
    })
    expect([status, stdout]).toEqual([0, expect.stringMatching(/Tests +\d+ passed/)])
  })
})

/** Keep a Changelog 1.1.0, without links: there is nothing to link to yet. */
describe('CHANGELOG.md', () => {
  const changelog = readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8')
  const headings = [...changelog.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading!)
  const releases = headings.slice(1)

  test('begins with what is not released, then has versions with their days, the newest first', () => {
    expect(changelog).toMatch(/^# Changelog\n/)
    expect(headings[0]).toBe('Unreleased')
    expect(releases.filter(heading => !/^\d+\.\d+\.\d+ - 20\d\d-[01]\d-[0-3]\d$/.test(heading))).toEqual([])
    const numbers = releases.map(heading => heading.split(' - ')[0]!.split('.').map(Number))
    const newestFirst = numbers.toSorted((a, b) => b[0]! - a[0]! || b[1]! - a[1]! || b[2]! - a[2]!)
    expect(numbers).toEqual(newestFirst)
    expect(releases[0]?.split(' - ')[0]).toBe(manifest.version)
  })

  test('changes are of one of six kinds, each kind once in a version', () => {
    const kinds = new Set(['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security'])
    for (const section of changelog.split(/^## .*$/m).slice(2)) {
      const told = [...section.matchAll(/^### (.*)$/gm)].map(([, kind]) => kind!)
      expect(told.filter((kind, at) => !kinds.has(kind) || told.indexOf(kind) !== at)).toEqual([])
      expect(section.trimStart().startsWith('### ')).toBe(true)
    }
  })

  test('each change is one line that ends as a sentence does, and stands there once', () => {
    const lines = changelog.split('\n').filter(line => line !== '' && !line.startsWith('#'))
    const wrong = lines.filter(line => !/^- \S.*[.)]$/.test(line) && !line.startsWith('All notable changes'))
    expect(wrong).toEqual([])
    expect(lines.filter((line, at) => lines.indexOf(line) !== at)).toEqual([])
  })
})
