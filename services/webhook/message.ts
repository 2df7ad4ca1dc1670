/** What a target is told of an event of a machine: whether there is anything to tell, and the body, whose schema is in the room's README. */
import type { Instant } from '../kit/clock.ts'
import type { Fact, MachineEvent } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Listing } from '../machine/listing.ts'
import type { Site, WebhookEvent } from '../site/types.ts'

/** Version of the body's schema: a new key changes its second number, anything else the first. */
const SCHEMA_VERSION = '1.0'

export type WebhookBody = {
  schema: string
  event: WebhookEvent | 'test'
  /** The same however often it is sent; also in the header `idempotency-key`. */
  key: string
  /** When it happened, not when it was sent. */
  time: string
  site: { name: string; domain: string }
  machine: {
    name: string
    fqdn: string
    macs: string[]
    address?: string
    serial?: string
    uuid?: string
    product?: string
  }
  attempt: string
  profile: string
  /** Of `installed` only. */
  installed?: {
    /** Nobody reported: it booted its disk. Another `installed` follows if the report comes after all. */
    inferred: boolean
    product?: string
    kernel?: string
    machineId?: string
    hostKeys: string[]
  }
  /** Of `failed` and `stalled` only. */
  reason?: string
}

/** Facts that may have to be told, and what they are called there. */
const EVENTS: { [T in Fact['type']]?: WebhookEvent } = {
  reported: 'installed',
  'installation-inferred': 'installed',
  'answer-failed': 'failed',
  'gave-up': 'failed',
  stalled: 'stalled',
  'boot-looped': 'stalled',
  restored: 'failed',
}

export const TOLD_TYPES = Object.keys(EVENTS)

/**
 * Undefined for what changed nothing: an anomaly, a report that came twice, a loop or a restore of a machine that was to install nothing.
 * @param machine as the event left it, whatever has become of it since
 */
export function eventToTell(event: MachineEvent, machine: Machine): WebhookEvent | undefined {
  if (event.anomaly || !machine.attempt) return undefined
  const told = EVENTS[event.type]
  // Held by a restore, an attempt is at its end; a machine that had none was held before.
  if (event.type === 'restored') return event.attempt === machine.attempt.id ? told : undefined
  if (told === 'installed') return machine.installed?.at === event.at ? told : undefined
  return event.type === 'boot-looped' && machine.state !== 'stalled' ? undefined : told
}

/** Of an attempt, not of a place in a database: a restored backup numbers its events anew. */
export function keyOf(event: MachineEvent, told: WebhookEvent, attempt: string): string {
  return `${attempt}-${told}-${event.at.toString(36)}`
}

const LONGEST_REASON = 1000

/** The address that the installed system reported, less the length of its mask; else where it stood. */
function addressOf({ installed, address }: Machine): string | undefined {
  return installed?.address?.split('/', 1)[0] ?? address
}

function installedPart({ installed }: Machine): Pick<WebhookBody, 'installed'> {
  if (!installed) return {}
  const { inferred, product, kernel, machineId, hostKeys = [] } = installed
  return { installed: present({ inferred, product, kernel, machineId, hostKeys }) }
}

function reasonOf(event: MachineEvent, machine: Machine): string {
  const reason = 'reason' in event && event.reason ? event.reason : (machine.reason ?? '')
  return reason.length > LONGEST_REASON ? `${reason.slice(0, LONGEST_REASON)}…` : reason
}

/** @param about the machine as the event left it */
export function bodyFor(
  told: WebhookEvent,
  event: MachineEvent,
  about: { machine: Machine; listing: Listing; site: Pick<Site, 'name' | 'domain'> },
): WebhookBody {
  const { machine, listing, site } = about
  const attempt = machine.attempt!
  const name = listing.name ?? machine.id
  return {
    ...head(told, keyOf(event, told, attempt.id), event.at, site),
    machine: present({
      name,
      fqdn: machine.installed?.fqdn ?? listing.fqdn ?? `${name}.${site.domain}`,
      macs: machine.macs,
      address: addressOf(machine),
      serial: machine.serial,
      uuid: machine.uuid,
      product: machine.product,
    }),
    attempt: attempt.id,
    profile: attempt.profile,
    ...(told === 'installed' ? installedPart(machine) : { reason: reasonOf(event, machine) }),
  }
}

/** What `webhook test` sends: an invented machine, and an event that no receiver can mistake. */
export function sampleBody(site: Pick<Site, 'name' | 'domain'>, at: Instant): WebhookBody {
  return {
    ...head('test', `test-${at.toString(36)}`, at, site),
    machine: {
      name: 'node1',
      fqdn: `node1.${site.domain}`,
      macs: ['bc:24:11:ab:12:21'],
      address: '192.0.2.11',
      serial: '7K2QX93',
    },
    attempt: '00000000',
    profile: 'pve',
    installed: { inferred: false, product: 'pve 9.2.1', kernel: '7.0.2-5-pve', hostKeys: [] },
  }
}

function head(event: WebhookBody['event'], key: string, at: Instant, { name, domain }: Pick<Site, 'name' | 'domain'>) {
  return { schema: SCHEMA_VERSION, event, key, time: new Date(at).toISOString(), site: { name, domain } }
}

/** Leaves out what is undefined, so that absent stays absent. */
function present<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}
