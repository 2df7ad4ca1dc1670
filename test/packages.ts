/** Debian packages that tests need, by the files that need them. The README names the same list, which a test keeps. */
import { spawnSync } from 'node:child_process'

export type Need = { files: string; packages: string[]; needsRoot?: boolean }

/** What the stand-in ISO is made of, and what boots it. */
const STAND_IN = ['linux-image-amd64', 'busybox-static', 'isc-dhcp-client', 'openssl']
const MACHINES = ['qemu-system-x86', 'ovmf', 'ipxe', 'ipxe-qemu']
const OTHER_SERVER = ['dnsmasq-base']
/** A kernel under QEMU that runs a program of ours. */
const GUEST = ['qemu-system-x86', 'linux-image-amd64', 'busybox-static']
/** What makes an image that boots by BIOS and by UEFI. */
const BOOTABLE = ['grub-common', 'grub-pc-bin', 'grub-efi-amd64-bin', 'mtools']
const NAMESPACES = ['iproute2', 'util-linux']

export const PACKAGES: readonly Need[] = [
  { files: 'test/e2e/arm64.test.ts', packages: ['qemu-system-arm', 'qemu-efi-aarch64'], needsRoot: true },
  { files: 'test/e2e/**', packages: [...STAND_IN, ...MACHINES, ...OTHER_SERVER, ...NAMESPACES], needsRoot: true },
  // What is typed in the manual's sessions.
  { files: 'test/e2e/terminal-session.test.ts', packages: ['curl', 'jq', 'python3', 'tcpdump'], needsRoot: true },
  { files: 'test/docs/fragments.test.ts', packages: ['python3-yaml'] },
  { files: 'test/docs/uses.test.ts', packages: ['python3'] },
  {
    files: 'test/interop/appliance*.test.ts',
    packages: ['isc-dhcp-client', 'udhcpc', 'bind9-dnsutils', 'curl', 'systemd', ...NAMESPACES],
    needsRoot: true,
  },
  { files: 'test/interop/appliance-clock.test.ts', packages: ['libfaketime'], needsRoot: true },
  { files: 'test/interop/appliance-full-disk.test.ts', packages: ['e2fsprogs', 'mount'], needsRoot: true },
  {
    files: 'test/interop/systemd.test.ts',
    packages: ['systemd', 'udev', 'ipxe', 'udhcpc', 'bind9-dnsutils', 'curl', ...NAMESPACES],
    needsRoot: true,
  },
  { files: 'test/interop/vagrant.test.ts', packages: ['vagrant', 'vagrant-libvirt'] },
  { files: 'test/interop/appliance-surroundings.test.ts', packages: ['dnsmasq-base', 'openssl'], needsRoot: true },
  { files: 'test/interop/appliance-rogue.test.ts', packages: ['dnsmasq-base'], needsRoot: true },
  {
    files: 'test/interop/dhcp-clients.test.ts',
    packages: ['isc-dhcp-client', 'udhcpc', 'dhcpcd-base', 'systemd', 'kea-admin', ...NAMESPACES],
    needsRoot: true,
  },
  {
    files: 'test/interop/dhcp-rival.test.ts',
    packages: ['dnsmasq-base', 'isc-dhcp-client', 'udhcpc', 'dhcpcd-base', ...NAMESPACES],
    needsRoot: true,
  },
  {
    files: 'test/interop/dhcp-relay-dnsmasq.test.ts',
    packages: ['dnsmasq-base', 'udhcpc', ...NAMESPACES],
    needsRoot: true,
  },
  { files: 'test/interop/dhcp-relay.test.ts', packages: ['isc-dhcp-relay', 'udhcpc', ...NAMESPACES], needsRoot: true },
  {
    files: 'test/interop/doctor.test.ts',
    packages: ['curl', 'dnsmasq-base', 'kea-dhcp4-server', 'nftables', ...NAMESPACES],
    needsRoot: true,
  },
  { files: 'test/interop/dhcp-full-disk.test.ts', packages: ['util-linux'], needsRoot: true },
  // Not root, but ptrace(2).
  { files: 'test/interop/migration-{broken-disk,kill}.test.ts', packages: ['strace'] },
  { files: 'test/interop/migration-full-disk.test.ts', packages: ['mount', 'util-linux'], needsRoot: true },
  { files: 'test/interop/dhcp.test.ts', packages: ['isc-dhcp-client', 'udhcpc', ...NAMESPACES], needsRoot: true },
  { files: 'test/interop/dns.test.ts', packages: ['bind9-dnsutils'] },
  {
    files: 'test/interop/dns-resolvers.test.ts',
    packages: ['bind9-dnsutils', 'bind9-host', 'knot-dnsutils', 'unbound'],
    needsRoot: true,
  },
  {
    files: 'test/interop/iso-prepare.test.ts',
    packages: ['xorriso', 'genisoimage', 'gdisk', 'cpio', 'util-linux', ...BOOTABLE, ...GUEST, 'ovmf'],
    needsRoot: true,
  },
  { files: 'test/interop/iso-readers.test.ts', packages: ['xorriso', 'genisoimage', 'p7zip-full'] },
  { files: 'test/interop/http.test.ts', packages: ['curl'] },
  {
    files: 'test/interop/iso.test.ts',
    packages: ['xorriso', 'genisoimage', 'cpio', ...GUEST],
  },
  { files: 'test/cli/completion.test.ts', packages: ['zsh', 'fish'] },
  { files: 'test/interop/inventory.test.ts', packages: ['ansible-core', 'openssh-client'] },
  { files: 'test/interop/iso-makers.test.ts', packages: ['genisoimage', 'xorriso'] },
  { files: 'test/interop/iso-signature.test.ts', packages: ['gnupg', 'gpgv'] },
  { files: 'test/interop/page*.test.ts', packages: ['chromium'] },
  { files: 'test/e2e/console-rack.test.ts', packages: ['chromium', ...NAMESPACES], needsRoot: true },
  {
    files: 'test/interop/package.test.ts',
    packages: ['lintian', 'man-db', 'mandoc', 'mmdebstrap', ...NAMESPACES],
    needsRoot: true,
  },
  { files: 'test/interop/tftp.test.ts', packages: ['tftp-hpa', 'atftp', 'curl', 'busybox-static'] },
  { files: 'test/interop/tftp-wire.test.ts', packages: ['curl', ...NAMESPACES], needsRoot: true },
  { files: 'test/lab/*.test.ts', packages: ['xorriso', ...STAND_IN, ...MACHINES] },
  { files: 'test/lab-simulated/network.test.ts', packages: ['procps', ...NAMESPACES], needsRoot: true },
]

/** Every package, once, in order. */
export function allPackages(): string[] {
  return [...new Set(PACKAGES.flatMap(({ packages }) => packages))].toSorted()
}

/** What dpkg does not have installed. Everything is missing where there is no dpkg. */
export function missingPackages(): string[] {
  return allPackages().filter(name => {
    const status = spawnSync('dpkg-query', ['--show', '--showformat=${db:Status-Status}', name], { encoding: 'utf8' })
    return status.stdout?.trim() !== 'installed'
  })
}
