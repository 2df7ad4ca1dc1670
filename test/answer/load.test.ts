import { chmod, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readAnswerText } from '../../services/answer/answer-text.ts'
import { type Layers, loadLayers, noKnownFiles } from '../../services/answer/load.ts'
import { formatProblem } from '../../services/kit/problem.ts'
import { FakeClock } from '../fake/clock.ts'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'answers-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function load(files: Record<string, string | Uint8Array>) {
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  const layers = await loadLayers(folder)
  return { ...layers, said: layers.problems.map(problem => formatProblem(problem).replaceAll(folder, '')) }
}

test('names, MACs in any spelling, and nothing else', async () => {
  await mkdir(join(folder, 'old.toml'))
  await mkdir(join(folder, 'more'))
  const { byName, byMac, said } = await load({
    'base.toml': 'global.root_password = "correct horse"',
    'default.toml': '',
    'BC-24-11-00-00-01.toml': '',
    'bc:24:11:00:00:02.toml': '',
    'README.md': '# not a layer',
    '.hidden.toml': 'x =',
  })
  expect([...byName.keys()]).toEqual(['base', 'default'])
  expect([...byMac.keys()]).toEqual(['bc:24:11:00:00:01', 'bc:24:11:00:00:02'])
  expect(byName.get('base')).toMatchObject({
    name: 'base',
    file: join(folder, 'base.toml'),
    table: { global: { 'root-password': 'correct horse' } },
  })
  expect(said).toEqual(['/old.toml: error: not a regular file; make it a regular UTF-8 file inside the answers folder'])
})

test('a syntax mistake has line and column, and does not repeat the password on that line', async () => {
  const { byName, broken, said } = await load({ 'base.toml': '[global]\nroot-password = "5ecret\n' })
  expect(byName.size).toBe(0)
  expect(said).toEqual(['/base.toml:2:24: error: this text has no closing quote; close it on the same line'])
  expect(broken.get('base')?.place).toEqual({ file: join(folder, 'base.toml'), line: 2, column: 24 })
})

test.each([
  ['a key twice', 'a = 1\na = 2', 'duplicate-key'],
  ['a date', 'global.since = 2026-01-01', 'wrong-type'],
  ['deep arrays', `a = ${'['.repeat(500)}${']'.repeat(500)}`, 'syntax'],
  ['deep tables', `${Array.from({ length: 5000 }, () => 'a').join('.')} = 1`, 'wrong-type'],
  ['a key that reaches the prototype', '__proto__.x = 1', 'syntax'],
  ['both spellings', '[global]\nroot-password = "a"\nroot_password = "b"', 'duplicate-key'],
  ['no UTF-8', Uint8Array.of(0x61, 0xff), 'layer-unreadable'],
  ['more than 1 MiB', ' '.repeat(1024 * 1024 + 1), 'layer-unreadable'],
])('%s makes a layer unusable', async (_, content, code) => {
  const { byName, broken, problems } = await load({ 'base.toml': content })
  expect(byName.size).toBe(0)
  expect(problems.map(problem => problem.code)).toEqual([code])
  expect(broken.get('base')?.code).toBe(code)
})

test('an unknown key is told, in a layer that holds part of an answer only', async () => {
  const { byName, said } = await load({ 'base.toml': 'network.mtu = 9000\nglobal.keyboard = "xx"' })
  expect(byName.size).toBe(1)
  expect(said).toEqual([
    '/base.toml:1:9: error: [network] has an unknown key "mtu"; known here: source, cidr, dns, gateway, filter, interface-name-pinning',
  ])
})

test('two files for one NIC: neither is used', async () => {
  const { byMac, broken, problems } = await load({ 'BC-24-11-00-00-01.toml': '', 'bc:24:11:00:00:01.toml': '' })
  expect(byMac.size).toBe(0)
  expect(problems.map(problem => problem.code)).toEqual(['layer-duplicate'])
  expect(broken.has('bc:24:11:00:00:01')).toBe(true)
})

test('a link is followed inside the folder, not out of it', async () => {
  await mkdir(join(folder, '..data'))
  await writeFile(join(folder, '..data', 'x'), 'global.country = "at"')
  await symlink('..data/x', join(folder, 'inside.toml'))
  await symlink('/etc/hostname', join(folder, 'outside.toml'))
  await symlink('nowhere', join(folder, 'torn.toml'))
  const { byName, said } = await load({})
  expect([...byName.keys()]).toEqual(['inside'])
  expect(said.map(line => line.split(';', 1)[0])).toEqual([
    '/outside.toml: error: a link that leads out of the folder',
    '/torn.toml: error: not readable (ENOENT)',
  ])
})

test('a name that no site could write is told', async () => {
  const { problems } = await load({ 'a b.toml': '' })
  expect(problems.map(problem => problem.code)).toEqual(['layer-name'])
})

test('a folder that is not there is one problem', async () => {
  await chmod(folder, 0o700)
  const { problems } = await loadLayers(join(folder, 'none'))
  expect(problems.map(problem => problem.code)).toEqual(['layer-folder'])
})

test('any text is a table or a problem', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary-ascii' }), text => void readAnswerText(text)))
})

describe('with the files that are known', () => {
  const COUNTRY = (country: string) => `global.country = "${country}"`
  const countryOf = ({ byName }: Layers, name: string) => byName.get(name)?.table.global

  /** Files of this test were written a minute ago, as this clock has it. */
  const aMinuteLater = () => noKnownFiles(new FakeClock(Date.now() + 60_000))

  test('a file that is the same is not read again', async () => {
    const known = aMinuteLater()
    await load({ 'base.toml': COUNTRY('at'), 'bc:24:11:00:00:01.toml': '', 'broken.toml': 'x =' })
    await mkdir(join(folder, 'answers'))
    await writeFile(join(folder, 'answers', 'bc:24:11:00:00:02.toml'), '')
    const [first, second] = [await loadLayers(folder, known), await loadLayers(folder, known)]
    expect(second).toEqual(first)
    expect(second.byName.get('base')).toBe(first.byName.get('base'))
    expect(second.byMac.size).toBe(2)
    for (const [mac, layer] of second.byMac) expect(layer).toBe(first.byMac.get(mac))
    expect(second.broken.get('broken')).toBe(first.broken.get('broken'))
    expect(known.byFile.size).toBe(4)
  })

  test('a change is seen at once: other bytes of the same length, another file in its place, one that is gone, one that may not be read', async () => {
    const known = aMinuteLater()
    await load({ 'base.toml': COUNTRY('at'), 'disk.toml': '', 'gone.toml': '', 'link.toml': '' })
    await loadLayers(folder, known)
    await writeFile(join(folder, 'base.toml'), COUNTRY('de'))
    expect(countryOf(await loadLayers(folder, known), 'base')).toEqual({ country: 'de' })
    await writeFile(join(folder, 'new'), COUNTRY('ch'))
    await rename(join(folder, 'new'), join(folder, 'base.toml'))
    await rm(join(folder, 'gone.toml'))
    await rm(join(folder, 'link.toml'))
    await symlink('/etc/hostname', join(folder, 'link.toml'))
    const changed = await loadLayers(folder, known)
    expect(countryOf(changed, 'base')).toEqual({ country: 'ch' })
    expect([...changed.byName.keys()]).toEqual(['base', 'disk'])
    expect([...changed.broken.keys()]).toEqual(['link'])
    expect([...known.byFile.keys()]).toEqual([join(folder, 'base.toml'), join(folder, 'disk.toml')])
  })

  test('a file that was written to just now, and one behind a link, are read every time', async () => {
    const justNow = noKnownFiles(new FakeClock(Date.now()))
    await load({ 'base.toml': COUNTRY('at') })
    await loadLayers(folder, justNow)
    expect(justNow.byFile.size).toBe(0)
    const known = aMinuteLater()
    await rename(join(folder, 'base.toml'), join(folder, 'data'))
    await symlink('data', join(folder, 'base.toml'))
    expect(countryOf(await loadLayers(folder, known), 'base')).toEqual({ country: 'at' })
    expect(known.byFile.size).toBe(0)
  })

  test('a folder of MACs that became a link out of the folder is no longer believed', async () => {
    const known = aMinuteLater()
    const elsewhere = await mkdtemp(join(tmpdir(), 'elsewhere-'))
    const [inside, outside] = [join(folder, 'answers'), join(elsewhere, 'answers')]
    await mkdir(inside)
    await writeFile(join(inside, 'bc:24:11:00:00:02.toml'), '')
    expect((await loadLayers(folder, known)).problems).toEqual([])
    await rename(inside, outside)
    await symlink(outside, inside)
    const { byMac, problems } = await loadLayers(folder, known)
    await rm(elsewhere, { recursive: true })
    expect(byMac.size).toBe(0)
    expect(problems.map(({ message }) => message)).toEqual(['a link that leads out of the folder'])
  })
})
