import { expect, test } from 'vitest'
import { LoaderMemory } from '../../services/tftp/loader-memory.ts'

function library(most: number) {
  const memory = new LoaderMemory(most)
  const loaded: string[] = []
  const take = (path: string, version = '1', size = 10) =>
    memory.take(path, version, size, async () => {
      loaded.push(`${path} ${version}`)
      return new Uint8Array(size)
    })
  return { memory, loaded, take }
}

test('forty machines that ask at once wait for one reading', async () => {
  const { loaded, take, memory } = library(100)
  const all = await Promise.all(Array.from({ length: 40 }, () => take('snponly.efi')))
  expect(new Set(all).size).toBe(1)
  expect([loaded, memory.size]).toEqual([['snponly.efi 1'], 10])
})

test('another version is read anew, and the old one is let go', async () => {
  const { loaded, take, memory } = library(100)
  await take('a', '1', 10)
  await take('a', '2', 20)
  await take('a', '2', 20)
  expect([loaded, memory.size]).toEqual([['a 1', 'a 2'], 20])
})

test('what was not asked for longest is let go first, and what was just asked for never', async () => {
  const { loaded, take, memory } = library(30)
  for (const path of ['a', 'b', 'c', 'a', 'd']) await take(path)
  expect(memory.size).toBe(30)
  loaded.length = 0
  for (const path of ['a', 'c', 'd', 'b']) await take(path)
  expect(loaded).toEqual(['b 1'])
  await take('large', '1', 50)
  expect(memory.size).toBe(50)
})

test('a file that changed while it was read, and one that cannot be read, are not kept', async () => {
  const memory = new LoaderMemory()
  expect(await memory.take('a', '1', 10, async () => undefined)).toBeUndefined()
  await expect(memory.take('b', '1', 10, () => Promise.reject(new Error('EIO')))).rejects.toThrow('EIO')
  expect(memory.size).toBe(0)
})
