/** Who sent a message. One machine is one MAC: firmware, iPXE, installer and system send different client identifiers. */
import { type BootClient, type ClientFacts, describeClient } from '../boot/client.ts'
import { type Mac, macFromBytes } from '../kit/mac.ts'
import type { DhcpClient } from './fleet.ts'
import type { DhcpMessage } from './message.ts'
import { architecturesOf, clientIdOf, parameterListOf, userClassesOf, uuidOf, vendorClassOf } from './options.ts'
import { isInspection } from './question.ts'
import { relayInformationOf } from './relay-information.ts'

const ETHERNET = 1
const GROUP_BIT = 1

/** The MAC of an Ethernet NIC; a group address or all zeros identifies nobody. */
export function macOf(message: DhcpMessage): Mac | undefined {
  const { chaddr, htype } = message
  if (htype !== ETHERNET || chaddr.every(octet => octet === 0) || chaddr[0]! & GROUP_BIT) return undefined
  return macFromBytes(chaddr)
}

export function clientOf(message: DhcpMessage): DhcpClient | undefined {
  const mac = macOf(message)
  if (!mac) return undefined
  const uuid = uuidOf(message)
  const clientId = clientIdTextOf(message)
  const { circuitId } = relayInformationOf(message)
  return {
    mac,
    ...(uuid ? { uuid } : {}),
    ...(clientId ? { clientId } : {}),
    ...(circuitId ? { circuit: { id: circuitId, relay: message.giaddr } } : {}),
    boot: bootClientOf(message),
    ...(isInspection(message) ? { inspects: true } : {}),
  }
}

function bootClientOf(message: DhcpMessage): BootClient {
  const vendorClass = vendorClassOf(message)
  const facts: ClientFacts = {
    ...(vendorClass ? { vendorClass } : {}),
    userClasses: userClassesOf(message),
    architectures: architecturesOf(message),
    requested: parameterListOf(message),
  }
  return describeClient(facts)
}

/** Option 61 as hexadecimal text: opaque, whatever its first octet says (RFC 4361 §6.3). */
export function clientIdTextOf(message: DhcpMessage): string | undefined {
  const id = clientIdOf(message)
  return id && Buffer.from(id).toString('hex')
}
