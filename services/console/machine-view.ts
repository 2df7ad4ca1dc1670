/** A machine as people and programs are shown it: no secrets, times as ISO text. */
import type { Machine } from '../machine/lifecycle.ts'
import type { Listing } from '../machine/listing.ts'
import { type Progress, rateOf } from '../machine/progress.ts'
import { describeFact, type MachineEvent } from '../machine/event.ts'
import type { Instant } from '../kit/clock.ts'

export type MachineView = {
  id: string
  name: string
  fqdn?: string
  macs: string[]
  serial?: string
  uuid?: string
  product?: string
  state: Machine['state']
  /** The latest thing known about its boot: firmware, ipxe, installer, system. */
  stage?: string
  reason?: string
  address?: string
  /** What its installed system has written down: reserved for it, whatever becomes of its lease. */
  staticAddress?: { address: string; nic: string; since: string }
  /** A random root password was installed; shown to nobody yet where there is no `shownTo`. */
  password?: { attempt: string; shownTo?: string; shownAt?: string }
  /** Claims to one identity, its own and those of others: `name` is the other machine. */
  conflicts?: { name: string; id: string; by: string; value: string }[]
  profile?: string
  listed: Listing['from']
  attempt?: { id: string; startedAt: string; resumes: number }
  attempts: number
  progress?: { file: string; sent: number; total: number; bytesPerSecond: number }
  installed?: {
    at: string
    inferred: boolean
    fqdn?: string
    address?: string
    product?: string
    kernel?: string
    machineId?: string
    hostKeys?: string[]
  }
  firstSeenAt: string
  heardAt: string
}

export type TimelineEntry = {
  seq?: number
  at: string
  source: string
  type: string
  text: string
  anomaly?: string
  /** The attempt that it names. */
  attempt?: string
  /** Of the attempt that it starts. */
  profile?: string
  /** Of the boot, where it was given an address or told what to load. */
  stage?: string
  /** Of a file that was sent, or is being sent. */
  bytes?: number
}

const iso = (at: Instant): string => new Date(at).toISOString()

/** Only what is set, so that absent values are absent in JSON, too. */
function present<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, part]) => part !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}

export function viewMachine(
  machine: Machine,
  listing: Listing,
  progress: Progress | undefined,
  heardAt: Instant,
): MachineView {
  const { attempt, installed, staticAddress } = machine
  return present({
    id: machine.id,
    name: listing.name ?? machine.id,
    fqdn: listing.fqdn,
    macs: machine.macs,
    serial: machine.serial,
    uuid: machine.uuid,
    product: machine.product,
    state: machine.state,
    stage: machine.stage,
    reason: machine.reason ?? machine.loop,
    address: machine.address,
    staticAddress: staticAddress && {
      address: staticAddress.address,
      nic: staticAddress.nic,
      since: iso(staticAddress.at),
    },
    password: machine.password && {
      ...machine.password,
      ...(machine.password.shownAt === undefined ? {} : { shownAt: iso(machine.password.shownAt) }),
    },
    profile: attempt?.profile ?? listing.profile,
    listed: listing.from,
    attempt: attempt && { id: attempt.id, startedAt: iso(attempt.startedAt), resumes: attempt.resumes },
    attempts: machine.attempts,
    progress: progress && {
      file: progress.file,
      sent: progress.sent,
      total: progress.total,
      bytesPerSecond: Math.round(rateOf(progress)),
    },
    installed: installed && { ...installed, at: iso(installed.at) },
    firstSeenAt: iso(machine.firstSeenAt),
    heardAt: iso(heardAt),
  }) as MachineView
}

export function viewEvent(event: MachineEvent): TimelineEntry {
  const { seq, anomaly } = event
  return present({
    seq,
    at: iso(event.at),
    source: event.source,
    type: event.type,
    text: describeFact(event),
    anomaly,
    attempt: 'attempt' in event ? event.attempt : undefined,
    profile: 'profile' in event ? event.profile : undefined,
    // Of a machine that stands still it is a sentence.
    stage: 'stage' in event && event.type !== 'stalled' ? event.stage : undefined,
    bytes: 'bytes' in event ? event.bytes : undefined,
  }) as TimelineEntry
}
