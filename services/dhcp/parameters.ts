/** The network's options in a reply (RFC 2132 §3 and §8), and the order in which all options stand. */
import { broadcastOf, type Ipv4, maskOf } from '../kit/ipv4.ts'
import type { ExtraOption } from '../site/types.ts'
import type { Inquiry } from './decision.ts'
import type { DhcpMessage } from './message.ts'
import {
  addresses,
  bytesOf,
  clientIdOf,
  encodeClasslessRoutes,
  encodeDomainSearch,
  OPTION,
  parameterListOf,
  uint8,
  uint16,
  uint32,
} from './options.ts'

import { usedSelection } from './subnet.ts'

type Entries = [number, Uint8Array][]

/** Half and seven eighths of the lease (RFC 2131 §4.4.5). */
const RENEW_AFTER = 0.5
const REBIND_AFTER = 0.875

export function leaseOptions(leaseSeconds: number): Entries {
  return [
    [OPTION.leaseTime, uint32(leaseSeconds)],
    [OPTION.renewalTime, uint32(Math.floor(leaseSeconds * RENEW_AFTER))],
    [OPTION.rebindingTime, uint32(Math.floor(leaseSeconds * REBIND_AFTER))],
  ]
}

/** Mask, router and DNS always, asked for or not: clients rely on them (RFC 2131 §4.3.1). */
export function networkOptions({ subnet, message, view, said, client }: Inquiry): Entries {
  const { domain } = view.server
  const requested = new Set(parameterListOf(message))
  const entries: Entries = [[OPTION.subnetMask, addresses([maskOf(subnet.prefix)])]]
  if (subnet.router) entries.push([OPTION.router, addresses([subnet.router])])
  if (subnet.dns.length > 0) entries.push([OPTION.dns, addresses(subnet.dns)])
  entries.push([OPTION.domainName, bytesOf(domain)])
  // Exactly the one domain: the installer takes all of the search line as one name.
  if (requested.has(OPTION.domainSearch)) entries.push([OPTION.domainSearch, encodeDomainSearch([domain])])
  if (requested.has(OPTION.broadcastAddress)) {
    entries.push([OPTION.broadcastAddress, addresses([broadcastOf(subnet.prefix)])])
  }
  // Whoever chose its subnet is told that it was heard (RFC 3011 §2).
  const selected = usedSelection(message, view.server)
  if (selected) entries.push([OPTION.subnetSelection, addresses([selected])])
  if (subnet.ntp.length > 0) entries.push([OPTION.ntp, addresses(subnet.ntp)])
  // Not to firmware and iPXE: their replies are crowded, and they have no use for a name.
  const named = client.boot.stage === 'system' || client.boot.stage === 'installer'
  if (named && said.hostName && isHostName(said.hostName)) entries.push([OPTION.hostName, bytesOf(said.hostName)])
  // Codes that are not for a site to set are refused where it is read (site/extra-option.ts).
  for (const extra of [...subnet.options, ...(said.options ?? [])]) entries.push([extra.code, encodeExtra(extra)])
  return entries
}

/** One label (RFC 1123 §2.1): the installer makes its FQDN of option 12 and option 15, and refuses a label of digits only. */
const HOST_NAME = /^(?!\d+$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i

function isHostName(name: string): boolean {
  return HOST_NAME.test(name)
}

function encodeExtra(extra: ExtraOption): Uint8Array {
  switch (extra.type) {
    case 'ipv4':
      return addresses(extra.value)
    case 'string':
      return Uint8Array.from(Buffer.from(extra.value, 'utf8'))
    case 'hex':
      return Uint8Array.from(Buffer.from(extra.value.replaceAll(/[^0-9a-f]/gi, ''), 'hex'))
    case 'domains':
      return encodeDomainSearch(extra.value)
    case 'routes':
      return encodeClasslessRoutes(extra.value)
    case 'bool':
      return uint8(extra.value ? 1 : 0)
    case 'uint8':
      return uint8(extra.value)
    case 'uint16':
      return uint16(extra.value)
    case 'uint32':
      return uint32(extra.value)
  }
}

/** Echoed in every reply: the client identifier (RFC 6842 §3) and the relay agent's information (RFC 3046 §2.2). */
export function echoedOptions(request: DhcpMessage): Entries {
  const clientId = clientIdOf(request)
  const relayAgent = request.options.get(OPTION.relayAgent)
  return [
    ...(clientId ? ([[OPTION.clientId, clientId]] satisfies Entries) : []),
    ...(relayAgent ? ([[OPTION.relayAgent, relayAgent]] satisfies Entries) : []),
  ]
}

export function serverId(address: Ipv4): [number, Uint8Array] {
  return [OPTION.serverId, addresses([address])]
}

const ALWAYS_FIRST = [OPTION.messageType, OPTION.serverId, OPTION.leaseTime]

/**
 * Message type, server and lease time, then what was requested in the requested order (RFC 2132 §9.8), then the rest.
 * The mask stands before the router (RFC 2132 §3.3); the codec puts option 82 last. Later entries win.
 */
export function inOrder(entries: Entries, requested: readonly number[]): Map<number, Uint8Array> {
  const values = new Map(entries)
  // Clients that asked for classless routes ignore 3 and 33 beside them, and servers need not send them (RFC 3442).
  if (values.has(OPTION.classlessRoutes) && requested.includes(OPTION.classlessRoutes)) {
    values.delete(OPTION.router)
    values.delete(OPTION.staticRoutes)
  }
  const wanted = requested.flatMap(code => (code === OPTION.router ? [OPTION.subnetMask, code] : [code]))
  const codes = new Set<number>([...ALWAYS_FIRST, ...wanted, ...values.keys()])
  return new Map([...codes].flatMap(code => (values.has(code) ? [[code, values.get(code)!]] : [])))
}
