import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { installScript, localDiskScript, type LocalDiskScript, sayable } from '../../services/boot/script.ts'

const local = (partial: Partial<LocalDiskScript>): LocalDiskScript => ({
  because: 'installed',
  title: 'node1',
  diskFailedUrl: 'http://10.77.0.1/boot.ipxe?mac=bc:24:11:ab:12:21&disk=failed',
  diskFailed: false,
  ...partial,
})

const INSTALL = {
  attempt: '3f9c21aa',
  title: 'Proxmox VE 9.2 on node1',
  kernelUrl: 'http://10.77.0.1/boot/3f9c21aa/vmlinuz',
  initrdUrl: 'http://10.77.0.1/boot/3f9c21aa/initrd.img',
  kernelArgs: ['console=ttyS0,115200'],
  loadFailedUrl: 'http://10.77.0.1/boot.ipxe?mac=bc:24:11:ab:12:21&failed=${part}&error=${error}',
}

test('install: tries again after 2, 4, 8 and 16 seconds, then says what it could not load', () => {
  expect(
    installScript({ ...INSTALL, menuUrl: 'http://10.77.0.1/boot.ipxe?mac=bc:24:11:ab:12:21&choice=menu' }),
  ).toBe(`#!ipxe
echo Rackrise: installing Proxmox VE 9.2 on node1, attempt 3f9c21aa
prompt --key m --timeout 2000 Press m for a menu && chain --replace http://10.77.0.1/boot.ipxe?mac=bc:24:11:ab:12:21&choice=menu ||
set wait:int32 2
:load
imgfree
set part kernel
kernel http://10.77.0.1/boot/3f9c21aa/vmlinuz initrd=initrd.img rw quiet splash=silent proxmox-start-auto-installer console=ttyS0,115200 || goto again
set part initrd
initrd http://10.77.0.1/boot/3f9c21aa/initrd.img || goto again
set part start
boot ||
set error \${errno}
goto failed
:again
set error \${errno}
iseq \${wait} 32 && goto failed ||
echo Rackrise: the \${part} was not loaded (\${error}), next try in \${wait} seconds
sleep \${wait}
inc wait \${wait}
goto load
:failed
echo Rackrise: the \${part} was not loaded (\${error})
imgfree
set wait:int32 2
:chain
chain --replace http://10.77.0.1/boot.ipxe?mac=bc:24:11:ab:12:21&failed=\${part}&error=\${error} ||
iseq \${wait} 32 && exit 1 ||
sleep \${wait}
inc wait \${wait}
goto chain
`)
})

test('install, with the ISO as a second initrd: BIOS loaders pack it themselves, UEFI machines get the wrapped one', () => {
  const apart = {
    initrdUrl: 'http://10.77.0.1/isos/pve.iso/initrd.img',
    isoUrl: 'http://10.77.0.1/boot/3f9c21aa/proxmox.iso',
  }
  const text = installScript({ ...INSTALL, apart })
  expect(text.slice(text.indexOf('set part initrd'), text.indexOf('set part start'))).toBe(`set part initrd
iseq \${platform} efi && goto wrapped ||
initrd http://10.77.0.1/isos/pve.iso/initrd.img || goto again
initrd http://10.77.0.1/boot/3f9c21aa/proxmox.iso proxmox.iso || goto again
goto loaded
:wrapped
initrd http://10.77.0.1/boot/3f9c21aa/initrd.img || goto again
:loaded
`)
})

test('install, as a person chose: no second wait for a key', () => {
  expect(installScript(INSTALL)).not.toContain('prompt')
})

test('installed: boots its disk at once, and says if that fails', () => {
  expect(localDiskScript(local({}))).toBe(`#!ipxe
echo Rackrise: node1: installed: booting the local disk
iseq \${platform} efi && exit 1 ||
sanboot --no-describe --drive 0x80 ||
chain --replace http://10.77.0.1/boot.ipxe?mac=bc:24:11:ab:12:21&disk=failed ||
exit 1
`)
})

test('held: shows on its screen who it is and what a person types', () => {
  const advice = ['Approve it: rackrise machine approve node1']
  expect(localDiskScript(local({ because: 'held', advice }))).toBe(`#!ipxe
echo Rackrise: node1: NOT APPROVED: nothing is installed on this machine
echo MAC \${netX/mac} serial \${serial} uuid \${uuid}
echo Approve it: rackrise machine approve node1
sleep 5
iseq \${platform} efi && exit 1 ||
sanboot --no-describe --drive 0x80 ||
chain --replace http://10.77.0.1/boot.ipxe?mac=bc:24:11:ab:12:21&disk=failed ||
exit 1
`)
})

test('its disk failed already: goes on to the next boot device instead of asking for ever', () => {
  expect(localDiskScript(local({ diskFailed: true }))).toBe(`#!ipxe
echo Rackrise: node1: installed: booting the local disk
echo Rackrise: no bootable local disk
exit 1
`)
})

describe('why it boots its disk', () => {
  test.each([
    ['installing', 'the answer was served: booting the local disk', false],
    ['failed', 'the installation failed: booting the local disk', true],
    ['stalled', 'the installation stalled: booting the local disk', true],
    ['blocked', 'blocked: booting the local disk', false],
  ] as const)('%s', (because, text, readable) => {
    const script = localDiskScript(local({ because }))
    expect(script).toContain(`echo Rackrise: node1: ${text}\n`)
    expect(script.includes('sleep 5')).toBe(readable)
  })
})

const MENU = 'http://10.77.0.1/boot.ipxe?mac=bc:24:11:ab:12:21&choice=menu'

describe('the key for a menu', () => {
  test.each([
    ['installed', 2000],
    ['held', 5000],
  ] as const)('%s: waits %i ms for it, and no longer', (because, ms) => {
    const script = localDiskScript(local({ because, menuUrl: MENU }))
    expect(script).toContain(`prompt --key m --timeout ${ms} Press m for a menu && chain --replace ${MENU} ||\niseq`)
    expect(script).not.toContain('sleep')
  })

  test('nobody is asked where the disk has failed', () => {
    expect(localDiskScript(local({ menuUrl: MENU, diskFailed: true }))).not.toContain('prompt')
  })
})

test('as a person chose at the machine, this time', () => {
  expect(localDiskScript(local({ because: 'chosen' }))).toContain(
    'echo Rackrise: node1: chosen here: booting the local disk\niseq',
  )
})

describe('what is shown cannot become a command', () => {
  test.each([
    ['a reason with its advice', 'no disk; look at it', 'no disk, look at it'],
    ['a setting', 'disk ${initrd}', 'disk initrd'],
    ['another command', 'x || shell && reboot ; exit', 'x shell reboot , exit'],
    ['a line', 'one\r\nimgfree', 'one imgfree'],
    ['a comment', '# all of it', 'all of it'],
    ['an option of echo', '-n --version', 'n --version'],
    ['letters of elsewhere', 'Gehäuse “x”', 'Geh use x'],
  ])('%s', (_, text, shown) => {
    expect(sayable(text)).toBe(shown)
  })

  test('property: one line of harmless words, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(sayable(text)).toMatch(/^([A-Za-z0-9.,:()/_=+][A-Za-z0-9 .,:()/_=+-]{0,199})?$/)
      }),
    )
  })
})
