import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { ROOT } from '../../packaging/bundle.ts'
import { controlFiles, unitNames } from '../../packaging/control.ts'
import { type Entry, packageTree, PROGRAM } from '../../packaging/tree.ts'
import { sourcesOf } from '../presubmit/source.ts'

const texts = { version: '1.2.3', at: new Date(0), changelog: 'changes', notices: 'notices' }
const native = { node: Buffer.from('node'), koffi: [{ name: 'koffi-linux-x64/index.js', content: Buffer.from('k') }] }
const bundled = [{ path: 'services/main.js', code: '#!/usr/bin/env node\nrun()\n', modules: [] }]
let tree: Entry[]
beforeAll(() => {
  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'pipe' })
  tree = packageTree(bundled, texts, native)
}, 60_000)

const contentOf = (entries: readonly Entry[], path: string): string => {
  const entry = entries.find(candidate => candidate.path === path)
  return entry && 'content' in entry ? Buffer.from(entry.content).toString() : ''
}

test('every file that the program looks for is in the package', () => {
  const named = sourcesOf('services')
    .filter(({ path }) => path !== 'services/kit/program-files.ts')
    .flatMap(({ text }) => [...text.matchAll(/programFile\('([^']+)'\)/g)].map(([, name]) => name!))
  expect(named.length).toBeGreaterThan(0)
  const missing = named.filter(name => !tree.some(({ path }) => `${path}/`.startsWith(`${PROGRAM}/${name}/`)))
  expect(missing).toEqual([])
  const scripts = /SCRIPTS = \[([^\]]+)\]/.exec(
    readFileSync(join(ROOT, 'services/lab/stand-in/initramfs.ts'), 'utf8'),
  )![1]!
  for (const [, name] of scripts.matchAll(/'([^']+)'/g))
    expect(tree.map(({ path }) => path)).toContain(`${PROGRAM}/services/lab/stand-in/${name}`)
})

test('it is in order, each path once, and the program is run by its own Node', () => {
  const paths = tree.map(({ path }) => path)
  expect(paths).toEqual([...new Set(paths)].toSorted())
  expect(contentOf(tree, `${PROGRAM}/services/main.js`)).toBe(`#!/${PROGRAM}/node\nrun()\n`)
  expect(tree).toContainEqual({ path: 'usr/bin/rackrise', link: '../lib/rackrise/services/main.js' })
})

describe('control files', () => {
  test('what lies in /etc is an administrator’s', () => {
    expect(contentOf(controlFiles(tree, '1.2.3', 'arm64'), 'conffiles').split('\n')).toEqual([
      '/etc/rackrise/answers/base.toml',
      '/etc/rackrise/answers/ext4.toml',
      '/etc/rackrise/answers/zfs-mirror.toml',
      '/etc/rackrise/site.toml',
      '',
    ])
  })

  test('scripts know every unit that can be enabled', () => {
    const units = unitNames(tree)
    expect(units).toContain('rackrise.service')
    for (const script of ['postinst', 'prerm', 'postrm'])
      expect(contentOf(controlFiles(tree, '1.2.3', 'amd64'), script)).toContain(` ${units.join(' ')}`)
  })

  test('scripts are what a POSIX shell takes', () => {
    for (const script of ['postinst', 'prerm', 'postrm'])
      execFileSync('dash', ['-n', join(ROOT, 'packaging/debian', script)], { stdio: 'pipe' })
  })
})
