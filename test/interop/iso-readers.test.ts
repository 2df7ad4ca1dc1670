/** More foreign readers of injected images: cdrkit's isoinfo, which shows every record, and 7-Zip, whose ISO reader is its own. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checksumsIn, KINDS, MODE_NAME, MODE_TEXT, withMode, writeInjected } from './iso-images.ts'

let work: string
const images = new Map<string, { original: string; injected: string }>()
beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), 'rackrise-interop-iso-readers-'))
  for (const { name, make } of KINDS) {
    const original = await make(work)
    images.set(name, { original, injected: await writeInjected(original) })
  }
}, 120_000)
afterAll(() => rmSync(work, { recursive: true, force: true }))

function isoinfo(image: string, ...options: string[]): string {
  return execFileSync('isoinfo', ['-i', image, ...options], { encoding: 'utf8' })
}

/**
 * Modes, owners, lengths, dates, first sectors and names in the order of their directories; without `.` and `..`, which say where the root
 * is, and without the mode file.
 */
function listed(image: string, names: '-R' | '-J'): string[] {
  const lines = isoinfo(image, '-l', names).split('\n')
  return lines.filter(line => !/\]  \.{1,2} *$/.test(line) && !line.trimEnd().endsWith(`  ${MODE_NAME}`))
}

test.each(KINDS)('isoinfo shows the mode file, and all else where it was: $name', ({ name, joliet }) => {
  const { original, injected } = images.get(name)!
  for (const names of joliet ? (['-R', '-J'] as const) : (['-R'] as const)) {
    expect(isoinfo(injected, names, '-x', `/${MODE_NAME}`)).toBe(MODE_TEXT)
    expect(listed(injected, names)).toEqual(listed(original, names))
    expect(listed(injected, names).length).toBeGreaterThan(15)
  }
  const mode = isoinfo(injected, '-l', '-R')
    .split('\n')
    .filter(line => line.includes(MODE_NAME))
  expect(mode).toHaveLength(1)
  expect(mode[0]).toMatch(/^-r--r--r-- +1 +0 +0 +46 /)
})

test.each(KINDS)(
  'isoinfo finds the folders by the path table, and every boot image where it was: $name',
  ({ name }) => {
    const { original, injected } = images.get(name)!
    const table = (image: string) => isoinfo(image, '-p').split('\n')
    // The root is the first entry, and the only one that may have moved; its own `.` says where it is.
    const [, root = '', ...others] = table(injected)
    expect(others).toEqual(table(original).slice(2))
    const self = /\[ *(\d+) 02\]  \. /.exec(isoinfo(injected, '-l'))!
    expect(root.trim().split(/ +/)).toEqual(['1:', '1', Number(self[1]).toString(16)])
    const bootImages = (image: string) =>
      isoinfo(image, '-d')
        .split('\n')
        .filter(line => !/^(Volume size|Joliet)/.test(line))
    expect(bootImages(injected)).toEqual(bootImages(original))
  },
)

/** 7-Zip prefers Joliet, whose names are shorter, and does not put moved folders back: it is compared with itself. */
function unpacked(image: string): string[] {
  const output = join(work, 'unpacked')
  const said = execFileSync('7z', ['x', '-y', `-o${output}`, image], { encoding: 'utf8' })
  expect(said).toContain('Everything is Ok')
  const files = checksumsIn(output)
  rmSync(output, { recursive: true })
  return files.filter(line => !line.includes('./[BOOT]/'))
}

test.each(KINDS)('7-Zip unpacks every file: $name', ({ name }) => {
  const { original, injected } = images.get(name)!
  const list = execFileSync('7z', ['l', injected], { encoding: 'utf8' })
  expect(list.split('\n').filter(line => line.endsWith(` ${MODE_NAME}`))).toHaveLength(1)
  expect(list).not.toMatch(/ERROR|WARNING|Headers Error|Unexpected end/i)
  expect(unpacked(injected)).toEqual(withMode(unpacked(original)))
})
