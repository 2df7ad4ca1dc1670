/** What every route may ask: the slice of the appliance that HTTP serves. */
import type { Urls } from '../boot/urls.ts'
import { keptText } from '../answer/documents.ts'
import type { Passwords } from '../answer/passwords.ts'
import type { IsoCatalogue } from '../iso/catalogue.ts'
import type { Layers } from '../answer/load.ts'
import type { Alarms } from '../kit/alarms.ts'
import type { Clock } from '../kit/clock.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Log } from '../kit/log.ts'
import type { Mac } from '../kit/mac.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry } from '../machine/registry.ts'
import { isBehindRouter } from '../site/networks.ts'
import type { Site } from '../site/types.ts'
import type { DocumentKind, DocumentStore } from '../store/types.ts'
import type { Bodies } from './bodies.ts'
import type { HttpCounts } from './counts.ts'
import type { TlsIdentity } from './served-certificate.ts'

export type HttpContext = {
  site: Site
  registry: Registry
  catalogue: IsoCatalogue
  /** Read anew for every answer, so that an edited layer counts at once; a rack that asks at once shares the reading. */
  layers: () => Promise<Layers>
  certificate: TlsIdentity
  /** Where what machines say of themselves is kept. */
  documents: Pick<DocumentStore, 'put'>
  /** Random root passwords, by their hashes. */
  passwords: Pick<Passwords, 'hashFor' | 'forget'>
  urls: Urls
  clock: Clock
  log: Log
  /** Is told of claims that do not agree. */
  alarms: Pick<Alarms, 'raise'>
  counts: HttpCounts
  /** Who stands at this address: by our lease, or where another server gives the addresses by the kernel's neighbour table, which knows our own link only. */
  macAt: (address: Ipv4) => Mac | undefined
}

/** For routes that send files. */
export type BootContext = HttpContext & { bodies: Bodies }

/** The peer's address as the socket has it; headers of proxies are never believed (L07). */
export function clientAddress(remote: string | undefined): Ipv4 {
  return (remote ?? '').replace(/^::ffff:/, '') as Ipv4
}

/**
 * Whether a request from this address can be from one of these NICs. Where another server gives the addresses, machines behind a router are not in our
 * neighbour table: those of subnets that the site lists are let through, and their answer needs a token instead.
 */
export function standsAt({ site, macAt }: HttpContext, macs: readonly Mac[], address: Ipv4): boolean {
  const holder = macAt(address)
  if (holder) return macs.includes(holder)
  const { mode, subnets } = site.dhcp
  return mode !== 'server' && isBehindRouter({ own: site.network.prefix, subnets }, address)
}

/** Keeps what a machine posted, together with the event that is recorded in the same turn. Nobody is refused because it could not be kept. */
export async function keepDocument(
  { documents, clock, log }: HttpContext,
  machine: Machine,
  kind: DocumentKind,
  bytes: Uint8Array,
): Promise<void> {
  const body = keptText(bytes, kind)
  if (body === undefined) return
  const attempt = machine.attempt ? { attempt: machine.attempt.id } : {}
  await documents.put({ machine: machine.id, kind, at: clock.now(), body, ...attempt }).catch((error: unknown) => {
    log.error({ mac: machine.id, error: String(error) }, `its ${kind} could not be kept`)
  })
}
