/** The two JSON bodies that installer 9.2.7 sends: system information to ask for the answer, and the report when it is done. */
import type { Ipv4 } from '../../kit/ipv4.ts'
import type { Mac } from '../../kit/mac.ts'
import type { Answer } from './answer-file.ts'
import type { Firmware } from './dhcp-voice.ts'

export type Hardware = { name: string; mac: Mac; uuid: string; serial: string; firmware: Firmware }

/** From `/.cd-info` of the ISO. */
export type Release = { product: string; fullname: string; release: string; isorelease: string }

const UNKNOWN_RELEASE: Release = { product: 'pve', fullname: 'Proxmox VE', release: '9.2', isorelease: '1' }

/** `KEY='value'` lines; quotes of either kind or none. */
export function readRelease(cdInfo: Uint8Array | undefined): Release {
  const values = new Map<string, string>()
  for (const line of Buffer.from(cdInfo ?? new Uint8Array())
    .toString('utf8')
    .split('\n')) {
    const match = /^([A-Z]+)=(["']?)(.*)\2$/.exec(line.trim())
    if (match) values.set(match[1]!, match[3]!)
  }
  return {
    product: values.get('PRODUCT') ?? UNKNOWN_RELEASE.product,
    fullname: values.get('PRODUCTLONG') ?? UNKNOWN_RELEASE.fullname,
    release: values.get('RELEASE') ?? UNKNOWN_RELEASE.release,
    isorelease: values.get('ISORELEASE') ?? UNKNOWN_RELEASE.isorelease,
  }
}

function dmi(machine: Hardware) {
  return {
    baseboard: { name: 'LAB', serial: '.LAB.', asset_tag: '' },
    chassis: { serial: machine.serial, sku: 'Not Specified', asset_tag: '' },
    system: {
      name: 'Rackrise simulated machine',
      serial: machine.serial,
      sku: 'Not Specified',
      uuid: machine.uuid.toLowerCase(),
    },
  }
}

/** MACs stand in upper case from 9.2.0 on. */
export function systemInformation(machine: Hardware, release: Release) {
  return {
    $schema: { version: '1.0' },
    product: { fullname: release.fullname, product: release.product, enable_btrfs: release.product === 'pve' },
    iso: { release: release.release, isorelease: release.isorelease },
    dmi: dmi(machine),
    network_interfaces: [{ link: 'enp1s0', mac: machine.mac.toUpperCase() }],
  }
}

/** Sorted keys, kebab-case, MACs in lower case: schema 1.2. `maskBits` belongs to the address of the management NIC. */
export function installationReport(
  machine: Hardware,
  release: Release,
  answer: Answer,
  address: Ipv4,
  maskBits: number,
) {
  const key = Buffer.from(`lab ${machine.mac}`).toString('base64')
  return {
    $schema: { version: '1.2' },
    'boot-info': { mode: machine.firmware === 'bios' ? 'bios' : 'efi' },
    'cpu-info': { cores: 2, cpus: 2, flags: 'fpu vme de', hvm: false, model: 'simulated', sockets: 1 },
    'debian-version': '13.4',
    disks: [
      {
        'is-bootdisk': true,
        size: 34_359_738_368,
        'udev-properties': { DEVNAME: '/dev/vda', ID_SERIAL_SHORT: machine.serial },
      },
    ],
    dmi: dmi(machine),
    filesystem: answer.filesystem,
    fqdn: answer.fqdn,
    iso: { isorelease: release.isorelease, release: release.release },
    'kernel-version': {
      machine: 'x86_64',
      release: '7.0.2-5-pve',
      sysname: 'Linux',
      version: '#1 SMP PREEMPT_DYNAMIC simulated',
    },
    'machine-id': machine.uuid.replaceAll('-', '').toLowerCase(),
    'network-interfaces': [
      {
        address: `${address}/${maskBits}`,
        'is-management': true,
        mac: machine.mac,
        name: 'enp1s0',
        'udev-properties': {},
      },
    ],
    product: { fullname: release.fullname, short: release.product, version: `${release.release}.1` },
    'reboot-mode': answer.rebootMode,
    'ssh-public-host-keys': {
      ecdsa: `ecdsa-sha2-nistp256 ${key} root@${machine.name}`,
      ed25519: `ssh-ed25519 ${key} root@${machine.name}`,
      rsa: `ssh-rsa ${key} root@${machine.name}`,
    },
    ...(answer.webhook?.token === undefined ? {} : { token: answer.webhook.token }),
  }
}
