import { writeFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type WriteRequest, writeImage } from '../../services/iso/write-image.ts'
import type { Segment } from '../../services/kit/segments.ts'

const MIB = 1024 ** 2
const SOURCE_BYTES = 10 * MIB + 7

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-write-'))
  await writeFile(join(folder, 'source'), Buffer.alloc(SOURCE_BYTES, 'source '))
})
afterEach(() => rm(folder, { recursive: true }))

function request(more: Partial<WriteRequest> = {}): WriteRequest {
  const path = join(folder, 'source')
  const segments: Segment[] = [
    { from: 'file', path, offset: 0, length: 100 },
    { from: 'memory', bytes: Buffer.from('patched') },
    { from: 'file', path, offset: 107, length: SOURCE_BYTES - 107 },
  ]
  const output = join(folder, 'out.iso')
  return {
    segments,
    output,
    mode: 0o640,
    force: false,
    onProgress: () => {},
    signal: new AbortController().signal,
    ...more,
  }
}

test('what the segments stand for, with progress up to the last byte', async () => {
  const progress: [number, number][] = []
  const problem = await writeImage(request({ onProgress: (done, total) => progress.push([done, total]) }))
  expect(problem).toBeUndefined()
  const expected = Buffer.alloc(SOURCE_BYTES, 'source ')
  expected.write('patched', 100)
  expect(Buffer.compare(await readFile(join(folder, 'out.iso')), expected)).toBe(0)
  expect((await stat(join(folder, 'out.iso'))).mode & 0o777).toBe(0o640)
  expect(progress).toEqual([
    [100, SOURCE_BYTES],
    [107, SOURCE_BYTES],
    [107 + 4 * MIB, SOURCE_BYTES],
    [107 + 8 * MIB, SOURCE_BYTES],
    [SOURCE_BYTES, SOURCE_BYTES],
  ])
})

test('interrupted half-way, it leaves nothing behind', async () => {
  const controller = new AbortController()
  const onProgress = (done: number) => done > 4 * MIB && controller.abort()
  const problem = await writeImage(request({ onProgress, signal: controller.signal }))
  expect(problem).toMatchObject({ code: 'iso-interrupted', place: { file: join(folder, 'out.iso') } })
  expect(await readdir(folder)).toEqual(['source'])
})

test('a source that becomes shorter meanwhile is told, and nothing is left behind', async () => {
  const { segments } = request()
  await truncate(join(folder, 'source'), MIB)
  expect(await writeImage(request({ segments }))).toMatchObject({
    code: 'iso-unwritable',
    message: `the ISO cannot be written: ${join(folder, 'source')} ended early: somebody changes it`,
  })
  expect(await readdir(folder)).toEqual(['source'])
})

test('a name that is taken while it writes stays with who took it', async () => {
  const onProgress = (done: number) => {
    if (done === SOURCE_BYTES) writeFileSync(join(folder, 'out.iso'), 'theirs')
  }
  const problem = await writeImage(request({ onProgress }))
  expect(problem).toMatchObject({ code: 'iso-exists' })
  expect(await readFile(join(folder, 'out.iso'), 'utf8')).toBe('theirs')
  expect(await readdir(folder)).toEqual(['out.iso', 'source'])
})
