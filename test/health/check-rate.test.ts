import { expect, test } from 'vitest'
import { slowDownloads } from '../../services/health/check-rate.ts'
import type { IsoEntry } from '../../services/iso/catalogue.ts'
import { siteOf } from '../machine/rig.ts'

const MIB = 1024 * 1024
const iso = { file: 'proxmox-ve_9.2-1.iso', size: 1700 * MIB, initrd: { offset: 0, length: 55 * MIB } } as IsoEntry
const catalogue = { find: () => iso }

function warned(boot: string): string[] {
  const text = `[site]
domain = "rack.test"
[network]
interface = "eth1"
address = "10.77.0.1/24"
[boot]
${boot}
[[profile]]
name = "a"
iso = "pve:9.2"
[[profile]]
name = "b"
iso = "pve:9.2"
[[dhcp.subnet]]
prefix = "10.77.0.0/24"
`
  return slowDownloads(siteOf('', text), catalogue).map(({ message }) => message)
}

test.each<[string, string, string[]]>([
  ['no limit', '', []],
  ['quick enough', 'rate-limit = "20MiB/s"', []],
  ['just quick enough for whoever waits longer', 'rate-limit = "1MiB/s"\nstall-after = "30m"', []],
  [
    'too slow, told once for each ISO',
    'rate-limit = "1MiB/s"',
    ['proxmox-ve_9.2-1.iso takes a machine 30 minutes at the rate of the site file, and boot.stall-after is 20'],
  ],
  [
    'too slow for all together is too slow for one',
    'rate-limit = "512KiB/s"\ntotal-rate-limit = "512KiB/s"',
    ['proxmox-ve_9.2-1.iso takes a machine 59 minutes at the rate of the site file, and boot.stall-after is 20'],
  ],
])('%s', (_, boot, messages) => {
  expect(warned(boot)).toEqual(messages)
})
