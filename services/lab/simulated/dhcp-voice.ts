/**
 * How each program of a machine's life speaks DHCP: which options, in which order, with which values. The values stand in
 * captures of OVMF 2022.11, of an iPXE ROM that hides its iPXE marks, of iPXE v1.21 and of ISC dhclient 4.4.3 with the
 * lines that Proxmox's installer adds to its configuration.
 */
import { ipv4ToBytes, type Ipv4 } from '../../kit/ipv4.ts'
import { macToBytes, type Mac } from '../../kit/mac.ts'
import { MESSAGE_TYPE, OPTION, type Option } from './dhcp-message.ts'

export type Firmware = 'bios' | 'uefi'
export type Speaker = 'firmware' | 'ipxe' | 'installer'

export type Identity = { mac: Mac; uuid: string; firmware: Firmware; withhold250?: boolean }

/** What a REQUEST adds: the offered address and who offered it. */
export type Chosen = { address: Ipv4; server: Ipv4 }

type Order = 'chosen-last' | 'chosen-first'

/** The machine identifier is a type byte and the SMBIOS form: the first three fields are little-endian (RFC 4578 §2.3). */
export function machineIdentifier(uuid: string): Uint8Array {
  const hex = Buffer.from(uuid.replaceAll('-', ''), 'hex')
  const swap = (start: number, end: number) => [...hex.subarray(start, end)].reverse()
  return Uint8Array.from([0, ...swap(0, 4), ...swap(4, 6), ...swap(6, 8), ...hex.subarray(8)])
}

const text = (value: string) => Buffer.from(value, 'latin1')
const uint16 = (value: number) => Uint8Array.of(value >> 8, value & 255)
const bytes = (hex: string) => Buffer.from(hex, 'hex')

const REQUEST_LIST = {
  bios: [1, 3, 6, 7, 12, 15, 17, 26, 42, 43, 60, 66, 67, 119, 121, 128, 129, 130, 131, 132, 133, 134, 135, 203],
  uefi: [
    1, 2, 3, 4, 5, 6, 12, 13, 15, 17, 18, 22, 23, 28, 40, 41, 42, 43, 50, 51, 54, 58, 59, 60, 66, 67, 97, 128, 129, 130,
    131, 132, 133, 134, 135,
  ],
  ipxe: [1, 3, 6, 7, 12, 15, 17, 26, 42, 43, 60, 66, 67, 119, 128, 129, 130, 131, 132, 133, 134, 135, 175, 203],
  installer: [1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42, 250, 251],
  installerWithout250: [1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42],
}

/** OVMF says in its REQUEST that it takes 65,280 bytes. */
const OVMF_REQUEST_SIZE = 0xff00
const ETHERNET_SIZE = 1472

const IPXE_FEATURES = {
  bios: 'b105011af41000eb03010000260101170101270101220101130101140101110101190101290101100102210101150101180101120101',
  uefi: 'b105011af41000eb03010000260101170101270101240101130101140101110101290101150101120101',
}

function clientId(mac: Mac): Uint8Array {
  return Uint8Array.from([1, ...macToBytes(mac)])
}

function biosOptions(who: Identity): Option[] {
  return [
    [OPTION.maxMessageSize, uint16(ETHERNET_SIZE)],
    [OPTION.architecture, uint16(0)],
    [OPTION.networkInterface, bytes('010201')],
    [OPTION.vendorClass, text('PXEClient:Arch:00000:UNDI:002001')],
    [OPTION.requestList, Uint8Array.from(REQUEST_LIST.bios)],
    [OPTION.clientId, clientId(who.mac)],
    [OPTION.machineId, machineIdentifier(who.uuid)],
  ]
}

/** OVMF sends no client identifier. */
function uefiOptions(who: Identity, requesting: boolean): Option[] {
  return [
    [OPTION.maxMessageSize, uint16(requesting ? OVMF_REQUEST_SIZE : ETHERNET_SIZE)],
    [OPTION.requestList, Uint8Array.from(REQUEST_LIST.uefi)],
    [OPTION.machineId, machineIdentifier(who.uuid)],
    [OPTION.networkInterface, bytes('010300')],
    [OPTION.architecture, uint16(7)],
    [OPTION.vendorClass, text('PXEClient:Arch:00007:UNDI:003000')],
  ]
}

function ipxeOptions(who: Identity): Option[] {
  const bios = who.firmware === 'bios'
  return [
    [OPTION.maxMessageSize, uint16(ETHERNET_SIZE)],
    [OPTION.architecture, uint16(bios ? 0 : 7)],
    [OPTION.networkInterface, bytes(bios ? '010201' : '01030a')],
    [OPTION.vendorClass, text(bios ? 'PXEClient:Arch:00000:UNDI:002001' : 'PXEClient:Arch:00007:UNDI:003010')],
    // A bare string, not the list of RFC 3004 §4.
    [OPTION.userClass, text('iPXE')],
    [OPTION.requestList, Uint8Array.from(REQUEST_LIST.ipxe)],
    [OPTION.ipxe, bytes(IPXE_FEATURES[who.firmware])],
    [OPTION.clientId, clientId(who.mac)],
    [OPTION.machineId, machineIdentifier(who.uuid)],
  ]
}

/** dhclient sends neither vendor class nor client identifier; the host name is the installer's own. */
function installerOptions(who: Identity): Option[] {
  const list = who.withhold250 ? REQUEST_LIST.installerWithout250 : REQUEST_LIST.installer
  return [
    [OPTION.hostName, text('proxmox')],
    [OPTION.requestList, Uint8Array.from(list)],
  ]
}

function optionsOf(speaker: Speaker, who: Identity, requesting: boolean): { options: Option[]; order: Order } {
  if (speaker === 'ipxe') return { options: ipxeOptions(who), order: 'chosen-last' }
  if (speaker === 'installer') return { options: installerOptions(who), order: 'chosen-first' }
  return who.firmware === 'bios'
    ? { options: biosOptions(who), order: 'chosen-last' }
    : { options: uefiOptions(who, requesting), order: 'chosen-first' }
}

/** All options of a DISCOVER, or with `chosen` of a REQUEST, in wire order. */
export function speak(speaker: Speaker, who: Identity, chosen?: Chosen): Option[] {
  const { options, order } = optionsOf(speaker, who, chosen !== undefined)
  const type: Option = [OPTION.messageType, Uint8Array.of(chosen ? MESSAGE_TYPE.request : MESSAGE_TYPE.discover)]
  if (!chosen) return [type, ...options]
  const choice: Option[] = [
    [OPTION.serverId, ipv4ToBytes(chosen.server)],
    [OPTION.requestedAddress, ipv4ToBytes(chosen.address)],
  ]
  return order === 'chosen-first' ? [type, ...choice, ...options] : [type, ...options, ...choice]
}

/** What dhclient of an installed system says to keep its address: neither server nor address stand in options (RFC 2131 §4.3.6). */
export function askToRenew(name: string): Option[] {
  return [
    [OPTION.messageType, Uint8Array.of(MESSAGE_TYPE.request)],
    [OPTION.hostName, text(name)],
    [OPTION.requestList, Uint8Array.from(REQUEST_LIST.installerWithout250)],
  ]
}

/** OVMF sets the broadcast flag; BIOS ROMs do not; of the iPXEs captured, those that were loaded by firmware mostly do. */
export function wantsBroadcast(speaker: Speaker, who: Identity): boolean {
  return speaker === 'ipxe' || (speaker === 'firmware' && who.firmware === 'uefi')
}
