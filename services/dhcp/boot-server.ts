/**
 * The boot server at port 4011 (PXE 2.1 §2.5): whoever has its address already asks here which file to load. Pure. In server mode it is for
 * ROMs that ignore bit 3 of 43.6 and ask although they were told the file.
 */
import type { Endpoint } from '../kit/datagram-port.ts'
import { type Ipv4, LIMITED_BROADCAST } from '../kit/ipv4.ts'
import { isOfSite } from '../site/networks.ts'
import { bootInquiryOf } from './boot-inquiry.ts'
import { bootServerFieldsOf } from './boot-options.ts'
import { type BootView, type Decision, silence } from './decision.ts'
import { bootServerDestination } from './destination.ts'
import { clientOf } from './identify.ts'
import type { DhcpMessage } from './message.ts'
import { messageTypeOf, OPTION } from './options.ts'
import { tellBoot } from './reply.ts'
import { screen } from './respond.ts'

export function respondAsBootServer(message: DhcpMessage, from: Endpoint, view: BootView): Decision {
  const client = clientOf(message)
  const unfit = screen(message)
  if (unfit) return silence(unfit, client)
  const type = messageTypeOf(message)
  // An INFORM asks for settings without an address, which is what a boot server gives; dnsmasq takes it here, too.
  if (type !== 'request' && type !== 'inform') return silence('no-boot-request', client)
  if (isWindowsDeployment(message)) return silence('windows-deployment', client)
  if (!isServed(bootServerDestination(message, from).address, view)) return silence('foreign-network', client)
  const inquiry = bootInquiryOf(message, view)
  if ('do' in inquiry) return inquiry
  return tellBoot(inquiry, 'ack', 'boot-server-asked', bootServerFieldsOf(inquiry.plan, message, view.server))
}

/** wdsnbp.com and bootmgfw send their state in option 250, which no ROM does; Proxmox uses that number in the other direction. */
function isWindowsDeployment({ options }: DhcpMessage): boolean {
  return options.has(OPTION.answerUrl)
}

const BINL_MAGIC = 0x81
const BINL_TYPES: ReadonlySet<string> = new Set(['NEG', 'RQU', 'AUT', 'OFF', 'REQ', 'NCQ'])

/** A message of Remote Installation Services, which shares the port and is no DHCP: an octet of 0x81, then three letters. */
export function isBinl(bytes: Uint8Array): boolean {
  return bytes[0] === BINL_MAGIC && BINL_TYPES.has(String.fromCharCode(...bytes.subarray(1, 4)))
}

/** Answers go to machines of the site only, or anybody could have them sent to anybody. */
function isServed(address: Ipv4, { server: { prefix, subnets } }: BootView): boolean {
  return address === LIMITED_BROADCAST || isOfSite({ own: prefix, subnets }, address)
}
