import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { unfitFor } from '../../services/boot/fitness.ts'
import { readInquiry } from '../../services/boot/inquiry.ts'

const NOTHING = { saysMac: false, identity: {}, canDescribe: false, diskFailed: false }

describe('what iPXE says of itself', () => {
  test.each<[string, string, object]>([
    ['nothing', '', NOTHING],
    [
      'a whole introduction',
      'mac=BC-24-11-AB-12-21&uuid=4C4C4544-004B-3210-8051-B7C04F583933&serial=7K2QX93&product=PowerEdge%20R650',
      {
        ...NOTHING,
        mac: 'bc:24:11:ab:12:21',
        saysMac: true,
        canDescribe: true,
        identity: { uuid: '4c4c4544-004b-3210-8051-b7c04f583933', serial: '7K2QX93', product: 'PowerEdge R650' },
      },
    ],
    [
      'a plus of a product name, which iPXE of 2019 leaves as it is',
      'product=Standard%20PC%20(Q35%20+%20ICH9,%202009)',
      { ...NOTHING, canDescribe: true, identity: { product: 'Standard PC (Q35 + ICH9, 2009)' } },
    ],
    ['settings that it does not have', 'mac=&uuid=&serial=&product=', { ...NOTHING, saysMac: true, canDescribe: true }],
    ['the same twice', 'serial=A1&serial=A2&disk=failed&disk=failed', NOTHING],
    ['a disk that did not boot', 'disk=failed', { ...NOTHING, diskFailed: true }],
    [
      'a kernel that did not come',
      'failed=kernel&error=0x420c6001',
      { ...NOTHING, failed: { part: 'kernel', error: '0x420c6001' } },
    ],
    ['an error that is no number', 'failed=initrd&error=${x}', { ...NOTHING, failed: { part: 'initrd' } }],
    ['a part that nobody knows', 'failed=disk', NOTHING],
    ['what a person chose', 'choice=menu', { ...NOTHING, choice: 'menu' }],
    ['what nobody can choose', 'choice=erase', NOTHING],
    ['octets of another alphabet', 'product=B%0C%FFFFFF95&serial=%zz', { ...NOTHING, canDescribe: true }],
  ])('%s', (_, query, inquiry) => {
    expect(readInquiry(query)).toEqual(inquiry)
  })

  test('property: no text breaks it, and what it takes is of its alphabet', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (serial, rest) => {
        const { identity } = readInquiry(`serial=${serial}&${rest}`)
        expect(identity.serial ?? '').toMatch(/^[\w.:+/-]*$/)
        expect(identity.product ?? '').toMatch(/^[\w .:+/#(),-]*$/)
      }),
    )
  })
})

const GIB = 1024 ** 3

/** As QEMU, OVMF and iPXE say it: KiB, little-endian, the last one included. */
describe('memory and architecture', () => {
  test.each<[string, string, object]>([
    ['BIOS iPXE says i386 on every machine', 'arch=i386&memsize=&memory=-,-,-,-', {}],
    ['one range of 1 GiB', 'arch=x86_64&memory=00000000-ffff0f00,-,-,-', { architecture: 'amd64', memoryBytes: GIB }],
    [
      'two ranges, as in a machine of 8 GiB',
      'arch=x86_64&memory=00000000-ffff1f00,00004000-ffff9f00,-,-',
      { architecture: 'amd64', memoryBytes: 8 * GIB },
    ],
    [
      'a build that knows its memory',
      'arch=arm64&memsize=4096&memory=',
      { architecture: 'arm64', memoryBytes: 4 * GIB },
    ],
    ['the greater of two', 'arch=i386&memsize=640&memory=00000000-ffff0f00,-,-,-', { memoryBytes: GIB }],
    ['beyond 4 TiB, where another field counts', 'arch=i386&memory=ffffffff-ffffffff,-,-,-', {}],
    ['more ranges than were asked for', `arch=i386&memory=${'00000000-ffff0f00,'.repeat(4)}`, {}],
    ['an end before its start', 'arch=i386&memory=ffff0f00-00000000', {}],
    ['an end without a start', 'arch=i386&memory=-ffff0f00', {}],
    ['nonsense', 'arch=z80&memsize=lots&memory=no', {}],
  ])('%s', (_, query, description) => {
    expect(readInquiry(query).description).toEqual(description)
  })

  test('who does not describe itself has no description', () => {
    expect(readInquiry('product=x').description).toBeUndefined()
  })

  const demand = { file: 'pve.iso', architecture: 'amd64', memoryBytes: 5.5 * GIB }
  test.each<[string, Parameters<typeof unfitFor>[1], string | undefined]>([
    ['nothing known', {}, undefined],
    ['enough', { architecture: 'amd64', memoryBytes: 8 * GIB }, undefined],
    ['just enough', { memoryBytes: 5.5 * GIB }, undefined],
    [
      'too little memory',
      { architecture: 'amd64', memoryBytes: 4 * GIB },
      'this machine has 4.0 GiB of memory and pve.iso needs 5.5 GiB while it boots; give it more, or install it from a stick',
    ],
    [
      'another architecture',
      { architecture: 'arm64', memoryBytes: 64 * GIB },
      'this machine is arm64 and pve.iso is for amd64; give it a profile with an image for arm64',
    ],
  ])('%s', (_, description, reason) => {
    expect(unfitFor(demand, description)).toBe(reason)
  })
})
