/** Which server this is, as the machine knows it: our address, or what its relay agent says instead (RFC 5107 §4). */
import type { Ipv4 } from '../kit/ipv4.ts'
import type { DhcpMessage } from './message.ts'
import { serverIdOf } from './options.ts'
import { relayInformationOf } from './relay-information.ts'

/** Option 54 of replies to this message. */
export function serverIdFor(message: DhcpMessage, ours: Ipv4): Ipv4 {
  return relayInformationOf(message).serverId ?? ours
}

/** Whether option 54 of the message means this server. Our address always does: a lease may be older than the override. */
export function namesUs(message: DhcpMessage, ours: Ipv4): boolean {
  const named = serverIdOf(message)
  return named !== undefined && (named === ours || named === relayInformationOf(message).serverId)
}
