/** What is not ours: pinned, locked, licensed, without scripts of their own, and each known to few rooms. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { importsOf, ROOT, sourcesOf } from './source.ts'

type Versions = Record<string, string>
type Manifest = {
  dependencies: Versions
  devDependencies: Versions
  optionalDependencies: Versions
  allowScripts: Record<string, boolean>
}
type Locked = Partial<Manifest> & {
  version?: string
  integrity?: string
  resolved?: string
  link?: boolean
  license?: string
  hasInstallScript?: boolean
}

const read = (file: string): unknown => JSON.parse(readFileSync(join(ROOT, file), 'utf8'))
const manifest = read('package.json') as Manifest
const lock = read('package-lock.json') as { lockfileVersion: number; packages: Record<string, Locked> }
const locked = Object.entries(lock.packages).filter(([path]) => path !== '')
const GROUPS = ['dependencies', 'devDependencies', 'optionalDependencies'] as const

test('every version is written exactly', () => {
  const loose = GROUPS.flatMap(group => Object.entries(manifest[group])).filter(
    ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
  )
  expect(loose).toEqual([])
})

describe('the lockfile', () => {
  test('is that of package.json', () => {
    expect(lock.lockfileVersion).toBe(3)
    for (const group of GROUPS) expect(lock.packages['']?.[group]).toEqual(manifest[group])
    const direct = GROUPS.flatMap(group => Object.entries(manifest[group]))
    expect(direct.filter(([name, version]) => lock.packages[`node_modules/${name}`]?.version !== version)).toEqual([])
  })

  test('has a checksum for every package, and none that comes from elsewhere than a registry', () => {
    expect(locked.length).toBeGreaterThan(100)
    // Those of a registry have no address here (`npm config set omit-lockfile-registry-resolved true`): only others would.
    const wrong = locked.filter(
      ([, { integrity, resolved, link }]) => link || resolved !== undefined || !integrity?.startsWith('sha512-'),
    )
    expect(wrong.map(([path]) => path)).toEqual([])
  })

  test('nothing runs when it is installed, but for what package.json lists', () => {
    const scripted = locked
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => path.replace(/^.*node_modules\//, ''))
    expect(scripted.filter(name => !(name in manifest.allowScripts))).toEqual([])
    expect(Object.keys(manifest.allowScripts).filter(name => !scripted.includes(name))).toEqual([])
    // koffi brings its binary along for every system that we run on; its script would build one.
    expect(manifest.allowScripts).toEqual({ koffi: false })
  })

  test('all of it may be used and passed on', () => {
    const fine = new Set(['MIT', 'MIT OR Apache-2.0', 'Apache-2.0', 'ISC', '0BSD', 'BSD-3-Clause', 'MPL-2.0'])
    expect(
      locked.filter(([, { license }]) => !fine.has(license ?? '')).map(([path, { license }]) => `${path}: ${license}`),
    ).toEqual([])
    // Changes to its files have to be published: it is a tool of the build and of tests, and nothing of it is shipped changed.
    const copyleft = locked.filter(([, { license }]) => license === 'MPL-2.0').map(([path]) => path)
    expect(copyleft.filter(path => !/node_modules\/(lightningcss|axe-core)/.test(path))).toEqual([])
  })
})

/** Which rooms import a package. One that several need is a language of its own: schemas, TOML, calls of the kernel. */
const HOMES: Record<string, readonly string[]> = {
  '@fastify/cookie': ['console'],
  '@fastify/helmet': ['console'],
  '@fastify/swagger': ['console'],
  '@preact/signals': ['console'],
  dns2: ['dns'],
  fastify: ['console', 'http'],
  'fastify-type-provider-zod': ['console'],
  koffi: ['health', 'http', 'kit', 'lab'],
  kysely: ['store'],
  pino: ['kit'],
  preact: ['console'],
  'prom-client': ['kit'],
  selfsigned: ['http'],
  'smol-toml': ['answer', 'iso', 'lab', 'site'],
  vite: ['console'],
  zod: ['answer', 'console', 'health', 'iso', 'lab', 'site'],
}

test('every package of the appliance is imported by the rooms that are said to, and by no other', () => {
  const found: Record<string, Set<string>> = {}
  for (const file of sourcesOf('services'))
    for (const { from } of importsOf(file)) {
      const name = /^(@[^/]+\/)?[^/]+/.exec(from)![0]
      if (!from.startsWith('.') && !from.startsWith('node:')) (found[name] ??= new Set()).add(file.path.split('/')[1]!)
    }
  const rooms = Object.entries(found).map(([name, homes]) => [name, [...homes].toSorted()] as const)
  expect(Object.fromEntries(rooms)).toEqual(HOMES)
  expect(Object.keys(manifest.dependencies).toSorted()).toEqual(Object.keys(HOMES).toSorted())
})
