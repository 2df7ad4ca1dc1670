import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundleProgram, type Bundled, ENTRIES, ROOT } from '../../packaging/bundle.ts'
import { VERSION } from '../../services/cli/version.ts'
import { sourcesOf } from '../presubmit/source.ts'

const LIMIT_MS = 60_000
const services = sourcesOf('services')
/** Away from the checkout: what is not in the bundle is not found. */
const folder = mkdtempSync(join(tmpdir(), 'rackrise-bundle-'))
let bundled: Bundled[]

beforeAll(async () => {
  bundled = await bundleProgram()
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const { path, code } of bundled) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), code)
  }
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(join(ROOT, 'node_modules/@koromix'), join(folder, 'node_modules/@koromix'))
}, LIMIT_MS)
afterAll(() => rmSync(folder, { recursive: true }))

const run = (...args: string[]): string =>
  execFileSync(process.execPath, [join(folder, 'services/main.js'), ...args], { cwd: folder, encoding: 'utf8' })

test('every module that runs by itself is a file of its own', () => {
  const started = services
    .filter(({ path }) => path !== 'services/kit/program-files.ts')
    .flatMap(({ text }) => [...text.matchAll(/programModule\('([^']+)'\)/g)].map(([, name]) => name!))
  expect(new Set(started)).toEqual(new Set(ENTRIES))
})

test('one file alone asks where the program lies', () => {
  const asking = services.filter(({ text }) => /import\.meta\.(dirname|filename|url)\b/.test(text))
  expect(asking.map(({ path }) => path)).toEqual([
    // Part of how it is built, and not of what runs.
    'services/console/build-page.ts',
    'services/kit/program-files.ts',
  ])
})

test('each file stands alone: what it imports is of Node', () => {
  const imported = bundled.flatMap(({ code }) => [...code.matchAll(/^import [^\n]*? from "([^"]+)";$/gm)])
  expect(imported.map(([, from]) => from).filter(from => !/^(node:)?[a-z_]+(\/[a-z]+)*$/.test(from!))).toEqual([])
  expect(imported.length).toBeGreaterThan(0)
})

test(
  'it runs without the checkout, and loads what calls libc',
  () => {
    // The binary of koffi is loaded before anything else runs.
    expect(run('--version')).toBe(`${VERSION}\n`)
    expect(JSON.parse(run('completion', 'bash', '--json'))).toMatchObject({ shell: 'bash' })
  },
  LIMIT_MS,
)
