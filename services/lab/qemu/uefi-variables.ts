/**
 * The boot order of a UEFI machine: PXE or HTTP Boot over IPv4, then the disk. Given QEMU's own boot order, OVMF tries HTTP boot over IPv4 and
 * IPv6 before the disk, a minute each; a setup program writes the order into variables, and so does this.
 */
import { type Mac, macToBytes } from '../../kit/mac.ts'

/** Where NIC and disk are plugged in; device paths name them so. */
export const NIC_SLOT = 4
export const DISK_SLOT = 5

/** Firmware volume header, then variable store header; an empty store has its first variable here (edk2 VariableFormat.h). */
const FIRST_VARIABLE = 0x64
const HEADER_BYTES = 60
const VARIABLE_START = 0x55aa
/** EFI_GLOBAL_VARIABLE, 8BE4DF61-93CA-11D2-AA0D-00E098032B8C (UEFI 2.10 §3.3). */
const GLOBAL = Buffer.from('61dfe48bca93d211aa0d00e098032b8c', 'hex')
/** Not volatile, visible to boot services and at runtime. */
const ATTRIBUTES = 7
/** Far from the numbers that firmware gives to what it finds. */
const NETWORK_OPTION = 0x0a01
const DISK_OPTION = 0x0a02

export type NetworkBoot = { mac: Mac; httpBoot?: true }

/** A copy of a variable store (`OVMF_VARS_4M.fd`, or `.ms.fd` with its keys) with the boot order behind what is in it. Throws RangeError if it is none. */
export function withBootOrder(template: Buffer, network: NetworkBoot | undefined): Buffer {
  const options = [
    ...(network === undefined ? [] : [{ number: NETWORK_OPTION, name: 'Network', path: networkPath(network) }]),
    { number: DISK_OPTION, name: 'Disk', path: [slot(DISK_SLOT)] },
  ]
  const order = Buffer.alloc(options.length * 2)
  options.forEach((option, index) => order.writeUInt16LE(option.number, index * 2))
  const variables = Buffer.concat([
    variable('BootOrder', order),
    ...options.map(({ number, name, path }) =>
      variable(`Boot${number.toString(16).toUpperCase().padStart(4, '0')}`, loadOption(name, path)),
    ),
  ])
  const end = endOfVariables(template)
  const free = template.subarray(end, end + variables.length)
  if (free.length < variables.length || !free.every(byte => byte === 0xff))
    throw new RangeError('the variable store is not as it should be')
  const store = Buffer.from(template)
  variables.copy(store, end)
  return store
}

/** Where the next variable is written. */
function endOfVariables(store: Buffer): number {
  let at = FIRST_VARIABLE
  while (at + HEADER_BYTES <= store.length && store.readUInt16LE(at) === VARIABLE_START) {
    const length = HEADER_BYTES + store.readUInt32LE(at + 36) + store.readUInt32LE(at + 40)
    at += length + ((4 - (length % 4)) % 4)
  }
  return at
}

function networkPath({ mac, httpBoot }: NetworkBoot): Buffer[] {
  return [slot(NIC_SLOT), macNode(mac), ipv4Node(), ...(httpBoot ? [uriNode()] : [])]
}

/** An authenticated variable, padded to four bytes with what erased flash holds. */
function variable(name: string, data: Buffer): Buffer {
  const text = wide(name)
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16LE(VARIABLE_START, 0)
  header[2] = 0x3f // added
  header.writeUInt32LE(ATTRIBUTES, 4)
  header.writeUInt32LE(text.length, 36)
  header.writeUInt32LE(data.length, 40)
  GLOBAL.copy(header, 44)
  const length = HEADER_BYTES + text.length + data.length
  return Buffer.concat([header, text, data, Buffer.alloc((4 - (length % 4)) % 4, 0xff)])
}

/** EFI_LOAD_OPTION (UEFI 2.10 §3.1.3). */
function loadOption(name: string, nodes: Buffer[]): Buffer {
  const path = Buffer.concat([pciRoot(), ...nodes, Buffer.from([0x7f, 0xff, 4, 0])])
  const head = Buffer.alloc(6)
  head.writeUInt32LE(1, 0) // active
  head.writeUInt16LE(path.length, 4)
  return Buffer.concat([head, wide(name), path])
}

/** Device path nodes of UEFI 2.10 §10.3: type, sub-type, length, contents. */
function node(type: number, subType: number, contents: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([type, subType, contents.length + 4, 0]), contents])
}

/** PNP0A03, unit 0 (§10.3.3). */
function pciRoot(): Buffer {
  return node(2, 1, Buffer.from('d041030a00000000', 'hex'))
}

/** PCI device, function 0 (§10.3.2.1). */
function slot(device: number): Buffer {
  return node(1, 1, Uint8Array.from([0, device]))
}

/** 32 bytes for the address, then the type of the interface: Ethernet (§10.3.4.11). */
function macNode(mac: Mac): Buffer {
  return node(3, 11, Buffer.concat([macToBytes(mac), Buffer.alloc(26), Buffer.from([1])]))
}

/** All zero: any address, by DHCP (§10.3.4.12). */
function ipv4Node(): Buffer {
  return node(3, 12, Buffer.alloc(23))
}

/** Empty: DHCP says where from (§10.3.4.23). */
function uriNode(): Buffer {
  return node(3, 24, Buffer.alloc(0))
}

function wide(text: string): Buffer {
  return Buffer.from(`${text}\0`, 'utf16le')
}
