/** A site with every default filled in, every inheritance resolved and every word checked. Rooms get the slice they need. */
import type { Ipv4, Prefix, Range } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { Condition } from './condition.ts'

/** A way to a network that is not the default one. */
export type Route = { to: Prefix; via: Ipv4 }

/** An extra DHCP option; `value` has the shape that `type` asks for. */
export type ExtraOption =
  | { code: number; type: 'ipv4'; value: Ipv4[] }
  | { code: number; type: 'string'; value: string }
  | { code: number; type: 'hex'; value: string }
  | { code: number; type: 'uint8' | 'uint16' | 'uint32'; value: number }
  | { code: number; type: 'bool'; value: boolean }
  /** Names as in option 119 (RFC 3397). */
  | { code: number; type: 'domains'; value: string[] }
  /** As in option 121 (RFC 3442). */
  | { code: number; type: 'routes'; value: Route[] }

export type Subnet = {
  prefix: Prefix
  pools: Range[]
  router?: Ipv4
  dns: Ipv4[]
  ntp: Ipv4[]
  relays: Ipv4[]
  options: ExtraOption[]
}

/** What a machine, or its relay agent, says that a reservation is found by; octets as hexadecimal text. */
export type ReservationKey =
  | { by: 'mac'; value: Mac }
  | { by: 'machine-id'; value: string }
  | { by: 'client-id'; value: string }
  /** `relay`: that circuit of this relay agent only. */
  | { by: 'circuit-id'; value: string; relay?: Ipv4 }

/** An address for something that is no machine of the site. */
export type Reservation = { address: Ipv4; key: ReservationKey; name?: string; options: ExtraOption[] }

export type DhcpSite = {
  mode: 'server' | 'proxy' | 'off'
  leaseSeconds: number
  authoritative: boolean
  probe: boolean
  /** Options 250 and 251 carry answer URL and fingerprint; else installers find them by DNS TXT only. */
  answerOptions: boolean
  /** Server identifiers of DHCP servers that are meant to be on the same network. */
  otherServers: Ipv4[]
  /** How long a proxy waits, so that the server which gives the addresses is first. */
  proxyDelayMs: number
  /** Machines and relay agents may choose their subnet themselves (option 118). */
  subnetSelection: boolean
  /** With the options for all subnets in `options`, where a subnet does not say otherwise. */
  subnets: Subnet[]
  reservations: Reservation[]
}

export type RecordType = 'A' | 'AAAA' | 'CNAME' | 'TXT' | 'SRV' | 'MX' | 'PTR'
/** `name` is the full name in lower case without a trailing dot. */
export type StaticRecord = { name: string; type: RecordType; value: string }

export type DnsSite = { forward: Ipv4[]; allow: Prefix[]; records: StaticRecord[] }

/** What firmware loads first: iPXE, or shim and GRUB, which are signed, where Secure Boot is on (UEFI x64; others get iPXE). */
export type LoaderKind = 'ipxe' | 'grub'

export type Profile = {
  name: string
  iso: string
  /** How the ISO gets into memory; absent: wrapped into the one initrd. */
  isoDelivery?: 'second-initrd'
  answers: string[]
  kernelArgs: string[]
  firstBoot?: string
  loader?: LoaderKind
}

export type ListedMachine = {
  name: string
  macs: Mac[]
  serial?: string
  uuid?: string
  address?: Ipv4
  /** For this machine, beside those of its subnet. */
  options: ExtraOption[]
  profile: string
  answers: string[]
  approve: boolean
  loader?: LoaderKind
}

/** All conditions have to hold; among rules the first one counts. `index` is its place in the file, from 0. */
export type Rule = {
  index: number
  when: Condition[]
  profile: string
  name?: string
  answers: string[]
  approve: boolean
  loader?: LoaderKind
}

/** What is reported to others: an installation that ended well, ended badly, or fell silent. */
export type WebhookEvent = 'installed' | 'failed' | 'stalled'

export type WebhookTarget = {
  url: string
  events: WebhookEvent[]
  /** Holds the key of the signature. */
  secretFile?: string
  /** Certificates (PEM) by which the target's is verified, instead of those of the system. */
  caFile?: string
}

export type HttpSite = {
  port: number
  tlsPort: number
  certificateFile?: string
  keyFile?: string
  /** `json`: for installers that take it (9.2); all others get TOML. */
  answerFormat: 'toml' | 'json'
  /** Holds the bearer tokens of ISOs that were prepared with one. */
  answerTokenFile?: string
}

export type Site = {
  file: string
  /** Of the text of the file, 64 hexadecimal digits. */
  sha256: string
  name: string
  domain: string
  network: { interface: string; address: Ipv4; prefix: Prefix }
  dhcp: DhcpSite
  dns: DnsSite
  http: HttpSite
  boot: {
    unknown: 'hold' | 'install' | 'ignore'
    loaders: string
    loader: LoaderKind
    stallAfterMs: number
    /** Of boot files by HTTP, in bytes a second: of each machine, and of all together. */
    rateLimit?: number
    totalRateLimit?: number
  }
  /** Absolute folders. */
  paths: { isos: string; answers: string; state: string }
  profiles: Map<string, Profile>
  machines: ListedMachine[]
  rules: Rule[]
  webhooks: WebhookTarget[]
  console: { host: string; port: number; usersFile?: string }
  /** `keepMs`: how long timelines and what belongs to them are kept. */
  store: { url: string; keepMs: number }
  log: { level: 'debug' | 'info' | 'warn' | 'error'; format: 'auto' | 'json' }
}
