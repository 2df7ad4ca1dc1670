/** What TFTP serves beside the folder of loaders: GRUB's configuration, and what an attempt boots. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Endpoint } from '../../services/kit/datagram-port.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Segment } from '../../services/kit/segments.ts'
import { loaderFolder } from '../../services/tftp/load.ts'
import { attemptFileOf, machineFiles } from '../../services/tftp/machine-files.ts'
import { openSegments } from '../../services/tftp/segment-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'rackrise-machine-files-'))
afterAll(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'shimx64.efi.signed'), 'shim')
const ISO = join(folder, 'iso')
const CONTENT = Buffer.from(Array.from({ length: 700_000 }, (_, at) => (at * 7) & 255))
writeFileSync(ISO, CONTENT)
const HERE: Endpoint = { address: '10.77.0.11' as Ipv4, port: 2000 }
const SEGMENTS: Segment[] = [
  { from: 'memory', bytes: Buffer.from('cpio header') },
  { from: 'file', path: ISO, offset: 100, length: 600_000 },
  { from: 'memory', bytes: Buffer.from('mode file') },
  { from: 'file', path: ISO, offset: 0, length: 7 },
]
const WHOLE = Buffer.concat([
  Buffer.from('cpio header'),
  CONTENT.subarray(100, 600_100),
  Buffer.from('mode file'),
  CONTENT.subarray(0, 7),
])

const asked: string[] = []
const find = machineFiles({
  loader: loaderFolder(folder),
  loaderFileFor: name => (name === 'grub/shimx64.efi' ? 'shimx64.efi.signed' : name),
  async grubConfig(name, address) {
    asked.push(`${name} ${address}`)
    return name === 'grub/grub.cfg' ? 'echo hello\n' : undefined
  },
  attemptFile: async (attempt, part, address) =>
    attempt === '3f9c21aa' && part === 'initrd' && address === HERE.address ? SEGMENTS : undefined,
})

async function read(name: string, client = HERE): Promise<string | undefined> {
  const file = await find(name, client)
  const bytes = file && Buffer.from(await file.read(0, file.size))
  await file?.close()
  return bytes?.toString('latin1')
}

test.each([
  ['a signed loader, by the name that shim looks for', 'grub/shimx64.efi', 'shim'],
  ['the configuration of who asks', 'grub/grub.cfg', 'echo hello\n'],
  ['what its attempt boots', 'boot/3f9c21aa/initrd.img', WHOLE.toString('latin1')],
  ['another attempt', 'boot/00000000/initrd.img', undefined],
  ['what shim looks for beside GRUB', 'grub/revocations_sbat.efi', undefined],
  ['what GRUB looks for beside its configuration', 'grub/x86_64-efi/command.lst', undefined],
])('%s', async (_, name, content) => {
  expect(await read(name)).toBe(content)
})

test('an attempt is that of who stands at the address', async () => {
  expect(await read('boot/3f9c21aa/initrd.img', { ...HERE, address: '10.77.0.66' as Ipv4 })).toBeUndefined()
})

test('names of attempts', () => {
  expect(attemptFileOf('boot/3f9c21aa/vmlinuz')).toEqual({ attempt: '3f9c21aa', part: 'kernel' })
  expect(['boot/x/vmlinuz', 'boot/3f9c21aa/vmlinuz/x', 'vmlinuz'].map(attemptFileOf)).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

describe('a file of segments', () => {
  test.each([1024, 1432, 65_464])('reads the same in blocks of %i octets, over the seams', async block => {
    const file = await openSegments(SEGMENTS)
    const parts: Buffer[] = []
    for (let at = 0; at < file.size; at += block)
      parts.push(Buffer.from(await file.read(at, Math.min(block, file.size - at))))
    await file.close()
    expect([file.size, Buffer.concat(parts).equals(WHOLE)]).toEqual([WHOLE.length, true])
  })

  test('one that is gone cannot be opened, and one that has shrunk is an error', async () => {
    const gone: Segment = { from: 'file', path: join(folder, 'gone'), offset: 0, length: 1 }
    await expect(openSegments([gone])).rejects.toThrow('ENOENT')
    const short = await openSegments([{ from: 'file', path: ISO, offset: 699_999, length: 2 }])
    await expect(short.read(0, 2)).rejects.toThrow('the file is shorter than it was')
    await short.close()
  })
})
