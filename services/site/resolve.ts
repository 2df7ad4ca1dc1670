/** A checked site file as the frozen `Site` that rooms read: defaults in, inheritance done, folders absolute. */
import { posix } from 'node:path'
import { type Ipv4, type Prefix, prefixContains } from '../kit/ipv4.ts'
import { fullName } from './check-records.ts'
import { conditionOf } from './condition.ts'
import type { SiteFile } from './schema.ts'
import type {
  ExtraOption,
  ListedMachine,
  Profile,
  Reservation,
  ReservationKey,
  Rule,
  Site,
  Subnet,
  WebhookTarget,
} from './types.ts'

export type Surroundings = {
  /** The site file as problems name it. */
  file: string
  /** Of its text. */
  sha256: string
  /** The folder that relative paths of the site file start from. */
  base: string
  own: { address: Ipv4; prefix: Prefix }
}

/**
 * The folder that relative paths start from: that of the site file, or the one above if the site file lies in a folder
 * named `config`, so that a checkout and an installed /etc/rackrise both keep `isos` and `answers` where people look.
 */
export function baseFolder(file: string, workingFolder: string): string {
  const folder = posix.dirname(posix.resolve('/', workingFolder, file))
  return posix.basename(folder) === 'config' ? posix.dirname(folder) : folder
}

export function resolveSite(file: SiteFile, { file: name, sha256, base, own }: Surroundings): Site {
  const inBase = (path: string) => posix.resolve(base, path)
  const subnets = file.dhcp.subnet.map(subnet => resolveSubnet(subnet, own.address, file.dhcp.options))
  const { domain } = file.site
  const { boot, console, dhcp, dns } = file
  const site: Site = {
    file: name,
    sha256,
    name: file.site.name ?? domain.split('.')[0] ?? domain,
    domain,
    network: { interface: file.network.interface, address: own.address, prefix: own.prefix },
    dhcp: {
      mode: dhcp.mode,
      leaseSeconds: Math.floor(dhcp['lease-time'] / 1000),
      authoritative: dhcp.authoritative,
      probe: dhcp.probe,
      answerOptions: dhcp['answer-options'],
      otherServers: dhcp['other-servers'],
      proxyDelayMs: dhcp['proxy-delay'],
      subnetSelection: dhcp['subnet-selection'],
      subnets,
      reservations: dhcp.reservation.map(resolveReservation),
    },
    dns: {
      forward: dns.forward,
      allow: dns.allow ?? askingNetworks(subnets, own),
      records: dns.record.map(({ name, type, value }) => ({ name: fullName(name, domain) ?? name, type, value })),
    },
    http: {
      port: file.http.port,
      tlsPort: file.http['tls-port'],
      ...set('certificateFile', file.http['certificate-file'], inBase),
      ...set('keyFile', file.http['key-file'], inBase),
      answerFormat: file.http['answer-format'],
      ...set('answerTokenFile', file.http['answer-token-file'], inBase),
    },
    boot: {
      unknown: boot.unknown,
      loaders: inBase(boot.loaders),
      loader: boot.loader,
      stallAfterMs: boot['stall-after'],
      ...(boot['rate-limit'] ? { rateLimit: boot['rate-limit'] } : {}),
      ...(boot['total-rate-limit'] ? { totalRateLimit: boot['total-rate-limit'] } : {}),
    },
    paths: { isos: inBase(file.paths.isos), answers: inBase(file.paths.answers), state: inBase(file.paths.state) },
    profiles: new Map(file.profile.map(profile => [profile.name, resolveProfile(profile)])),
    machines: file.machine.map(resolveMachine),
    rules: file.rule.map(resolveRule),
    webhooks: file.webhook.map(webhook => resolveWebhook(webhook, inBase)),
    console: { ...console.listen, ...set('usersFile', console['users-file'], inBase) },
    store: { url: file.store.url, keepMs: file.store.keep },
    log: file.log,
  }
  return freeze(site)
}

/** All subnets, and the own network where it is none of them: another DHCP server may give its addresses. */
function askingNetworks(subnets: readonly Subnet[], own: Surroundings['own']): Prefix[] {
  const prefixes = subnets.map(({ prefix }) => prefix)
  return prefixes.some(prefix => prefixContains(prefix, own.address)) ? prefixes : [...prefixes, own.prefix]
}

/** The key with its value, or nothing at all: an empty string in the file stands for "not set". */
function set<K extends string>(key: K, value: string | undefined, change = (written: string) => written) {
  return (value ? { [key]: change(value) } : {}) as { [P in K]?: string }
}

function resolveSubnet(subnet: SiteFile['dhcp']['subnet'][number], own: Ipv4, common: ExtraOption[]): Subnet {
  const { prefix, pools, router, dns, ntp, relays } = subnet
  const options = [...new Map([...common, ...subnet.options].map(option => [option.code, option])).values()]
  return { prefix, pools, ...(router ? { router } : {}), dns: dns ?? [own], ntp, relays, options }
}

function resolveReservation(reservation: SiteFile['dhcp']['reservation'][number]): Reservation {
  const { address, name, options } = reservation
  return { address, key: keyOf(reservation), ...set('name', name), options }
}

/** The checks have seen to it that there is one of the four. */
function keyOf(reservation: SiteFile['dhcp']['reservation'][number]): ReservationKey {
  const { mac, uuid, relay, 'client-id': clientId, 'circuit-id': circuitId } = reservation
  if (mac) return { by: 'mac', value: mac }
  if (uuid) return { by: 'machine-id', value: uuid }
  if (clientId) return { by: 'client-id', value: clientId }
  return { by: 'circuit-id', value: circuitId!, ...(relay ? { relay } : {}) }
}

function resolveProfile(profile: SiteFile['profile'][number]): Profile {
  const { name, iso, answers, loader, 'iso-delivery': delivery } = profile
  const optional = {
    ...(delivery === 'second-initrd' ? { isoDelivery: delivery } : {}),
    ...set('firstBoot', profile['first-boot']),
    ...(loader ? { loader } : {}),
  }
  return { name, iso, answers, kernelArgs: profile['kernel-args'], ...optional }
}

function resolveMachine(machine: SiteFile['machine'][number]): ListedMachine {
  const { name, mac, serial, uuid, address, options, profile, answers, approve, loader } = machine
  const optional = {
    ...set('serial', serial),
    ...set('uuid', uuid),
    ...(address ? { address } : {}),
    ...(loader ? { loader } : {}),
  }
  return { name, macs: mac, ...optional, options, profile, answers, approve }
}

function resolveRule(rule: SiteFile['rule'][number], index: number): Rule {
  const { when, profile, name, answers, approve, loader } = rule
  const conditions = Object.entries(when).map(([fact, patterns]) => conditionOf(fact, patterns))
  return { index, when: conditions, profile, ...set('name', name), answers, approve, ...(loader ? { loader } : {}) }
}

function resolveWebhook(webhook: SiteFile['webhook'][number], inBase: (path: string) => string): WebhookTarget {
  return {
    url: webhook.url,
    events: webhook.events,
    ...set('secretFile', webhook['secret-file'], inBase),
    ...set('caFile', webhook['ca-file'], inBase),
  }
}

/** Rooms share one site; none of them may change it under another. A map cannot be frozen, its entries can. */
function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  const inside: unknown[] = value instanceof Map ? [...value.values()] : Object.values(value)
  inside.forEach(freeze)
  return Object.freeze(value)
}
