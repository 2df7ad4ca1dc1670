/** Every command and every option that a page names is there: asked of the table of commands itself. */
import { describe, expect, test } from 'vitest'
import { SHARED } from '../../services/cli/command.ts'
import { wordsOf } from '../../services/cli/completion-words.ts'
import { COMMANDS } from '../../services/cli/run.ts'
import { inlineCode, MANUAL, PAGES, type Page } from '../docs/manual.ts'

const WORDS = new Map(COMMANDS.map(command => [command.name, { command, words: wordsOf(command) }]))
const END_OF_COMMAND = /^(\||\|\||&&|&|;|>|>>|<|2>|#.*|·)$/

/** What is wrong with the words after `rackrise`. */
export function problemWith(text: string): string | undefined {
  const words = text
    .replaceAll(/\$\([^)]*\)/g, 'VALUE')
    .replaceAll(/'[^']*'|"[^"]*"/g, 'VALUE')
    .trim()
    .split(/\s+/)
  const end = words.findIndex(word => END_OF_COMMAND.test(word))
  const own = (end < 0 ? words : words.slice(0, end)).map(word => word.replace(/[;,.:)]+$/, ''))
  const [name = '', second] = own
  if (name === '' || /^[A-Z.…-]/.test(name)) return undefined
  const known = WORDS.get(name)
  if (!known) return `there is no command "${name}"`
  const { command, words: shape } = known
  if (shape.verbs.length > 0 && second !== undefined && !second.startsWith('-') && !/^[A-Z]/.test(second)) {
    const isVerb = second.split('|').every(verb => shape.verbs.includes(verb))
    // `explain` has a usage line with a name in place of a verb.
    if (!isVerb && !shape.places.some(({ words: place }) => place === name)) return `there is no "${name} ${second}"`
  }
  const flags = own.flatMap(word => /^\[?--([a-z][a-z-]*)/.exec(word)?.[1] ?? [])
  const place = shape.places.find(({ words: place }) => place === `${name} ${second}`)
  const options = place?.flags.map(flag => flag.name) ?? Object.keys({ ...command.options, ...SHARED })
  const wrong = flags.find(flag => !options.includes(flag))
  return wrong === undefined ? undefined : `${place?.words ?? name} has no --${wrong}`
}

/** Where `rackrise` is called: in inline code, and in lines of fences that are typed. */
function calls(page: Page): { at: string; text: string }[] {
  const inline = inlineCode(page).map(({ line, code }) => ({ at: `${page.path}:${line}`, text: code }))
  const typed = page.fences
    .filter(({ language }) => ['', 'sh', 'console'].includes(language))
    .flatMap(({ line, text }) =>
      text.split('\n').map((row, index) => ({ at: `${page.path}:${line + 1 + index}`, text: row.replace(/^\$ /, '') })),
    )
  return [...inline, ...typed].flatMap(({ at, text }) =>
    [...text.matchAll(/(?:^|sudo (?:-\S+ )*|npx |&& |\| |\$\()rackrise ([^`]*)/g)].map(([, words]) => ({
      at,
      text: words!,
    })),
  )
}

test('every call of rackrise is one that it understands', () => {
  const all = PAGES.filter(({ path }) => path !== 'CHANGELOG.md').flatMap(calls)
  expect(all.length).toBeGreaterThan(100)
  const wrong = all.flatMap(({ at, text }) => {
    const problem = problemWith(text)
    return problem === undefined ? [] : [`${at}: rackrise ${text}: ${problem}`]
  })
  expect(wrong).toEqual([])
})

describe('what is looked for is found', () => {
  test.each([
    ['serv', 'there is no command "serv"'],
    ['machine aprove node1', 'there is no "machine aprove"'],
    ['iso verify --keyrings x', 'iso verify has no --keyrings'],
    ['machine list --follow', 'machine list has no --follow'],
    ['machine approve node1 --reason "new --disks" | cat --wrong', undefined],
    ['machine list|show', undefined],
    ['COMMAND --help', undefined],
  ])('%s', (text, problem) => expect(problemWith(text)).toBe(problem))
})

/** Of other programs, or of the scripts in package.json. */
const FOREIGN = new Set([
  ...[
    '--no-install-recommends',
    '--install',
    '--unix-socket',
    '--answer-auth-token',
    '--json',
    '--seconds',
    '--tftp-blksize',
  ],
])

test('every option that stands alone is one of some command', () => {
  const known = new Set(
    [...COMMANDS.flatMap(({ options }) => Object.keys(options)), ...Object.keys(SHARED)].map(name => `--${name}`),
  )
  const alone = MANUAL.flatMap(page =>
    inlineCode(page).flatMap(({ line, code }) =>
      code.startsWith('--') ? [{ at: `${page.path}:${line}`, name: code.split(/[ =]/)[0]! }] : [],
    ),
  )
  expect(alone.filter(({ name }) => !known.has(name) && !FOREIGN.has(name))).toEqual([])
})
