import { describe, expect, test } from 'vitest'
import { installScript, localDiskScript, type LocalDiskScript } from '../../services/boot/script.ts'

const local = (partial: Partial<LocalDiskScript>): LocalDiskScript => ({
  because: 'installed',
  title: 'node1',
  diskFailedUrl: 'http://10.77.0.1/boot.ipxe?mac=bc:24:11:ab:12:21&disk=failed',
  diskFailed: false,
  ...partial,
})

test('install', () => {
  const script = installScript({
    attempt: '3f9c21aa',
    title: 'Proxmox VE 9.2 on node1',
    kernelUrl: 'http://10.77.0.1/boot/3f9c21aa/vmlinuz',
    initrdUrl: 'http://10.77.0.1/boot/3f9c21aa/initrd.img',
    kernelArgs: ['console=ttyS0,115200'],
    scriptUrl: 'http://10.77.0.1/boot.ipxe?mac=bc:24:11:ab:12:21',
  })
  expect(script).toBe(`#!ipxe
echo Rackrise: installing Proxmox VE 9.2 on node1, attempt 3f9c21aa
kernel http://10.77.0.1/boot/3f9c21aa/vmlinuz initrd=initrd.img rw quiet splash=silent proxmox-start-auto-installer console=ttyS0,115200 || goto failed
initrd http://10.77.0.1/boot/3f9c21aa/initrd.img || goto failed
boot || goto failed
:failed
echo Rackrise: loading failed, next try in 10 seconds
sleep 10
imgfree
chain --replace http://10.77.0.1/boot.ipxe?mac=bc:24:11:ab:12:21
`)
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
  const advice = 'Approve it: rackrise machine approve node1'
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
