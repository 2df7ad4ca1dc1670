/** The rules of the house, as tests: who may import whom, who may touch the world, how large things get, what every room has. */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, test } from 'vitest'
import { RANKS, TOP } from './ranks.ts'
import { type Import, importsOf, ROOT, rooms, type SourceFile, sourcesOf } from './source.ts'

const services = sourcesOf('services')

function roomOf(path: string): string {
  return normalize(path).split('/')[1]!
}

function targetOf(file: SourceFile, imported: Import): string | undefined {
  return imported.from.startsWith('.') ? join(dirname(file.path), imported.from) : undefined
}

describe('import direction', () => {
  test('every room has a rank', () => {
    expect(rooms().filter(room => !(room in RANKS))).toEqual([])
  })

  test('rooms import downwards only', () => {
    const wrong = services.flatMap(file =>
      importsOf(file).flatMap(imported => {
        const target = targetOf(file, imported)
        if (!target?.startsWith('services/')) return []
        const [from, to] = [roomOf(file.path), roomOf(target)]
        const fine = from === to || RANKS[from] === TOP || RANKS[to]! < RANKS[from]!
        return fine ? [] : [`${file.path} imports ${target}`]
      }),
    )
    expect(wrong).toEqual([])
  })

  test('nothing in services imports tests', () => {
    const wrong = services.filter(file =>
      importsOf(file).some(imported => targetOf(file, imported)?.startsWith('test/')),
    )
    expect(wrong.map(({ path }) => path)).toEqual([])
  })
})

describe('exports', () => {
  test('what a file exports another one names', () => {
    const files = [...services, ...sourcesOf('test'), ...sourcesOf('packaging')]
    const naming = new Map<string, number>()
    for (const { text } of files)
      for (const word of new Set(text.match(/[A-Za-z_$][\w$]*/g))) naming.set(word, (naming.get(word) ?? 0) + 1)
    // Types that say what an exported function takes may be named by nobody.
    const alone = services.flatMap(({ path, text }) =>
      [...text.matchAll(/^export (?:async )?(?:function\*?|const|class) ([\w$]+)/gm)]
        .filter(([, name]) => naming.get(name!) === 1)
        .map(([, name]) => `${path} exports ${name}`),
    )
    expect(alone).toEqual([])
  })
})

/** Modules of Node that compute and touch nothing. */
const PURE_NODE = new Set(['node:crypto', 'node:util', 'node:zlib', 'node:buffer', 'node:path'])
/** `node:net` is IO but for its address parser, which is stricter than any package's. */
const PURE_NAMES: Record<string, string> = { 'node:net': '{ isIPv4 }' }
const PURE_PACKAGES = new Set(['zod', 'fastify-type-provider-zod', 'smol-toml', 'dns2'])

/** Files that touch the world, and what for. Everything else is pure. */
const EDGES: [pattern: RegExp, why: string][] = [
  [/^services\/[^/]+\/(server|load|registry)\.ts$/, 'the edge of its room'],
  [/^services\/store\//, 'the database'],
  [/^services\/(cli|lab)\//, 'programs'],
  [/^services\/main\.ts$/, 'the composition root'],
  [/^services\/http\//, 'request handlers'],
  [/^services\/console\/(app|events-api|control-socket|remote-fleet)\.ts$/, 'request handlers and their client'],
  [
    /^services\/kit\/(native-socket|datagram-batch|port-bundle|sockets|udp-port|native-notify|journal-stream|pino-log|background-output|neighbours|core-limit)\.ts$/,
    'sockets, the kernel’s tables and the log',
  ],
  [/^services\/kit\/(program-files|ownership)\.ts$/, 'where this program lies, and whose its files are'],
  [/^services\/kit\/(prom-meter|event-loop)\.ts$/, 'the meter'],
  [/^services\/iso\/(catalogue|attempt-files|initrd-size|watch|write-image)\.ts$/, 'files of the library'],
  [/^services\/iso\/(notes|verify|signature)\.ts$/, 'what was found out about them, and gpgv'],
  [/^services\/console\/users-file\.ts$/, 'who may use the console'],
  [/^services\/webhook\/post\.ts$/, 'the client of the targets'],
  [/^services\/tftp\/segment-file\.ts$/, 'parts of ISOs'],
  [/^services\/site\/read-secret\.ts$/, 'files that hold secrets'],
  [/^services\/health\/edge\//, 'the wire and this machine, as they are looked at'],
  [/^services\/console\/(build-page|page-files)\.ts$/, 'how the page is built, and its built files'],
  [
    /^services\/console\/page\/(store\/(clock|live|orders|shown)|wire\/(api|events)|parts\/[a-z-]+|main|router|session)\.tsx?$/,
    'the browser',
  ],
  [/^services\/console\/page\/.*\.tsx$/, 'what the browser shows'],
  [/^services\/dhcp\/open\.ts$/, 'the interface whose MAC the watch asks by'],
  [/^services\/dns\/tcp(-query)?\.ts$/, 'DNS over TCP, of the server and of the forwarder'],
]

function isEdge(path: string): boolean {
  return EDGES.some(([pattern]) => pattern.test(path))
}

function touchesWorld({ from, names }: Import): boolean {
  if (from.startsWith('.') || names.startsWith('type ')) return false
  if (from.startsWith('node:')) return !PURE_NODE.has(from) && PURE_NAMES[from] !== names
  return !PURE_PACKAGES.has(from)
}

describe('the page', () => {
  const PAGE = 'services/console/page/'
  const isOfPage = (path: string): boolean => path.startsWith(PAGE)

  test('it runs in browsers: of the rest it knows types only, of Node nothing', () => {
    const wrong = services
      .filter(({ path }) => isOfPage(path))
      .flatMap(file =>
        importsOf(file).flatMap(imported => {
          const target = targetOf(file, imported)
          const isFine = target
            ? isOfPage(target) || imported.names.startsWith('type ')
            : !imported.from.startsWith('node:')
          return isFine ? [] : [`${file.path} imports ${imported.from}`]
        }),
      )
    expect(wrong).toEqual([])
  })

  test('the rest knows its paths and no more of it', () => {
    const wrong = services
      .filter(({ path }) => !isOfPage(path))
      .flatMap(file =>
        importsOf(file).flatMap(imported => {
          const target = targetOf(file, imported)
          return target && isOfPage(target) && target !== `${PAGE}paths.ts` ? [`${file.path} imports ${target}`] : []
        }),
      )
    expect(wrong).toEqual([])
  })
})

describe('purity', () => {
  test('pure files import no IO module, no logger and no socket', () => {
    const wrong = services
      .filter(file => !isEdge(file.path))
      .flatMap(file =>
        importsOf(file)
          .filter(touchesWorld)
          .map(({ from }) => `${file.path} imports ${from}`),
      )
    expect(wrong).toEqual([])
  })

  test('pure files do not look at the clock, the environment or chance', () => {
    const wrong = services
      .filter(
        file =>
          !isEdge(file.path) &&
          file.path !== 'services/kit/clock.ts' &&
          !/^services\/machine\/registry\.ts$/.test(file.path),
      )
      .flatMap(file =>
        [
          ...file.text.matchAll(
            /\b(Date\.now\(\)|new Date\(\)|process\.env|Math\.random\(\)|setTimeout\(|setInterval\()/g,
          ),
        ].map(([what]) => `${file.path} uses ${what}`),
      )
    expect(wrong).toEqual([])
  })

  test('no stray console output', () => {
    const wrong = services
      .filter(file => /\bconsole\.(log|error|warn|info|debug)\(/.test(file.text))
      .map(({ path }) => path)
    expect(wrong).toEqual([])
  })
})

const MAX_FILE_LINES = 400

// Functions of at most 60 lines are the linter's business: max-lines-per-function in .oxlintrc.json.
describe('size', () => {
  test(`files have at most ${MAX_FILE_LINES} lines`, () => {
    expect(
      [...services, ...sourcesOf('test'), ...sourcesOf('packaging')]
        .filter(({ lines }) => lines.length > MAX_FILE_LINES + 1)
        .map(({ path, lines }) => `${path}: ${lines.length}`),
    ).toEqual([])
  })
})

describe('names and types', () => {
  test('files are kebab-case, and none is a drawer for odds and ends', () => {
    const wrong = services.filter(
      ({ path }) =>
        !/^[a-z0-9/-]+(\.d)?\.tsx?$/.test(path) || /(utils?|helpers?|manager|misc|common)\.tsx?$/.test(path),
    )
    expect(wrong.map(({ path }) => path)).toEqual([])
  })

  test('no ignored errors, no promises for later', () => {
    const banned = /(@ts-ignore|@ts-expect-error|@ts-nocheck|\bTODO\b|\bFIXME\b|\bXXX\b)/
    const wrong = [...services, ...sourcesOf('test'), ...sourcesOf('packaging')]
      .filter(({ path }) => path !== 'test/presubmit/house.test.ts')
      .flatMap(({ path, lines }) =>
        lines.flatMap((line, index) => (banned.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
      )
    expect(wrong).toEqual([])
  })

  test('no test is skipped, alone or postponed', () => {
    const banned = /\b(it|test|describe)\.(skip|only|todo|skipIf|runIf|fails)\b/
    expect(
      sourcesOf('test')
        .filter(({ path, text }) => path !== 'test/presubmit/house.test.ts' && banned.test(text))
        .map(({ path }) => path),
    ).toEqual([])
  })

  test('every file begins by saying what it is', () => {
    expect(services.filter(({ text }) => !/^(#![^\n]*\n)?\/\*\*/.test(text)).map(({ path }) => path)).toEqual([])
  })
})

const README_SECTIONS = ['## What it does', '## Site keys', '## Events', '## Examples', '## Decisions']

describe('room READMEs', () => {
  test.each(rooms())('%s has a README in the one form', room => {
    const path = join(ROOT, 'services', room, 'README.md')
    expect(existsSync(path)).toBe(true)
    const text = readFileSync(path, 'utf8')
    expect(text.startsWith(`# ${room}\n`)).toBe(true)
    const found = text.match(/^## .*$/gm) ?? []
    expect(found.filter(heading => README_SECTIONS.includes(heading))).toEqual(README_SECTIONS)
  })
})
