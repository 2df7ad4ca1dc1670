/** The network's options in a reply (RFC 2132 §3 and §8), and the order in which all options stand. */
import { broadcastOf, type Ipv4, maskOf } from '../kit/ipv4.ts'
import type { ExtraOption } from '../site/types.ts'
import type { Inquiry } from './decision.ts'
import type { DhcpMessage } from './message.ts'
import {
  addresses,
  bytesOf,
  clientIdOf,
  encodeDomainSearch,
  OPTION,
  parameterListOf,
  uint8,
  uint16,
  uint32,
} from './options.ts'

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

/** Said by this server only, whatever the site lists as extra: the protocol's own, what it may never send, the answer's. */
const NOT_FOR_EXTRAS: ReadonlySet<number> = new Set([
  OPTION.pad,
  OPTION.requestedAddress,
  OPTION.leaseTime,
  OPTION.overload,
  OPTION.messageType,
  OPTION.serverId,
  OPTION.parameterList,
  OPTION.message,
  OPTION.maxMessageSize,
  OPTION.renewalTime,
  OPTION.rebindingTime,
  OPTION.clientId,
  OPTION.relayAgent,
  OPTION.answerUrl,
  OPTION.answerFingerprint,
  OPTION.end,
])

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
  if (subnet.ntp.length > 0) entries.push([OPTION.ntp, addresses(subnet.ntp)])
  // Not to firmware and iPXE: their replies are crowded, and they have no use for a name.
  const named = client.boot.stage === 'system' || client.boot.stage === 'installer'
  if (named && said.hostName && isHostName(said.hostName)) entries.push([OPTION.hostName, bytesOf(said.hostName)])
  const extras = subnet.options.filter(({ code }) => !NOT_FOR_EXTRAS.has(code))
  return [...entries, ...extras.map((extra): [number, Uint8Array] => [extra.code, encodeExtra(extra)])]
}

const HOST_NAME = /^(?=.{1,255}$)[a-z0-9]([a-z0-9-]{0,62})(\.[a-z0-9]([a-z0-9-]{0,62}))*$/i

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
