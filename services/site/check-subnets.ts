/** Subnets: nothing outside its prefix, nothing twice, nothing leased that somebody already has (M03, C14). */
import {
  broadcastOf,
  ipv4ToNumber,
  prefixContains,
  prefixToString,
  rangeContains,
  type Ipv4,
  type Prefix,
  type Range,
} from '../kit/ipv4.ts'
import { servesOwnNetwork } from './check-appliance.ts'
import { checkOptions, checkRoutes } from './check-options.ts'
import type { CheckView } from './check-view.ts'
import { doubtful, wrong, type Finding, type Path } from './finding.ts'
import type { Draft } from './schema.ts'

type DraftSubnet = Draft['dhcp']['subnet'][number]

/** A /31 has no address left between network and broadcast address. */
const SMALLEST_SUBNET = 30

export function checkSubnets(view: CheckView): Finding[] {
  const { draft } = view
  return [
    ...checkOwnNetwork(view),
    ...checkForwarders(view),
    ...checkOptions(
      draft.dhcp.options,
      ['dhcp', 'options'],
      draft.dhcp.subnet.some(({ ntp }) => ntp.length > 0),
    ),
    ...overlaps(
      draft.dhcp.subnet.flatMap(({ prefix }, at) =>
        prefix ? [{ range: spanOf(prefix), path: pathOf(at, 'prefix') }] : [],
      ),
      'subnet',
    ),
    ...overlaps(
      draft.dhcp.subnet.flatMap(({ pools }, at) =>
        pools.map((range, pool) => ({ range, path: pathOf(at, 'pools', pool) })),
      ),
      'pool',
    ),
    ...draft.dhcp.subnet.flatMap((subnet, at) => checkSubnet(view, subnet, at)),
  ]
}

function pathOf(at: number, ...rest: Path): Path {
  return ['dhcp', 'subnet', at, ...rest]
}

function spanOf(prefix: Prefix): Range {
  return { first: prefix.network, last: broadcastOf(prefix) }
}

function checkOwnNetwork(view: CheckView): Finding[] {
  const { draft, own, isLost } = view
  if (!own || draft.dhcp.mode !== 'server') return []
  const isUnsure = isLost('dhcp.subnet') || isLost('dhcp.mode') || draft.dhcp.subnet.some(({ prefix }) => !prefix)
  if (isUnsure || servesOwnNetwork(view)) return []
  const message = `the appliance's own address ${own.address} is in no [[dhcp.subnet]]`
  const hint = `add one with prefix = "${prefixToString(own.prefix)}", or set mode = "proxy" or "off" in [dhcp]`
  return [wrong('outside', ['network', 'address'], message, hint)]
}

function checkForwarders({ draft, own }: CheckView): Finding[] {
  const findings: Finding[] = []
  draft.dns.forward.forEach((address, at) => {
    if (address !== own?.address) return
    const message = `${address} is this appliance: it would ask itself`
    findings.push(wrong('bad-value', ['dns', 'forward', at], message, 'name another resolver, or none'))
  })
  draft.dns.allow?.forEach((prefix, at) => {
    if (prefix.length !== 0 || draft.dns.forward.length === 0) return
    const message = 'anybody may ask, and is answered from upstream: an open resolver'
    findings.push(doubtful(['dns', 'allow', at], message, 'name the networks of your machines'))
  })
  return findings
}

/** Neighbours in the order of their first addresses, so that a long list costs little. */
function overlaps(entries: { range: Range; path: Path }[], what: string): Finding[] {
  const sorted = entries.toSorted((a, b) => ipv4ToNumber(a.range.first) - ipv4ToNumber(b.range.first))
  const findings: Finding[] = []
  let widest = sorted[0]
  for (const entry of sorted.slice(1)) {
    if (widest && ipv4ToNumber(entry.range.first) <= ipv4ToNumber(widest.range.last)) {
      const [first, second] = [widest, entry].toSorted((a, b) => compareSubnets(a.path, b.path)) as [
        typeof entry,
        typeof entry,
      ]
      const message = `this ${what} overlaps another ${what}`
      findings.push({
        ...wrong('overlap', second.path, message, 'give each address to one of them'),
        other: first.path,
      })
    }
    if (!widest || ipv4ToNumber(entry.range.last) > ipv4ToNumber(widest.range.last)) widest = entry
  }
  return findings
}

/** By their numbers: subnet, then pool. */
function compareSubnets(a: Path, b: Path): number {
  return Number(a[2]) - Number(b[2]) || Number(a[4] ?? 0) - Number(b[4] ?? 0)
}

function checkSubnet(view: CheckView, subnet: DraftSubnet, at: number): Finding[] {
  const { draft } = view
  const { prefix } = subnet
  const { options, router, ntp } = subnet
  const findings = [
    ...checkOptions(options, pathOf(at, 'options'), ntp.length > 0),
    ...checkRoutes([...draft.dhcp.options, ...options], router, pathOf(at, 'router')),
  ]
  if (!prefix) return findings
  if (prefix.length > SMALLEST_SUBNET) {
    const message = `${prefixToString(prefix)} has no address to give away`
    return [
      ...findings,
      wrong('bad-value', pathOf(at, 'prefix'), message, `write a mask length of at most ${SMALLEST_SUBNET}`),
    ]
  }
  return [
    ...findings,
    ...checkRouter(subnet, prefix, at),
    ...checkMask(view, prefix, at),
    ...checkRelays(view, subnet, prefix, at),
    ...subnet.pools.flatMap((pool, index) =>
      checkPool(view, { pool, prefix, subnet, path: pathOf(at, 'pools', index) }),
    ),
    ...checkUse(view, subnet, prefix, at),
  ]
}

function checkRouter({ router }: DraftSubnet, prefix: Prefix, at: number): Finding[] {
  if (!router) return []
  const isHost = prefixContains(prefix, router) && router !== prefix.network && router !== broadcastOf(prefix)
  if (isHost) return []
  const message = `router ${router} is not the address of a host in ${prefixToString(prefix)}`
  return [wrong('outside', pathOf(at, 'router'), message, 'machines can reach a router in their own subnet only')]
}

function checkMask({ own }: CheckView, prefix: Prefix, at: number): Finding[] {
  if (!own || !prefixContains(prefix, own.address) || own.prefix.length === prefix.length) return []
  const message = `machines get the mask /${prefix.length}, the appliance itself has /${own.prefix.length}`
  return [doubtful(pathOf(at, 'prefix'), message, 'give both the same mask, or some of them do not see each other')]
}

function checkRelays({ own, draft }: CheckView, { relays }: DraftSubnet, prefix: Prefix, at: number): Finding[] {
  const ownRelays = relays.flatMap((relay, index) => {
    if (relay !== own?.address) return []
    const message = `relay ${relay} is this appliance`
    return [
      wrong('bad-value', pathOf(at, 'relays', index), message, 'name the relay agents, and none for the own network'),
    ]
  })
  if (!own || draft.dhcp.mode !== 'server' || relays.length > 0 || prefixContains(prefix, own.address)) return ownRelays
  const message = `nobody is served in ${prefixToString(prefix)}: it is not the own network and has no relay agents`
  return [doubtful(pathOf(at, 'prefix'), message, 'name its relay agents in "relays"')]
}

type PoolPlace = { pool: Range; prefix: Prefix; subnet: DraftSubnet; path: Path }

/** C14: what a subnet and its hosts need for themselves is never leased. */
function checkPool({ own }: CheckView, { pool, prefix, subnet, path }: PoolPlace): Finding[] {
  if (!prefixContains(prefix, pool.first) || !prefixContains(prefix, pool.last)) {
    const message = `pool ${pool.first}-${pool.last} reaches out of ${prefixToString(prefix)}`
    return [wrong('outside', path, message, 'give addresses of the subnet only')]
  }
  const taken: [Ipv4 | undefined, string][] = [
    [prefix.network, 'the network address'],
    [broadcastOf(prefix), 'the broadcast address'],
    [subnet.router, 'the router'],
    [own?.address, "the appliance's own address"],
  ]
  return taken.flatMap(([address, what]) => {
    if (!address || !rangeContains(pool, address)) return []
    const message = `pool ${pool.first}-${pool.last} contains ${what} ${address}`
    return [wrong('not-leasable', path, message, 'begin or end the pool beside it, or write two pools around it')]
  })
}

/**
 * A subnet without pools gives addresses to listed machines only; without those it gives none. Nor does any where another server gives them: whoever
 * wrote pools there meant something else. The own network has to be listed, so that beside others it may be empty: all machines are behind routers.
 */
function checkUse({ draft, own, isLost }: CheckView, { pools }: DraftSubnet, prefix: Prefix, at: number): Finding[] {
  const { mode } = draft.dhcp
  if (mode !== 'server') {
    if (pools.length === 0 || isLost('dhcp.mode')) return []
    const unused = 'no address of these pools is given: another DHCP server gives the addresses'
    return [doubtful(pathOf(at, 'pools'), unused, 'take "pools" out, or set mode = "server" in [dhcp]')]
  }
  const isUnsure = isLost(`dhcp.subnet.${at}.pools`) || isLost('machine') || isLost('dhcp.reservation')
  const isReserved = [...draft.machine, ...draft.dhcp.reservation].some(
    ({ address }) => address && prefixContains(prefix, address),
  )
  const isOursAmongOthers = own && prefixContains(prefix, own.address) && draft.dhcp.subnet.length > 1
  if (isUnsure || pools.length > 0 || isReserved || isOursAmongOthers) return []
  const message = `no machine gets an address in ${prefixToString(prefix)}`
  return [doubtful(pathOf(at, 'prefix'), message, 'add "pools", or machines with an address in it')]
}
