/** GRUB is told what iPXE would be, with the same guards and events. */
import { afterEach, describe, expect, test } from 'vitest'
import { grubConfig, grubFile } from '../../services/http/grub-config.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { totalLength } from '../../services/kit/segments.ts'
import { NODE1, STRANGER } from '../machine/rig.ts'
import { ELSEWHERE, HERE, Rig, type RigOptions, sendRaw } from './rig.ts'

let rig: Rig
/** What `more` begins with belongs to node1. */
const start = async (options: RigOptions = {}): Promise<Rig> =>
  (rig = await Rig.start({ more: 'loader = "grub"\n[boot]\nloader = "grub"\n', ...options }))
afterEach(() => rig.close())

const MUCH = 'grub/memory-0-16777215_.cfg'
const told = (name = 'grub/grub.cfg', from: Ipv4 = HERE): Promise<string | undefined> =>
  grubConfig(rig.context, name, from, 'tftp')

describe('by TFTP, known by its address', () => {
  test('held: its disk, with the way to approve it', async () => {
    await start()
    const text = await told()
    expect(text).toContain("echo 'Rackrise: node1: NOT APPROVED: nothing is installed on this machine'\n")
    expect(text).toContain("echo 'Approve it: rackrise machine approve node1'\n")
    expect((await rig.types()).at(-1)).toBe('local-disk-told')
  })

  test('approved: it says what memory it has, then installs', async () => {
    await start()
    const attempt = await rig.approve()
    expect(await told()).toContain('configfile ($root)/grub/memory-${memory}.cfg\n')
    expect(rig.node1.state).toBe('approved')
    expect(await told(MUCH)).toContain(`if initrd $from/boot/${attempt}/initrd.img; then\n`)
    expect([rig.node1.state, (await rig.types()).at(-1)]).toEqual(['booting', 'script-served'])
  })

  test('too little memory: not started, with the reason', async () => {
    await start()
    await rig.approve()
    expect(await told('grub/memory-0-63_.cfg')).toContain("echo 'Reason: this machine has 64.0 KiB of memory and")
    expect(rig.node1.state).toBe('failed')
  })

  test('a part that did not come is on the timeline, and the third time it gives up', async () => {
    await start()
    await rig.bring('booting')
    for (const _ of [1, 2]) {
      await told('grub/failed-initrd.cfg')
      expect(await told(MUCH)).toContain('linux $from')
    }
    expect(await told('grub/failed-initrd.cfg')).toContain('the installation failed')
    expect((await rig.types()).filter(type => type === 'load-failed')).toHaveLength(3)
  })

  test('a disk that did not boot after the answer: the installation is resumed', async () => {
    await start()
    await rig.bring('installing')
    expect(await told()).toContain('chainloader')
    expect(await told('grub/disk-failed.cfg')).toContain('linux $from')
    expect([rig.node1.state, rig.node1.attempt?.resumes]).toEqual(['booting', 1])
  })

  test.each(['blocked', 'nobody', 'another name'] as const)('%s: nothing', async who => {
    await start()
    if (who === 'blocked') await rig.bring('blocked')
    const [name, from] = [who === 'another name' ? 'grub/fs.lst' : 'grub/grub.cfg', who === 'nobody' ? ELSEWHERE : HERE]
    expect(await told(name, from)).toBeUndefined()
  })

  test('where another server gives addresses, GRUB’s own word for its MAC is taken behind a router only', async () => {
    await start({ dhcp: '[dhcp]\nmode = "proxy"\n[[dhcp.subnet]]\nprefix = "127.0.0.0/8"\nrelays = ["127.0.0.2"]' })
    const named = `grub/grub.cfg-01-${STRANGER.replaceAll(':', '-')}`
    expect(await told(named, ELSEWHERE)).toContain('NOT APPROVED')
    expect(rig.registry.byMac(STRANGER)?.state).toBe('held')
    // Who stands on our link is known, whatever the name says.
    await told(named, HERE)
    expect(rig.node1.macs).toEqual([NODE1])
  })
})

test('a machine that loads iPXE is not spoken for by TFTP, where anybody can ask in its name', async () => {
  await start({ more: '' })
  await rig.bring('booting')
  const before = await rig.types()
  expect(await told('grub/failed-kernel.cfg')).toBeUndefined()
  expect(await grubFile(rig.context, rig.attempt, 'initrd', HERE)).toBeUndefined()
  expect(await rig.types()).toEqual(before)
})

test('by HTTP the same, for a GRUB that can', async () => {
  await start({ loaders: ['shimx64.efi.signed', 'grubnetx64.efi.signed'] })
  expect((await rig.plain('/grub/grub.cfg')).text).toContain('NOT APPROVED')
  // shim puts two slashes there.
  expect((await rig.plain('/loaders/grub//grubx64.efi')).status).toBe(200)
  expect((await rig.plain('/grub/fs.lst')).status).toBe(404)
  const statuses = ['shimx64.efi', 'grubx64.efi', 'mmx64.efi'].map(
    async name => (await rig.plain(`/loaders/grub/${name}`)).status,
  )
  expect(await Promise.all(statuses)).toEqual([200, 200, 404])
})

test('a GRUB of UEFI HTTP Boot asks for the head first: that is one question', async () => {
  await start()
  const before = await rig.types()
  const head = await rig.plain('/grub/grub.cfg', { method: 'HEAD' })
  const get = await rig.plain('/grub/grub.cfg')
  expect([head.status, head.headers['content-length']]).toEqual([200, String(get.body.length)])
  expect(await rig.types()).toEqual([...before, 'local-disk-told'])
  // Later it is another boot, which is told once in ten minutes.
  rig.clock.advance(600_000)
  await rig.plain('/grub/grub.cfg', { method: 'HEAD' })
  rig.clock.advance(600_000)
  await rig.plain('/grub/grub.cfg')
  expect((await rig.types()).slice(before.length)).toEqual(Array(3).fill('local-disk-told'))
})

test.each(['/grub/grub.cfg', '/loaders/grub/shimx64.efi', '/boot/@/vmlinuz', '/boot/@/initrd.img'])(
  '%s says its length in the one spelling that GRUB and shim know',
  async path => {
    await start({ loaders: ['shimx64.efi.signed', 'grubnetx64.efi.signed'] })
    await rig.bring('booting')
    const request = `GET ${path.replace('@', rig.attempt)} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`
    expect(await sendRaw(rig.ports.plain, request)).toMatch(/^HTTP\/1\.1 200 OK\r\n(.+\r\n)*Content-Length: \d+\r\n/)
  },
)

test('kernel and initrd by TFTP are those of HTTP, and of the attempt’s machine only', async () => {
  await start()
  await rig.bring('booting')
  for (const [part, file] of [
    ['kernel', 'vmlinuz'],
    ['initrd', 'initrd.img'],
  ] as const) {
    const segments = await grubFile(rig.context, rig.attempt, part, HERE)
    const { body } = await rig.plain(`/boot/${rig.attempt}/${file}`)
    expect(segments && !isProblem(segments) && totalLength(segments)).toBe(body.length)
    expect(await grubFile(rig.context, rig.attempt, part, ELSEWHERE)).toBeUndefined()
  }
  expect(await grubFile(rig.context, '00000000', 'kernel', HERE)).toBeUndefined()
})
