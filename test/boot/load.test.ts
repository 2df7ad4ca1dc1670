import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listLoaders } from '../../services/boot/load.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-loaders-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('regular files and links that end at one; no folders, no links to nothing or to a folder', async () => {
  const boot = join(folder, 'boot')
  const loaders = join(folder, 'ipxe')
  await Promise.all([mkdir(boot), mkdir(join(loaders, 'deep'), { recursive: true })])
  await writeFile(join(boot, 'ipxe.efi'), 'efi program')
  await writeFile(join(loaders, 'undionly.kpxe'), 'bios program')
  await symlink('../boot/ipxe.efi', join(loaders, 'ipxe.efi'))
  await symlink('../boot/gone.efi', join(loaders, 'gone.efi'))
  await symlink('../boot', join(loaders, 'boot.efi'))
  await symlink('loop', join(loaders, 'loop'))
  expect(await listLoaders(loaders)).toEqual(
    new Map([
      ['ipxe.efi', { path: join(boot, 'ipxe.efi'), size: 11 }],
      ['undionly.kpxe', { path: join(loaders, 'undionly.kpxe'), size: 12 }],
    ]),
  )
})

test('a folder that is missing has no loaders', async () => {
  expect(await listLoaders(join(folder, 'missing'))).toEqual(new Map())
})
