/** Every read request of the captures (test/vectors/dhcp), and names that other firmware is known to send: what is answered, at once and without a word in the log. */
import { describe, expect, test } from 'vitest'
import { decodePacket, encodePacket, type TftpRequest } from '../../services/tftp/packet.ts'
import { capturedPayloads } from '../fuzz/targets/captured.ts'
import { inShort, LOADER, rack, SERVER } from './rig.ts'

const FILES = { 'undionly.kpxe': LOADER, 'snponly.efi': LOADER, 'shimx64.efi': LOADER, 'grubx64.efi': LOADER }

/** The first answer, in short: options of the OACK as they are written, or what else came. */
async function answerTo(request: Uint8Array, files: Record<string, Uint8Array>) {
  const { lan, dial, log, facts } = await rack({ files })
  const port = await dial()
  port.send(request, SERVER)
  await lan.settle()
  const frames = lan.frames.filter(({ device }) => device === 'lan0')
  const packet = decodePacket(frames[0]?.bytes ?? new Uint8Array())
  return {
    count: frames.length,
    answer: packet?.op === 'oack' ? packet.options.flat().join(' ') : frames.map(inShort).join(),
    loud: log.lines.filter(line => !line.startsWith('debug') && !line.startsWith('info')),
    facts,
  }
}

const lastPart = (name: string): string => name.split('/').at(-1)!

/** By who asked; the folders of the lab that made the captures are left out of the names. */
const ANSWERS: Record<string, string> = {
  // iPXE's ROM, and iPXE loading a script.
  'undionly.kpxe blksize 1432 tsize 0': 'blksize 1432 tsize 5000',
  'autoexec.ipxe blksize 1432 tsize 0': 'error 1',
  // OVMF: how large is it; then the file.
  'snponly.efi tsize 0 blksize 1468 windowsize 4': 'tsize 5000 blksize 1468 windowsize 4',
  'snponly.efi blksize 1468 windowsize 4': 'blksize 1468 windowsize 4',
  'shimx64.efi tsize 0 blksize 1468 windowsize 4': 'tsize 5000 blksize 1468 windowsize 4',
  'shimx64.efi blksize 1468 windowsize 4': 'blksize 1468 windowsize 4',
  // shim
  'revocations_sku.efi blksize 512 windowsize 4': 'error 1',
  'revocations_sbat.efi blksize 512 windowsize 4': 'error 1',
  'shim_certificate_0.efi blksize 512 windowsize 4': 'error 1',
  'grubx64.efi blksize 512 windowsize 4': 'blksize 512 windowsize 4',
  // GRUB
  'command.lst blksize 1024 tsize 0': 'error 1',
  'fs.lst blksize 1024 tsize 0': 'error 1',
  'crypto.lst blksize 1024 tsize 0': 'error 1',
  'terminal.lst blksize 1024 tsize 0': 'error 1',
  'grub.cfg blksize 1024 tsize 0': 'error 1',
  'linux26 blksize 1024 tsize 0': 'error 1',
  'initrd.img blksize 1024 tsize 0': 'error 1',
  'proxmox.iso.cpio blksize 1024 tsize 0': 'error 1',
}

function captured(): TftpRequest[] {
  const requests = capturedPayloads(69).map(payload => decodePacket(payload))
  return requests.map(request => {
    if (request?.op !== 'rrq') throw new Error('a capture has what is no read request')
    return request
  })
}

describe('captured', () => {
  test.each(captured().map(request => [`${request.name} ${request.options.flat().join(' ')}`, request] as const))(
    '%s',
    async (_, request) => {
      const shortened = { ...request, name: lastPart(request.name) }
      const { answer, count, loud } = await answerTo(encodePacket(shortened), FILES)
      expect(request.mode).toBe('octet')
      expect([answer, count, loud]).toEqual([ANSWERS[`${shortened.name} ${request.options.flat().join(' ')}`], 1, []])
    },
  )

  test('every answer above is one that was asked for', () => {
    const asked = captured().map(({ name, options }) => `${lastPart(name)} ${options.flat().join(' ')}`)
    expect([...new Set(asked)].toSorted()).toEqual(Object.keys(ANSWERS).toSorted())
  })

  test('and with its folder, each asks for what is not here', async () => {
    for (const request of captured().filter(({ name }) => name.includes('/'))) {
      const { answer, loud, facts } = await answerTo(encodePacket(request), FILES)
      expect([answer, loud, facts]).toEqual(['error 1', [], []])
    }
  })
})

test.each<[string, string, string]>([
  ['HP, which sends the end option of DHCP too', 'undionly.kpxe\xff', 'data 1'],
  ['a ROM that sends what lay behind the name', 'undionly.kpxe\xff\x2b\x01x', 'data 1'],
  ['Windows ROMs', '\\undionly.kpxe', 'data 1'],
  ['a path from the root', '/undionly.kpxe', 'data 1'],
  ['two slashes, from a next-server with a path', '//undionly.kpxe', 'data 1'],
  ['a file in a folder that is not here', 'boot\\x64\\undionly.kpxe', 'error 1'],
  ['pxelinux, by UUID', 'pxelinux.cfg/77000000-0000-4000-8000-0000ff000001', 'error 1'],
  ['pxelinux, by address', 'pxelinux.cfg/0A4D000B', 'error 1'],
  ['Apple and WDS', 'boot\\x64\\wdsmgfw.efi', 'error 1'],
  ['GRUB, by MAC', '/grub/grub.cfg-01-bc-24-11-ab-12-21', 'error 1'],
  ['GRUB, its modules', '/grub/x86_64-efi/normal.mod', 'error 1'],
  ['iPXE', 'autoexec.ipxe', 'error 1'],
  ['a name in other case', 'UNDIONLY.KPXE', 'error 1'],
  ['0xFF alone', '\xff', 'error 2'],
])('%s: answered at once, and nobody is told', async (_, name, expected) => {
  const request = encodePacket({ op: 'rrq', name, mode: 'octet', options: [] })
  const { answer, count, loud } = await answerTo(request, FILES)
  expect([answer, count, loud]).toEqual([expected, 1, []])
})

test('K03 a datagram of every length up to a frame, cut from a good request or made of one octet: it serves afterwards', async () => {
  const { lan, dial, log } = await rack({ files: FILES })
  const port = await dial()
  const good = encodePacket({
    op: 'rrq',
    name: 'undionly.kpxe',
    mode: 'octet',
    options: [['x'.repeat(400), 'y'.repeat(400)]],
  })
  for (let length = 0; length <= 1472; length += 1) {
    port.send(good.subarray(0, length), SERVER)
    for (const octet of [0, 1, 0xff]) port.send(new Uint8Array(length).fill(octet), SERVER)
    port.send(
      Uint8Array.from({ length }, (_, index) => (index === 1 ? 1 : 0)),
      SERVER,
    )
  }
  await lan.settle()
  expect(log.lines.filter(line => !line.startsWith('debug') && !line.startsWith('info'))).toEqual([])
  const other = await dial('two')
  other.send(encodePacket({ op: 'rrq', name: 'undionly.kpxe', mode: 'octet', options: [] }), SERVER)
  await lan.settle()
  const last = lan.frames.findLast(({ device }) => device === 'lan0')!
  expect([inShort(last), last.to]).toEqual(['data 1', other.local])
}, 20_000)
