/**
 * What we ask ourselves: a DISCOVER as of a machine with UEFI that has no address, so that servers of addresses and of boot data answer alike. No
 * REQUEST ever follows, so nobody leases anything for it.
 */
import { UNSPECIFIED } from '../kit/ipv4.ts'
import { type Mac, macFromBytes, macToBytes } from '../kit/mac.ts'
import { type DhcpMessage, MESSAGE_TYPES } from './message.ts'
import { bytesOf, OPTION, textOf, uint8, uint16 } from './options.ts'

/** Clients without an address take this much (RFC 2131 §2: 576, less IP and UDP headers). */
export const QUESTION_LIMITS = { maxBytes: 548 }

export function question(xid: number, mac: Mac): DhcpMessage {
  return {
    op: 'request',
    htype: 1,
    chaddr: macToBytes(mac),
    hops: 0,
    xid,
    secs: 0,
    // The answer must reach a host whose kernel has another address.
    broadcast: true,
    ciaddr: UNSPECIFIED,
    yiaddr: UNSPECIFIED,
    siaddr: UNSPECIFIED,
    giaddr: UNSPECIFIED,
    sname: '',
    file: '',
    options: new Map([
      [OPTION.messageType, uint8(MESSAGE_TYPES.discover)],
      [OPTION.vendorClass, bytesOf('PXEClient:Arch:00007:UNDI:003000')],
      [OPTION.clientArchitecture, uint16(7)],
      [OPTION.parameterList, Uint8Array.of(OPTION.subnetMask, OPTION.router, OPTION.dns, OPTION.bootFile)],
    ]),
  }
}

/** Option 61 of type 0 is a text that is nobody's hardware address (RFC 2132 §9.14). */
const INSPECTOR = '\0rackrise doctor'

/** The question of `doctor`: an appliance of ours answers it as it would a stranger, and remembers nothing of it. */
export function inspection(xid: number, mac: Mac): DhcpMessage {
  const asked = question(xid, mac)
  return { ...asked, options: new Map([...asked.options, [OPTION.clientId, bytesOf(INSPECTOR)]]) }
}

export function isInspection({ options }: Pick<DhcpMessage, 'options'>): boolean {
  const id = options.get(OPTION.clientId)
  return id !== undefined && id.length === INSPECTOR.length && textOf(id) === INSPECTOR
}

/** Locally administered (IEEE 802 §8.4), and the same for each run on an interface: servers that hold an offer hold one. */
export function inspectorMac(own: Mac): Mac {
  return macFromBytes(Uint8Array.of(0x02, 0x52, 0x72, ...macToBytes(own).subarray(3)))!
}
