/** The zones that are served, as plain tables: our domain, the reverse zones of our prefixes, and names that stay local. */
import { type Ipv4, ipv4ToNumber, type Prefix, parseIpv4, prefixContains } from '../kit/ipv4.ts'
import { isPlainIpv6 } from '../kit/ipv6.ts'
import type { RecordType, StaticRecord } from '../site/types.ts'
import { foldCase, parentOf, relativeTo } from './name.ts'

export const TYPE = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33, ANY: 255 } as const

export type RecordData =
  | { type: 'A'; address: Ipv4 }
  | { type: 'AAAA'; address: string }
  | { type: 'CNAME' | 'NS' | 'PTR'; target: string }
  | { type: 'TXT'; text: string }
  | { type: 'MX'; preference: number; target: string }
  | { type: 'SRV'; priority: number; weight: number; port: number; target: string }
  | {
      type: 'SOA'
      primary: string
      admin: string
      serial: number
      refresh: number
      retry: number
      expire: number
      minimum: number
    }

/** All records of one name and type; they share one TTL in seconds (RFC 2181 §5.2, J15). */
export type RecordSet = { ttl: number; data: RecordData[] }

/** Record sets of a name by type; an empty one is an empty non-terminal, which exists (RFC 8020 §2, J14). */
export type ZoneNode = Map<number, RecordSet>

export type Zone = {
  apex: string
  kind: 'domain' | 'reverse' | 'local'
  nodes: Map<string, ZoneNode>
  /** Of a reverse zone: the prefixes whose addresses are in it. Zones end at octets and prefixes do not; other addresses are not ours. */
  prefixes: readonly Prefix[]
}

export type Zones = { byApex: Map<string, Zone>; ignored: StaticRecord[] }

export type ZoneConfig = {
  domain: string
  records: readonly StaticRecord[]
  /** Prefixes whose reverse names are ours. */
  prefixes: readonly Prefix[]
  /** One label; `serverName.domain` is the name server of every zone. */
  serverName: string
  serverAddress: Ipv4
  /** SOA serial; nobody transfers the zone, it only has to grow. */
  serial: number
}

const STATIC_TTL_S = 300
/** Negative answers live this long: a machine that was approved a moment ago must be found soon. */
const NEGATIVE_TTL_S = 30
/** Names whose TXT is answered per client; nothing else may stand there. */
const INSTALLER_LABELS = {
  url: 'proxmox-auto-installer',
  fingerprint: 'proxmox-auto-installer-cert-fingerprint',
} as const
export type InstallerName = keyof typeof INSTALLER_LABELS

/** Which of the two names that the installer asks for, if any. */
export function installerName(key: string, domain: string): InstallerName | undefined {
  const label = relativeTo(key, domain)
  if (label === INSTALLER_LABELS.url) return 'url'
  return label === INSTALLER_LABELS.fingerprint ? 'fingerprint' : undefined
}

/** Records that fit nowhere (foreign name, unreadable value, CNAME beside other data) come back as `ignored`. */
export function buildZones(config: ZoneConfig): Zones {
  const byApex = new Map<string, Zone>()
  for (const apex of LOCAL_ZONES) addLocalZone(byApex, apex)
  const server = `${config.serverName}.${config.domain}`
  for (const apex of config.prefixes.flatMap(reverseApexes)) {
    // The local zone around it must not deny the names between its own apex and this one.
    const around = zoneFor({ byApex, ignored: [] }, parentOf(apex))
    if (around?.kind === 'local') nodeOf(around, apex)
    const zone = newZone('reverse', apex, server, `hostmaster.${config.domain}`, config.serial)
    byApex.set(apex, { ...zone, prefixes: config.prefixes })
  }
  const domain = newZone('domain', config.domain, server, `hostmaster.${config.domain}`, config.serial)
  byApex.set(config.domain, domain)
  // The installer's names exist even while no answer is due: an empty reply, not a missing name.
  for (const label of Object.values(INSTALLER_LABELS)) nodeOf(domain, `${label}.${config.domain}`)
  const ignored = config.records.filter(record => !addStatic(byApex, config.domain, record))
  if (!hasData(domain, server)) add(domain, server, { type: 'A', address: config.serverAddress })
  addReverseOfStatics(byApex, domain)
  return { byApex, ignored }
}

/** The zone nearest above a name, by longest match. */
export function zoneFor(zones: Zones, key: string): Zone | undefined {
  for (let name = key; name !== ''; name = parentOf(name)) {
    const zone = zones.byApex.get(name)
    if (zone && covers(zone, key)) return zone
  }
  return undefined
}

/** Half of a reverse zone may be somebody else's: what is asked about those addresses goes where it would go without that zone. */
function covers(zone: Zone, key: string): boolean {
  if (zone.kind !== 'reverse') return true
  const address = addressOfReverse(key.split('.').slice(-6).join('.'))
  return !address || address === 'partial' || zone.prefixes.some(prefix => prefixContains(prefix, address))
}

/** SOA for the authority section of a negative answer: TTL is the smaller of its own and MINIMUM (RFC 2308 §3, §5; J13). */
export function negativeSoa(zone: Zone): RecordSet {
  const soa = zone.nodes.get(zone.apex)!.get(TYPE.SOA)!
  return { ttl: Math.min(soa.ttl, NEGATIVE_TTL_S), data: soa.data }
}

function reverseName(address: Ipv4): string {
  return `${address.split('.').reverse().join('.')}.in-addr.arpa`
}

/** The address a reverse name stands for; undefined for another name, `partial` for one to three octets. */
export function addressOfReverse(key: string): Ipv4 | 'partial' | undefined {
  const octets = relativeTo(key, 'in-addr.arpa')?.split('.') ?? []
  if (
    octets.length < 1 ||
    octets.length > 4 ||
    !octets.every(octet => /^(0|[1-9]\d{0,2})$/.test(octet) && Number(octet) < 256)
  ) {
    return undefined
  }
  return octets.length < 4 ? 'partial' : (parseIpv4([...octets].reverse().join('.')) ?? undefined)
}

/** Reverse zones end at octets: a prefix between two octet borders is several zones, one longer than /24 is its /24. */
function reverseApexes(prefix: Prefix): string[] {
  const octets = Math.min(3, Math.max(1, Math.ceil(prefix.length / 8)))
  const count = 2 ** Math.max(0, octets * 8 - prefix.length)
  const first = ipv4ToNumber(prefix.network) >>> (32 - octets * 8)
  return Array.from({ length: count }, (_, index) => {
    const value = first + index
    const parts = Array.from({ length: octets }, (_, part) => (value >>> (8 * part)) & 255)
    return `${parts.join('.')}.in-addr.arpa`
  })
}

/** RFC 6303 §4, RFC 7793 and RFC 6761 §6: asked by every machine, known by nobody outside (J26, J27). */
const LOCAL_ZONES = [
  ...['10', '168.192', '0', '127', '254.169', '2.0.192', '100.51.198', '113.0.203', '255.255.255.255'],
  ...Array.from({ length: 16 }, (_, index) => `${16 + index}.172`),
  ...Array.from({ length: 64 }, (_, index) => `${64 + index}.100`),
]
  .map(octets => `${octets}.in-addr.arpa`)
  .concat([
    'd.f.ip6.arpa',
    '8.e.f.ip6.arpa',
    '9.e.f.ip6.arpa',
    'a.e.f.ip6.arpa',
    'b.e.f.ip6.arpa',
    '8.b.d.0.1.0.0.2.ip6.arpa',
  ])
  .concat(['localhost', 'invalid', 'test', 'onion'])

function addLocalZone(byApex: Map<string, Zone>, apex: string): void {
  // RFC 6303 §3 gives these values.
  const zone = newZone('local', apex, apex, 'nobody.invalid', 1)
  if (apex === 'localhost') {
    add(zone, apex, { type: 'A', address: '127.0.0.1' as Ipv4 })
    add(zone, apex, { type: 'AAAA', address: '::1' })
  }
  if (apex === '127.in-addr.arpa') add(zone, `1.0.0.${apex}`, { type: 'PTR', target: 'localhost' })
  byApex.set(apex, zone)
}

function newZone(kind: Zone['kind'], apex: string, primary: string, admin: string, serial: number): Zone {
  const zone: Zone = { apex, kind, nodes: new Map(), prefixes: [] }
  const times = { refresh: 3600, retry: 1200, expire: 604_800, minimum: NEGATIVE_TTL_S }
  add(zone, apex, { type: 'SOA', primary, admin, serial, ...times })
  add(zone, apex, { type: 'NS', target: primary })
  return zone
}

/** The node of a name, made with all empty ones between it and the apex. */
function nodeOf(zone: Zone, name: string): ZoneNode {
  for (let above = parentOf(name); relativeTo(above, zone.apex); above = parentOf(above)) {
    if (!zone.nodes.has(above)) zone.nodes.set(above, new Map())
  }
  const node = zone.nodes.get(name) ?? new Map<number, RecordSet>()
  zone.nodes.set(name, node)
  return node
}

function add(zone: Zone, name: string, data: RecordData): void {
  const node = nodeOf(zone, name)
  const set = node.get(TYPE[data.type]) ?? { ttl: STATIC_TTL_S, data: [] }
  set.data.push(data)
  node.set(TYPE[data.type], set)
}

function hasData(zone: Zone, name: string): boolean {
  return (zone.nodes.get(name)?.size ?? 0) > 0
}

function addStatic(byApex: Map<string, Zone>, domain: string, record: StaticRecord): boolean {
  const name = foldCase(record.name)
  const zone = zoneFor({ byApex, ignored: [] }, name)
  const data = parseValue(record.type, record.value, domain)
  if (!zone || !data || installerName(name, domain)) return false
  // Private addresses of networks around the rack may have names, other names that stay local have none.
  if (zone.kind === 'local' && data.type !== 'PTR') return false
  // RFC 2181 §10.1: an alias stands alone (J16).
  const node = zone.nodes.get(name)
  if (data.type === 'CNAME' ? (node?.size ?? 0) > 0 : node?.has(TYPE.CNAME)) return false
  add(zone, name, data)
  return true
}

function addReverseOfStatics(byApex: Map<string, Zone>, domain: Zone): void {
  for (const [name, node] of domain.nodes) {
    // What stands at `*` has many names and none of its own.
    if (name.startsWith('*.')) continue
    for (const data of node.get(TYPE.A)?.data ?? []) {
      if (data.type !== 'A') continue
      const reverse = reverseName(data.address)
      const zone = zoneFor({ byApex, ignored: [] }, reverse)
      if (zone?.kind === 'reverse' && !hasData(zone, reverse)) add(zone, reverse, { type: 'PTR', target: name })
    }
  }
}

/** A single label means a name of our domain; anything with a dot is a full name. */
function fullName(text: string, domain: string): string | undefined {
  const name = foldCase(text.trim().replace(/\.$/, ''))
  if (!/^[!-~]{1,253}$/.test(name) || name.split('.').some(label => label === '' || label.length > 63)) return undefined
  return name.includes('.') ? name : `${name}.${domain}`
}

function parseValue(type: RecordType, value: string, domain: string): RecordData | undefined {
  switch (type) {
    case 'A': {
      const address = parseIpv4(value)
      return address && { type, address }
    }
    case 'AAAA':
      return isPlainIpv6(value) ? { type, address: value } : undefined
    case 'TXT':
      return Buffer.byteLength(value) <= 255 ? { type, text: value } : undefined
    case 'CNAME':
    case 'PTR': {
      const target = fullName(value, domain)
      return target ? { type, target } : undefined
    }
    case 'MX':
    case 'SRV':
      return parseNumbered(type, value, domain)
  }
}

/** `10 mail` for MX, `0 5 389 ldap` for SRV: numbers of 16 bits, then a name. */
function parseNumbered(type: 'MX' | 'SRV', value: string, domain: string): RecordData | undefined {
  const words = value.trim().split(/\s+/)
  const target = fullName(words.at(-1) ?? '', domain)
  const numbers = words.slice(0, -1).map(word => (/^\d{1,5}$/.test(word) ? Number(word) : Number.NaN))
  if (!target || !numbers.every(number => number <= 0xffff)) return undefined
  const [first, second, third] = numbers
  if (type === 'MX') return numbers.length === 1 ? { type, preference: first!, target } : undefined
  return numbers.length === 3 ? { type, priority: first!, weight: second!, port: third!, target } : undefined
}
