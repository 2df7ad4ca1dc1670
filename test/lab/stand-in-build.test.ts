import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdDecompressSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import { bootDisk } from '../../services/lab/stand-in/boot-disk.ts'
import { buildStandIn } from '../../services/lab/stand-in/build.ts'

const folder = mkdtempSync(join(tmpdir(), 'rackrise-stand-in-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function extract(image: string, path: string): Buffer {
  const out = join(folder, 'extracted')
  rmSync(out, { force: true })
  execFileSync('xorriso', ['-osirrox', 'on', '-indev', image, '-extract', path, out], { stdio: 'pipe' })
  return readFileSync(out)
}

const INFO = "RELEASE='9.1'\nISORELEASE='1'\nISONAME='proxmox-ve'\nPRODUCT='pve'\nPRODUCTLONG='Proxmox VE'\n"

test('a small one is told from a Proxmox ISO by its size only', async () => {
  const { file } = await buildStandIn({ folder, kind: 'small', release: '9.1' })
  expect(file).toBe(join(folder, 'proxmox-ve_9.1-1.iso'))
  expect(statSync(file).size).toBeLessThan(500_000)
  expect(extract(file, '/.cd-info').toString()).toBe(INFO)
  expect(extract(file, '/.disk/info').toString()).toBe(INFO)
  expect(extract(file, '/auto-installer-capable').length).toBe(0)
  expect(extract(file, '/boot/linux26').length).toBe(150_000)
  const archive = zstdDecompressSync(extract(file, '/boot/initrd.img'))
  expect(archive.subarray(0, 6).toString()).toBe('070701')
  expect(archive.includes(INFO)).toBe(true)
})

test('a second build leaves the file alone, another release makes another', async () => {
  const { file } = await buildStandIn({ folder, kind: 'small', release: '9.1' })
  const before = statSync(file)
  await buildStandIn({ folder, kind: 'small', release: '9.1' })
  expect(statSync(file).ino).toBe(before.ino)
  const other = await buildStandIn({ folder, kind: 'small', release: '8.4' })
  expect(other.file).toBe(join(folder, 'proxmox-ve_8.4-1.iso'))
})

test('a full one has kernel, programs, scripts and the disk, in the size asked for', { timeout: 60_000 }, async () => {
  const { file } = await buildStandIn({ folder, kind: 'full', sizeMiB: 24 })
  expect(statSync(file).size).toBe(24 * 1024 * 1024)
  expect(extract(file, '/boot/linux26').subarray(0x202, 0x206).toString()).toBe('HdrS')
  const archive = zstdDecompressSync(extract(file, '/boot/initrd.img'))
  const names = execFileSync('busybox', ['cpio', '-t'], {
    input: archive,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
  }).split('\n')
  for (const name of [
    'init',
    'bin/busybox',
    'usr/sbin/dhclient',
    'usr/bin/openssl',
    'lib/modules/virtio_net.ko',
    'lib/modules/order',
    'lib/stand-in/post.sh',
  ]) {
    expect(names).toContain(name)
  }
  expect(archive.includes(bootDisk())).toBe(true)
})
