/**
 * Where a reply goes: RFC 2131 §4.1, as a function of what the client said.
 * The port that heard the client sends it, so it leaves by the same interface and from port 67.
 */
import type { Endpoint } from '../kit/datagram-port.ts'
import { LIMITED_BROADCAST, UNSPECIFIED } from '../kit/ipv4.ts'
import { CLIENT_PORT, type DhcpMessage, type ReplyType, SERVER_PORT } from './message.ts'
import { relayInformationOf } from './relay-information.ts'

/** `sourcePort` is the UDP port that the request came from; only a relay agent that asks for it is answered there (RFC 8357). */
export function destinationOf(
  request: Pick<DhcpMessage, 'giaddr' | 'ciaddr' | 'options'>,
  reply: ReplyType,
  sourcePort: number,
): Endpoint {
  if (request.giaddr !== UNSPECIFIED) {
    return { address: request.giaddr, port: relayInformationOf(request).atSourcePort ? sourcePort : SERVER_PORT }
  }
  // A client that gets a NAK may have no right to the address it listens on (§4.3.2).
  if (reply === 'nak') return { address: LIMITED_BROADCAST, port: CLIENT_PORT }
  if (request.ciaddr !== UNSPECIFIED) return { address: request.ciaddr, port: CLIENT_PORT }
  // Unicast to yiaddr needs an ARP entry that nobody can answer for yet. Broadcasting is allowed whatever the flag
  // says, and every firmware in test/vectors/dhcp takes it.
  return { address: LIMITED_BROADCAST, port: CLIENT_PORT }
}

/**
 * Where the boot server's ACK goes: to the address that the machine has by now (PXE 2.1 §2.5), else to where it came from; some ROMs leave ciaddr empty. EDK2
 * asks from port 4011 and hears the answer there, BIOS ROMs and iPXE from 68.
 */
export function bootServerDestination(request: Pick<DhcpMessage, 'ciaddr'>, from: Endpoint): Endpoint {
  const address = request.ciaddr === UNSPECIFIED ? from.address : request.ciaddr
  return { address: address === UNSPECIFIED ? LIMITED_BROADCAST : address, port: from.port }
}
