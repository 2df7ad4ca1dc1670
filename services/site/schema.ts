/**
 * The site file's tables and keys, with every default. Strict everywhere: a key that is not here is a problem (M01).
 * There are two readings of one shape. `siteFile` is the whole truth. `draftFile` does not insist on any key, so that
 * a file with mistakes can still be searched for more of them once the wrong values are taken out (M02).
 */
import { z } from 'zod'
import { extraOption } from './extra-option.ts'
import * as field from './fields.ts'
import type { Vocabulary } from './explain-issue.ts'
import { type Path, shown } from './finding.ts'
import { SITE_VERSION } from './version.ts'

const site = z.strictObject({ name: field.words.optional(), domain: field.domain })

const network = z.strictObject({ interface: field.interfaceName, address: field.interfaceAddress.optional() })

const subnet = z.strictObject({
  prefix: field.prefix,
  pools: z.array(field.range).default([]),
  router: field.ipv4.optional(),
  dns: z.array(field.ipv4).optional(),
  ntp: z.array(field.ipv4).default([]),
  relays: z.array(field.ipv4).default([]),
  options: z.array(extraOption).default([]),
})

const dhcpKeys = {
  mode: z.enum(['server', 'proxy', 'off']).default('server'),
  'lease-time': field.span.prefault('1h'),
  authoritative: z.boolean().default(true),
  probe: z.boolean().default(true),
  'answer-options': z.boolean().default(true),
  'other-servers': z.array(field.ipv4).default([]),
  'proxy-delay': field.delay.prefault('0s'),
  'subnet-selection': z.boolean().default(false),
  options: z.array(extraOption).default([]),
}

/** One of `mac`, `client-id`, `uuid` and `circuit-id`; which, and that it is one, is for the checks to say. */
const reservation = z.strictObject({
  name: field.hostName.optional(),
  address: field.ipv4,
  mac: field.mac.optional(),
  'client-id': field.octets.optional(),
  uuid: field.uuid.optional(),
  'circuit-id': field.octets.optional(),
  relay: field.ipv4.optional(),
  options: z.array(extraOption).default([]),
})

const record = z.strictObject({
  name: field.words,
  type: z.enum(['A', 'AAAA', 'CNAME', 'TXT', 'SRV', 'MX', 'PTR']),
  value: z.string(),
})

const dnsKeys = { forward: z.array(field.ipv4).default([]), allow: z.array(field.prefix).optional() }

const http = z.strictObject({
  port: field.port.default(80),
  'tls-port': field.port.default(443),
  'certificate-file': field.pathOrEmpty.optional(),
  'key-file': field.pathOrEmpty.optional(),
  'answer-format': z.enum(['toml', 'json']).default('toml'),
  'answer-token-file': field.pathOrEmpty.optional(),
})

const loader = z.enum(['ipxe', 'grub'])

const boot = z.strictObject({
  unknown: z.enum(['hold', 'install', 'ignore']).default('hold'),
  loaders: field.path.prefault('/usr/lib/ipxe'),
  loader: loader.default('ipxe'),
  'stall-after': field.span.prefault('20m'),
  'rate-limit': field.rateOrEmpty.optional(),
  'total-rate-limit': field.rateOrEmpty.optional(),
})

const paths = z.strictObject({
  isos: field.path.prefault('isos'),
  answers: field.path.prefault('answers'),
  state: field.path.prefault('/var/lib/rackrise'),
})

const profile = z.strictObject({
  name: field.fileName,
  iso: field.iso,
  answers: z.array(field.fileName).default([]),
  'iso-delivery': z.enum(['wrapped', 'second-initrd']).default('wrapped'),
  'kernel-args': z.array(z.string()).default([]),
  'first-boot': field.fileNameOrEmpty.optional(),
  loader: loader.optional(),
})

const machine = z.strictObject({
  name: field.hostName,
  mac: z.array(field.mac).min(1),
  serial: field.serial.optional(),
  uuid: field.uuid.optional(),
  address: field.ipv4.optional(),
  options: z.array(extraOption).default([]),
  profile: field.fileName,
  answers: z.array(field.fileName).default([]),
  approve: z.boolean().default(false),
  loader: loader.optional(),
})

const rule = z.strictObject({
  when: field.conditions,
  profile: field.fileName,
  name: field.nameTemplate.optional(),
  answers: z.array(field.fileName).default([]),
  approve: z.boolean().default(false),
  loader: loader.optional(),
})

const webhook = z.strictObject({
  url: field.httpUrl,
  events: z
    .array(z.enum(['installed', 'failed', 'stalled']))
    .min(1)
    .default(['installed', 'failed', 'stalled']),
  'secret-file': field.pathOrEmpty.optional(),
  'ca-file': field.pathOrEmpty.optional(),
})

const console = z.strictObject({
  listen: field.listen.prefault('127.0.0.1:8300'),
  'users-file': field.pathOrEmpty.optional(),
})

const store = z.strictObject({ url: z.string().default('sqlite'), keep: field.keeping.prefault('90d') })

const log = z.strictObject({
  level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  format: z.enum(['auto', 'json']).default('auto'),
})

const version = z.int().min(1).max(SITE_VERSION).default(SITE_VERSION)

/** Sections without a required key: the same in both readings. */
const freeSections = {
  http: http.prefault({}),
  boot: boot.prefault({}),
  paths: paths.prefault({}),
  console: console.prefault({}),
  store: store.prefault({}),
  log: log.prefault({}),
}

export const siteFile = z.strictObject({
  site,
  network,
  dhcp: z
    .strictObject({
      ...dhcpKeys,
      subnet: z.array(subnet).default([]),
      reservation: z.array(reservation).default([]),
    })
    .prefault({}),
  dns: z.strictObject({ ...dnsKeys, record: z.array(record).default([]) }).prefault({}),
  ...freeSections,
  profile: z.array(profile).default([]),
  machine: z.array(machine).default([]),
  rule: z.array(rule).default([]),
  webhook: z.array(webhook).default([]),
  version,
})

export const draftFile = z.strictObject({
  site: site.partial({ domain: true }).prefault({}),
  network: network.partial({ interface: true }).prefault({}),
  dhcp: z
    .strictObject({
      ...dhcpKeys,
      subnet: z.array(subnet.partial({ prefix: true })).default([]),
      reservation: z.array(reservation.partial({ address: true })).default([]),
    })
    .prefault({}),
  dns: z.strictObject({ ...dnsKeys, record: z.array(record.partial()).default([]) }).prefault({}),
  ...freeSections,
  profile: z.array(profile.partial({ name: true, iso: true })).default([]),
  machine: z.array(machine.partial({ name: true, mac: true, profile: true })).default([]),
  rule: z.array(rule.partial({ when: true, profile: true })).default([]),
  webhook: z.array(webhook.partial({ url: true })).default([]),
  version,
})

export type SiteFile = z.output<typeof siteFile>
export type Draft = z.output<typeof draftFile>

/** Tables that a complete file must have; taken as empty where they are absent, so that each missing key is told. */
export const REQUIRED_TABLES = ['site', 'network'] as const

/** The keys that the table at that path of such a file may have; empty if there is no such table. */
export function keysOfTable(file: z.core.$ZodType, path: Path): string[] {
  let type: z.core.$ZodType | undefined = bare(file)
  for (const part of path) {
    if (typeof part === 'string') type = type instanceof z.ZodObject ? type.shape[part] : undefined
    else type = type instanceof z.ZodArray ? type.element : undefined
    type = type && bare(type)
  }
  return type instanceof z.ZodObject ? Object.keys(type.shape) : []
}

/** The type inside defaults and transformations. */
function bare(type: z.core.$ZodType): z.core.$ZodType {
  let inner = type
  for (;;) {
    if (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
      inner = inner.unwrap()
    } else if (inner instanceof z.ZodPipe) {
      inner = inner.in
    } else {
      return inner
    }
  }
}

function keysOf(path: Path): string[] {
  return keysOfTable(siteFile, path)
}

const TABLES: readonly Path[] = [
  ...Object.keys(siteFile.shape).map(name => [name, ...(keysOf([name]).length > 0 ? [] : [0])]),
  ['dhcp', 'subnet', 0],
  ['dhcp', 'reservation', 0],
  ['dns', 'record', 0],
]

/** How a mistake in a site file is told. */
export const SITE_WORDS: Vocabulary = {
  keysOf,
  tablesWith: key => TABLES.filter(table => keysOf(table).includes(key)),
  secretHint(table) {
    const fileKey = keysOf(table).find(key => key.endsWith('-file'))
    return fileKey ? `put it into a file of mode 0600 and name that in ${shown(fileKey)}` : 'take it out of the file'
  },
  examples: {
    domain: 'domain = "rack7.example.org"',
    interface: 'interface = "eth1"',
    address: 'address = "10.77.0.20"',
    prefix: 'prefix = "10.77.0.0/24"',
    name: 'name = "node1"',
    iso: 'iso = "pve:latest"',
    mac: 'mac = ["bc:24:11:ab:12:21"]',
    profile: 'profile = "pve"',
    when: 'when = { mac = "b0:7b:25:*" }',
    url: 'url = "https://automation.example.org/hooks/rackrise"',
    code: 'code = 26',
  },
}
