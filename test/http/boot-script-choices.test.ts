/** What a machine is told after it has said more: what it is, what it could not load, what a person chose. */
import { afterEach, describe, expect, test } from 'vitest'
import { NODE1 } from '../machine/rig.ts'
import { Rig, type RigOptions } from './rig.ts'

let rig: Rig
const start = async (options?: RigOptions): Promise<Rig> => (rig = await Rig.start(options))
afterEach(() => rig.close())

const INTRODUCED = '&uuid=&serial=SIM-1&product=Standard%20PC'
const PVE = 'proxmox-ve_9.2-1.iso'

describe('what cannot boot is not begun', () => {
  test('an iPXE that came by our address is asked what else it is, once, before anything is told of it', async () => {
    await start()
    await rig.approve()
    const reply = await rig.script(INTRODUCED)
    expect(reply.text).toMatch(
      /^#!ipxe\nchain --replace http:\/\/10\.77\.0\.1\/boot\.ipxe\?mac=\S+&arch=\$\{buildarch\}\S+\n$/,
    )
    expect((await rig.types()).at(-1)).toBe('sighted')
    expect((await rig.script(`${INTRODUCED}&arch=i386&memsize=&memory=-,-,-,-`)).text).toContain('\nkernel http://')
    expect((await rig.types()).at(-1)).toBe('script-served')
  })

  test('a machine that boots its disk is not asked', async () => {
    await start()
    expect((await rig.script(INTRODUCED)).text).toContain('NOT APPROVED')
  })

  test('a machine whose disk did not boot is not asked again, and resumes', async () => {
    await start()
    await rig.bring('installing')
    await rig.script(INTRODUCED)
    expect((await rig.script(`${INTRODUCED}&disk=failed`)).text).toContain('\nkernel http://')
    expect(rig.node1.attempt?.resumes).toBe(1)
  })

  test('too little memory: said on its screen and on the timeline, and not started', async () => {
    await start()
    await rig.approve()
    const reply = await rig.script(`${INTRODUCED}&arch=x86_64&memory=00000000-3f000000,-,-,-`)
    const reason = expect.stringMatching(
      /^this machine has 64\.0 KiB of memory and proxmox-ve_9\.2-1\.iso needs [\d.]+ [KM]iB while it boots; give it more, or install it from a stick$/,
    )
    expect([rig.node1.state, rig.node1.reason]).toEqual(['failed', reason])
    expect(reply.text).toContain('echo Rackrise: node1: the installation failed: booting the local disk\n')
    expect(reply.text).toMatch(
      /\necho Reason: this machine has 64\.0 KiB of memory and [^;$|]+, give it more[^;$|\n]+\n/,
    )
    expect(await rig.types()).not.toContain('script-served')
  })

  test('another architecture: refused in words, and not started', async () => {
    await start()
    await rig.approve()
    const reply = await rig.script(`${INTRODUCED}&arch=arm64&memory=-,-,-,-`)
    expect(rig.node1.reason).toBe(
      `this machine is arm64 and ${PVE} is for amd64; give it a profile with an image for arm64`,
    )
    expect(reply.text).toContain(`echo Reason: this machine is arm64 and ${PVE} is for amd64, give it`)
  })
})

describe('a part that could not be loaded', () => {
  test('is on the timeline, and the machine tries again', async () => {
    await start()
    await rig.bring('booting')
    const reply = await rig.script('&failed=initrd&error=0x420c6001')
    expect(reply.text).toContain('\nkernel http://')
    expect((await rig.types()).slice(-2)).toEqual(['load-failed', 'script-served'])
    expect(rig.log.of('warn').at(-1)).toBe(
      'warn could not load the initrd: error 0x420c6001, see https://ipxe.org/420c6001',
    )
  })

  test('three times over: the attempt fails with its reason, and the machine boots its disk', async () => {
    await start()
    await rig.bring('booting')
    for (const times of [1, 2]) {
      expect((await rig.script('&failed=start&error=0x0')).text).toContain('\nkernel http://')
      expect(rig.node1.attempt?.loadFailures).toBe(times)
    }
    expect((await rig.script('&failed=start')).text).toContain('the installation failed')
    expect([rig.node1.state, rig.node1.reason]).toEqual([
      'failed',
      'it came back 3 times because it could not load or start what it was sent; look at its memory and its cable',
    ])
  })

  test('of a machine that nobody approved is nothing', async () => {
    await start()
    expect((await rig.script('&failed=kernel')).text).toContain('NOT APPROVED')
    expect(await rig.types()).not.toContain('load-failed')
  })
})

describe('a person who pressed the key', () => {
  const shown = async (): Promise<string[]> =>
    (await rig.script('&choice=menu')).text.split('\n').filter(line => /^(item|choose)/.test(line))

  test.each([
    ['held', 'approve'],
    ['installed', 'reinstall'],
  ] as const)('%s: sees how it is approved, and can start nothing', async (state, word) => {
    await start()
    await rig.bring(state)
    const before = await rig.types()
    expect(await shown()).toEqual([
      'item disk Boot the local disk, this time',
      `item --gap -- Not approved. To install: rackrise machine ${word} node1`,
      'item shell Shell of iPXE',
      'choose --default disk --timeout 120000 choice || set choice disk',
    ])
    expect((await rig.script('&choice=install')).text).not.toContain('kernel')
    expect(rig.node1.state).toBe(state)
    expect(await rig.types()).toEqual([...before, 'local-disk-told'])
  })

  test('approved: may install, or boot the disk this time; it stays approved', async () => {
    await start()
    await rig.approve()
    expect(await shown()).toContain('item install Install Proxmox VE 9.2, as approved')
    const disk = await rig.script('&choice=disk')
    expect(disk.text.split('\n')).toEqual([
      '#!ipxe',
      'echo Rackrise: node1: chosen here: booting the local disk',
      'iseq ${platform} efi && exit 1 ||',
      'sanboot --no-describe --drive 0x80 ||',
      `chain --replace http://10.77.0.1/boot.ipxe?mac=${NODE1}&uuid=\${uuid}&serial=\${serial:uristring}&product=\${product:uristring}&choice=disk&disk=failed ||`,
      'exit 1',
      '',
    ])
    expect(rig.node1.state).toBe('approved')
    expect(rig.log.of('info').at(-1)).toBe('info told it to boot its local disk, as a person chose at the machine')
    // A disk that does not boot is no order to install.
    expect((await rig.script('&choice=disk&disk=failed')).text).toContain('no bootable local disk')
    const install = await rig.script('&choice=install')
    expect(install.text).toContain('\nkernel http://')
    expect(install.text).not.toContain('prompt')
  })

  test('the memory test is there where the folder of loaders has it', async () => {
    await start({ loaders: ['memtest86+x64.efi'] })
    expect((await rig.script('&choice=menu')).text).toContain(
      '\niseq ${platform} efi && chain http://10.77.0.1/loaders/memtest86+x64.efi ||\ngoto menu\n',
    )
    expect((await rig.plain('/loaders/memtest86+x64.efi')).status).toBe(200)
  })

  test('blocked: no menu', async () => {
    await start()
    await rig.bring('blocked')
    expect((await rig.script('&choice=menu')).status).toBe(403)
  })
})

test('iPXE from 2021 on looks for autoexec.ipxe beside its loader: there is none, at once', async () => {
  await start()
  const reply = await rig.plain('/loaders/autoexec.ipxe')
  expect([reply.status, rig.log.of('warn')]).toEqual([404, []])
})
