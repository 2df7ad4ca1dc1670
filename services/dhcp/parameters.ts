/** The network's options in a reply (RFC 2132 §3 and §8), and the order in which all options stand. */
import { broadcastOf, type Ipv4, maskOf } from '../kit/ipv4.ts'
import type { ExtraOption, Subnet } from '../site/types.ts'
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

/** What all replies for one subnet have in common, encoded once. */
type SubnetOptions = {
  domain: string
  always: Entries
  ntp: Entries
  extra: Entries
  search: Uint8Array
  broadcast: Uint8Array
}

const encoded = new WeakMap<Subnet, SubnetOptions>()

function optionsOf(subnet: Subnet, domain: string): SubnetOptions {
  const known = encoded.get(subnet)
  if (known?.domain === domain) return known
  const { prefix, router, dns, ntp } = subnet
  // Mask, router and DNS always, asked for or not: clients rely on them (RFC 2131 §4.3.1).
  const always: Entries = [[OPTION.subnetMask, addresses([maskOf(prefix)])]]
  if (router) always.push([OPTION.router, addresses([router])])
  if (dns.length > 0) always.push([OPTION.dns, addresses(dns)])
  always.push([OPTION.domainName, bytesOf(domain)])
  const options: SubnetOptions = {
    domain,
    always,
    ntp: ntp.length > 0 ? [[OPTION.ntp, addresses(ntp)]] : [],
    extra: subnet.options.map(encodeExtra),
    // Exactly the one domain: the installer takes all of the search line as one name.
    search: encodeDomainSearch([domain]),
    broadcast: addresses([broadcastOf(prefix)]),
  }
  encoded.set(subnet, options)
  return options
}

export function networkOptions({ subnet, message, view, said, client }: Inquiry): Entries {
  const requested = parameterListOf(message)
  const { always, ntp, extra, search, broadcast } = optionsOf(subnet, view.server.domain)
  const entries: Entries = [...always]
  if (requested.includes(OPTION.domainSearch)) entries.push([OPTION.domainSearch, search])
  if (requested.includes(OPTION.broadcastAddress)) entries.push([OPTION.broadcastAddress, broadcast])
  // Whoever chose its subnet is told that it was heard (RFC 3011 §2).
  const selected = usedSelection(message, view.server)
  if (selected) entries.push([OPTION.subnetSelection, addresses([selected])])
  entries.push(...ntp)
  // Not to firmware and iPXE: their replies are crowded, and they have no use for a name.
  const named = client.boot.stage === 'system' || client.boot.stage === 'installer'
  if (named && said.hostName && isHostName(said.hostName)) entries.push([OPTION.hostName, bytesOf(said.hostName)])
  // Codes that are not for a site to set are refused where it is read (site/extra-option.ts).
  entries.push(...extra)
  if (said.options) entries.push(...said.options.map(encodeExtra))
  return entries
}

/** One label (RFC 1123 §2.1): the installer makes its FQDN of option 12 and option 15, and refuses a label of digits only. */
const HOST_NAME = /^(?!\d+$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i

function isHostName(name: string): boolean {
  return HOST_NAME.test(name)
}

function encodeExtra(extra: ExtraOption): [number, Uint8Array] {
  return [extra.code, valueOf(extra)]
}

function valueOf(extra: ExtraOption): Uint8Array {
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
  const ordered = new Map<number, Uint8Array>()
  const take = (code: number): void => {
    const value = values.get(code)
    if (value) ordered.set(code, value)
  }
  ALWAYS_FIRST.forEach(take)
  for (const code of requested) {
    if (code === OPTION.router) take(OPTION.subnetMask)
    take(code)
  }
  for (const code of values.keys()) take(code)
  return ordered
}
