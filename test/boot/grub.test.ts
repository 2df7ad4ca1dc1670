import { describe, expect, test } from 'vitest'
import { grubDescribe, grubInstall, grubLocalDisk, readGrubName } from '../../services/boot/grub.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { AttemptId } from '../../services/machine/event.ts'

const SOURCE = { address: '10.77.0.1' as Ipv4, httpPort: 80 }
const INSTALL = {
  attempt: '3f9c21aa' as AttemptId,
  title: 'Proxmox VE 9.2 on node1',
  kernelArgs: ['console=ttyS0,115200'],
  source: SOURCE,
}

test('install: by HTTP, else by TFTP, five times; then it says what it could not load', () => {
  expect(grubInstall(INSTALL)).toBe(`echo 'Rackrise: installing Proxmox VE 9.2 on node1, attempt 3f9c21aa'
for wait in 0 2 4 8 16; do
sleep $wait
for from in '(http,10.77.0.1)' '(tftp,10.77.0.1)'; do
set part=kernel
if linux $from/boot/3f9c21aa/vmlinuz 'rw' 'quiet' 'splash=silent' 'proxmox-start-auto-installer' 'console=ttyS0,115200'; then
set part=initrd
if initrd $from/boot/3f9c21aa/initrd.img; then
set part=start
boot
fi; fi; done
echo "Rackrise: the $part was not loaded, trying again"
done
configfile ($root)/grub/failed-$part.cfg
exit 1
`)
})

test('install, with HTTP at another port than 80: GRUB knows none, so by TFTP only', () => {
  const text = grubInstall({ ...INSTALL, source: { ...SOURCE, httpPort: 8080 } })
  expect(text).toContain("\nfor from in '(tftp,10.77.0.1)'; do\n")
  expect(text).not.toContain('http,')
})

test('installed: starts the loader of the disk, and says if there is none', () => {
  expect(
    grubLocalDisk({ because: 'installed', title: 'node1', diskFailed: false }),
  ).toBe(`echo 'Rackrise: node1: installed: booting the local disk'
set home=$root
for file in /EFI/proxmox/shimx64.efi /EFI/proxmox/grubx64.efi /EFI/BOOT/BOOTX64.EFI; do
if search --no-floppy --set=root --file $file; then if chainloader $file; then boot; fi; fi
done
set root=$home
configfile ($root)/grub/disk-failed.cfg
exit 1
`)
})

test('held: shows who it is and what a person types, and nothing of it is a command', () => {
  const advice = ["Approve it: rackrise machine approve node1'; halt; echo '$(x)"]
  const text = grubLocalDisk({ because: 'held', title: 'node1', advice, diskFailed: true })
  expect(text).toBe(`echo 'Rackrise: node1: NOT APPROVED: nothing is installed on this machine'
echo "MAC $net_default_mac"
echo 'Approve it: rackrise machine approve node1 , halt, echo (x)'
sleep --interruptible 5
echo 'Rackrise: no bootable local disk'
exit 1
`)
})

test('before an installation it is asked for its memory, range by range', () => {
  const ask = (at: number): string =>
    `if smbios --type 19 --match ${at} --get-dword 4 --set start; then if smbios --type 19 --match ${at} --get-dword 8 --set end; then
set memory="\${memory}\${start}-\${end}_"
`
  expect(grubDescribe()).toBe(
    `set memory=\n${ask(1)}${ask(2)}${ask(3)}${ask(4)}${'fi; fi\n'.repeat(4)}configfile ($root)/grub/memory-\${memory}.cfg\n`,
  )
})

describe('what GRUB says by the name that it asks for', () => {
  const asks = { saysMac: false, identity: {}, canDescribe: true, diskFailed: false }
  const described = (memoryBytes?: number): object => ({
    ...asks,
    description: { architecture: 'amd64', ...(memoryBytes ? { memoryBytes } : {}) },
  })
  const MIB = 1024 ** 2
  test.each<[string, object | undefined]>([
    ['grub/grub.cfg', asks],
    ['grub/grub.cfg-01-bc-24-11-ab-12-21', asks],
    ['grub/grub.cfg-0A4D000B', asks],
    ['grub/disk-failed.cfg', { ...asks, diskFailed: true }],
    ['grub/failed-initrd.cfg', { ...asks, failed: { part: 'initrd' } }],
    ['grub/memory-0-1048575_.cfg', described(1024 * MIB)],
    ['grub/memory-0-2097151_4194304-10485759_.cfg', described(8192 * MIB)],
    ['grub/memory-.cfg', described()],
    ['grub/memory-0-1_2-3_4-5_6-7_.cfg', described()],
    ['grub/memory-4294967295-4294967295_.cfg', described()],
    ['grub/memory-9-1_.cfg', described()],
    ['grub/memory-a-b_.cfg', undefined],
    ['grub/failed-disk.cfg', undefined],
    ['grub/x86_64-efi/command.lst', undefined],
    ['grub/x86_64-efi/http.mod', undefined],
    ['grub/revocations_sbat.efi', undefined],
    ['grub/grub.cfg/x', undefined],
    ['grub.cfg', undefined],
  ])('%s', (name, inquiry) => {
    expect(readGrubName(name)).toEqual(inquiry)
  })
})
