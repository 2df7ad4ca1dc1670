/** Debian packages that tests need, by the files that need them. The README names the same list. */
import { spawnSync } from 'node:child_process'

export type Need = { files: string; packages: string[]; needsRoot?: boolean }

const FIRMWARE = ['qemu-system-x86', 'ovmf', 'ipxe', 'ipxe-qemu', 'linux-image-amd64', 'busybox-static', 'isc-dhcp-client', 'openssl', 'bind9-dnsutils', 'zstd', 'iproute2']

export const PACKAGES: readonly Need[] = [
  { files: 'test/e2e/**', packages: FIRMWARE, needsRoot: true },
  { files: 'test/interop/iso.test.ts', packages: ['xorriso', 'cpio', 'mount'], needsRoot: true },
  { files: 'test/interop/dhcp.test.ts', packages: ['isc-dhcp-client', 'udhcpc', 'iproute2'], needsRoot: true },
  { files: 'test/interop/dns.test.ts', packages: ['bind9-dnsutils'] },
  { files: 'test/interop/tftp.test.ts', packages: ['tftp-hpa', 'curl', 'busybox-static'] },
]

/** What dpkg does not have installed, each once. Everything is missing where there is no dpkg. */
export function missingPackages(): string[] {
  const wanted = [...new Set(PACKAGES.flatMap(({ packages }) => packages))].sort()
  return wanted.filter(name => {
    const status = spawnSync('dpkg-query', ['--show', '--showformat=${db:Status-Status}', name], { encoding: 'utf8' })
    return status.stdout?.trim() !== 'installed'
  })
}
