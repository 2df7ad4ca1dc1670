/** Settings that iPXE has of its machine and of its lease. */
import { macToBytes } from '../../kit/mac.ts'
import type { Lease } from './dhcp-client.ts'
import { OPTION, textOption } from './dhcp-message.ts'
import type { Setting, Settings } from './ipxe-settings.ts'
import type { Hardware } from './reports.ts'

/** Names that stand for the first NIC. */
const NIC = /^(net0|netX)\//

export function ipxeSettings(machine: Hardware, lease: Lease): Settings {
  const bios = machine.firmware === 'bios'
  const values: Record<string, Setting | undefined> = {
    mac: { text: machine.mac, bytes: macToBytes(machine.mac) },
    ip: { text: lease.address },
    uuid: { text: machine.uuid, bytes: Buffer.from(machine.uuid.replaceAll('-', ''), 'hex') },
    serial: { text: machine.serial },
    manufacturer: { text: 'Rackrise' },
    product: { text: 'Rackrise simulated machine' },
    'board-serial': { text: '.LAB.' },
    platform: { text: bios ? 'pcbios' : 'efi' },
    buildarch: { text: bios ? 'i386' : 'x86_64' },
    'next-server': { text: lease.reply.siaddr },
    'dhcp-server': { text: lease.server },
    hostname: setting(textOption(lease.reply, OPTION.hostName)),
    domain: setting(textOption(lease.reply, OPTION.domain)),
    memsize: { text: '8192' },
    version: { text: '1.21.1+' },
  }
  return name => {
    const key = name.replace(NIC, '')
    return Object.hasOwn(values, key) ? values[key] : undefined
  }
}

function setting(text: string | undefined): Setting | undefined {
  return text === undefined ? undefined : { text }
}
