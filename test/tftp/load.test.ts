import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loaderFolder } from '../../services/tftp/load.ts'

let root = ''
let folder = ''

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'loaders-'))
  folder = join(root, 'ipxe')
  await mkdir(join(folder, 'qemu'), { recursive: true })
  await mkdir(join(root, 'boot'))
  await writeFile(join(folder, 'snponly.efi'), 'loader')
  await writeFile(join(folder, 'qemu', 'rom'), 'rom')
  await writeFile(join(root, 'boot', 'ipxe.efi'), 'linked loader')
  await symlink('../boot/ipxe.efi', join(folder, 'ipxe.efi'))
  await symlink('../boot', join(folder, 'folder.efi'))
  await symlink('../boot/missing', join(folder, 'dangling.efi'))
  await symlink('circle.efi', join(folder, 'circle.efi'))
  await symlink('/dev/zero', join(folder, 'zero.efi'))
  execFileSync('mkfifo', [join(folder, 'fifo.efi')])
})

afterAll(() => rm(root, { recursive: true }))

test.each([
  ['snponly.efi', 'loader'],
  ['ipxe.efi', 'linked loader'],
])('%s is served', async (name, content) => {
  const file = (await loaderFolder(folder)(name))!
  expect(file.size).toBe(content.length)
  expect(Buffer.from(await file.read(0, 100)).toString()).toBe(content)
  expect(Buffer.from(await file.read(2, 3)).toString()).toBe(content.slice(2, 5))
  await file.close()
})

test.each([
  ['a file that is not there', 'other.efi'],
  ['a name in other case', 'SNPONLY.EFI'],
  ['a folder', 'qemu'],
  ['a file in a folder', 'qemu/rom'],
  ['the folder itself', '.'],
  ['the folder above', '..'],
  ['a way out and in again', '../ipxe/snponly.efi'],
  ['a link to a folder', 'folder.efi'],
  ['a link to nothing', 'dangling.efi'],
  ['a link to itself', 'circle.efi'],
  ['a link to a device', 'zero.efi'],
  ['a pipe', 'fifo.efi'],
  ['an empty name', ''],
])('K19 %s is not served', async (_, name) => {
  expect(await loaderFolder(folder)(name)).toBeUndefined()
})

test('a folder that is missing has no files', async () => {
  expect(await loaderFolder(join(root, 'nowhere'))('snponly.efi')).toBeUndefined()
})

test('K22 a file that is replaced while it is sent is still read from the opened version', async () => {
  await writeFile(join(folder, 'swap.efi'), 'old version')
  const file = (await loaderFolder(folder)('swap.efi'))!
  await writeFile(join(folder, 'swap.new'), 'NEW')
  await rename(join(folder, 'swap.new'), join(folder, 'swap.efi'))
  expect(Buffer.from(await file.read(0, 100)).toString()).toBe('old version')
  await file.close()
})
