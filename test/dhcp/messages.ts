/** Messages as machines send them, and replies in a form that tests can write down. */
import { type Ipv4, UNSPECIFIED } from '../../services/kit/ipv4.ts'
import { type Mac, macToBytes, parseMac } from '../../services/kit/mac.ts'
import { type DhcpMessage, MESSAGE_TYPES, type MessageType } from '../../services/dhcp/message.ts'
import { addresses, bytesOf, OPTION, textOf, uint8, uint16 } from '../../services/dhcp/options.ts'

export const ip = (text: string) => text as Ipv4
export const mac = (text: string) => parseMac(text) as Mac

export const NODE1 = mac('bc:24:11:ab:12:21')
export const NODE2 = mac('bc:24:11:ab:12:22')
export const NODE3 = mac('bc:24:11:ab:12:23')

export type Said = {
  mac?: Mac
  xid?: number
  ciaddr?: string
  giaddr?: string
  hops?: number
  broadcast?: boolean
  /** Options 50, 54, 55, 57, 60, 61, 77. */
  wants?: string
  server?: string
  asks?: number[]
  maxSize?: number
  vendorClass?: string
  clientId?: Uint8Array
  userClass?: string
  architecture?: number
  options?: [number, Uint8Array][]
}

export function dhcp(type: MessageType, said: Said = {}): DhcpMessage {
  const options = new Map<number, Uint8Array>([[OPTION.messageType, uint8(MESSAGE_TYPES[type])]])
  if (said.wants) options.set(OPTION.requestedAddress, addresses([ip(said.wants)]))
  if (said.server) options.set(OPTION.serverId, addresses([ip(said.server)]))
  if (said.asks) options.set(OPTION.parameterList, Uint8Array.from(said.asks))
  if (said.maxSize !== undefined) options.set(OPTION.maxMessageSize, uint16(said.maxSize))
  if (said.vendorClass !== undefined) options.set(OPTION.vendorClass, bytesOf(said.vendorClass))
  if (said.clientId) options.set(OPTION.clientId, said.clientId)
  if (said.userClass !== undefined) options.set(OPTION.userClass, bytesOf(said.userClass))
  if (said.architecture !== undefined) options.set(OPTION.clientArchitecture, uint16(said.architecture))
  for (const [code, value] of said.options ?? []) options.set(code, value)
  return {
    op: 'request',
    htype: 1,
    chaddr: macToBytes(said.mac ?? NODE1),
    hops: said.hops ?? 0,
    xid: said.xid ?? 0x1234,
    secs: 0,
    broadcast: said.broadcast ?? false,
    ciaddr: said.ciaddr ? ip(said.ciaddr) : UNSPECIFIED,
    yiaddr: UNSPECIFIED,
    siaddr: UNSPECIFIED,
    giaddr: said.giaddr ? ip(said.giaddr) : UNSPECIFIED,
    sname: '',
    file: '',
    options,
  }
}

export const BIOS = { vendorClass: 'PXEClient:Arch:00000:UNDI:002001', architecture: 0 } as const
export const UEFI = { vendorClass: 'PXEClient:Arch:00007:UNDI:003000', architecture: 7 } as const
export const UEFI_HTTP = { vendorClass: 'HTTPClient:Arch:00016:UNDI:003000', architecture: 16 } as const
export const IPXE = { ...BIOS, userClass: 'iPXE' } as const
/** Debian's dhclient list and the two options of the installer. */
export const INSTALLER = { asks: [1, 28, 2, 3, 15, 6, 119, 12, 44, 47, 26, 121, 42, 250, 251] } as const

/** The value of an option as hexadecimal text, undefined if absent. */
export function hex(message: DhcpMessage, code: number): string | undefined {
  const value = message.options.get(code)
  return value && Buffer.from(value).toString('hex')
}

export function text(message: DhcpMessage, code: number): string | undefined {
  const value = message.options.get(code)
  return value && textOf(value)
}

export function codes(message: DhcpMessage): number[] {
  return [...message.options.keys()]
}
