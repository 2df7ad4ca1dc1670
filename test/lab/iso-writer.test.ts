import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Segment, totalLength } from '../../services/kit/segments.ts'
import { writeCpio } from '../../services/lab/stand-in/cpio.ts'
import { filler, writeIso } from '../../services/lab/stand-in/iso-writer.ts'

const folder = mkdtempSync(join(tmpdir(), 'rackrise-iso-'))
const image = join(folder, 'image.iso')
const many = Array.from({ length: 40 }, (_, index) => ({
  path: `/many/file number ${index}`,
  content: Buffer.from(`${index}`),
}))

function joined(segments: Segment[]): Buffer {
  return Buffer.concat(segments.map(segment => (segment.from === 'memory' ? segment.bytes : Buffer.alloc(0))))
}

beforeAll(() => {
  const segments = writeIso(
    [
      { path: '/.cd-info', content: Buffer.from("RELEASE='9.2'\n") },
      { path: '/.disk/info', content: Buffer.from("RELEASE='9.2'\n") },
      { path: '/auto-installer-capable', content: Buffer.alloc(0) },
      { path: '/auto-installer-elsewhere', content: Buffer.from('spelled like the one before by ISO 9660') },
      { path: '/boot/linux26', content: filler(200_001) },
      ...many,
    ],
    'pve',
  )
  writeFileSync(image, joined(segments))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the image is a whole number of sectors, as long as its volume descriptor says', () => {
  const bytes = readFileSync(image)
  expect(bytes.length % 2048).toBe(0)
  expect(bytes.readUInt32LE(16 * 2048 + 80) * 2048).toBe(bytes.length)
  expect(bytes.readUInt32BE(16 * 2048 + 84) * 2048).toBe(bytes.length)
})

test('xorriso finds every file under its Rock Ridge name, byte for byte', () => {
  const out = join(folder, 'out')
  execFileSync('xorriso', ['-osirrox', 'on', '-indev', image, '-extract', '/', out], { stdio: 'pipe' })
  expect(readFileSync(join(out, '.cd-info'), 'utf8')).toBe("RELEASE='9.2'\n")
  expect(readFileSync(join(out, '.disk/info'), 'utf8')).toBe("RELEASE='9.2'\n")
  expect(statSync(join(out, 'auto-installer-capable')).size).toBe(0)
  expect(readFileSync(join(out, 'auto-installer-elsewhere'), 'utf8')).toContain('spelled like')
  expect(sha256(readFileSync(join(out, 'boot/linux26')))).toBe(sha256(joined(filler(200_001))))
  expect(many.map(file => readFileSync(join(out, file.path), 'utf8'))).toEqual(many.map((_, index) => `${index}`))
  execFileSync('chmod', ['-R', 'u+w', out])
})

test('xorriso has nothing to complain about', () => {
  const told = execFileSync('xorriso', ['-indev', image, '-find', '/', '-exec', 'lsdl', '--'], {
    encoding: 'utf8',
    stdio: 'pipe',
  })
  expect(told).toContain("'/many/file number 39'")
  expect(told).not.toMatch(/WARNING|SORRY|FAILURE/)
})

test('filler is as long as asked, and never zero for a whole sector', () => {
  expect(totalLength(filler(200_001))).toBe(200_001)
  expect(totalLength(filler(0))).toBe(0)
  expect(
    joined(filler(4096))
      .subarray(2048)
      .every(byte => byte === 0),
  ).toBe(false)
})

test('a name that does not fit into a directory record is refused', () => {
  expect(() => writeIso([{ path: `/${'n'.repeat(200)}`, content: Buffer.alloc(1) }], 'pve')).toThrow(RangeError)
})

test('cpio unpacks what was archived: files, folders, links and modes', () => {
  const out = join(folder, 'cpio')
  const archive = writeCpio([
    { path: 'sbin', kind: 'folder' },
    { path: 'sbin/init', kind: 'file', bytes: Buffer.from('#!/bin/sh\n'), executable: true },
    { path: 'odd', kind: 'file', bytes: Buffer.from('seven..') },
    { path: 'init', kind: 'link', to: 'sbin/init' },
  ])
  execFileSync('mkdir', [out])
  execFileSync('busybox', ['cpio', '-i'], { cwd: out, input: archive, stdio: ['pipe', 'pipe', 'pipe'] })
  expect(readFileSync(join(out, 'sbin/init'), 'utf8')).toBe('#!/bin/sh\n')
  expect(statSync(join(out, 'sbin/init')).mode & 0o777).toBe(0o755)
  expect(readFileSync(join(out, 'odd'), 'utf8')).toBe('seven..')
  expect(readlinkSync(join(out, 'init'))).toBe('sbin/init')
})

test('a character device is written with its numbers', () => {
  const archive = writeCpio([{ path: 'dev/console', kind: 'character-device', major: 5, minor: 1 }])
  expect(archive.subarray(0, 110).toString()).toBe(
    '070701' +
      '00000001' +
      '00002180' +
      '00000000'.repeat(2) +
      '00000001' +
      '00000000'.repeat(4) +
      '00000005' +
      '00000001' +
      '0000000c' +
      '00000000',
  )
})

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
