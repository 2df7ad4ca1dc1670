/** A machine as people and programs are shown it: no secrets, times as ISO text. */
import type { Machine } from '../machine/lifecycle.ts'
import type { Listing } from '../machine/listing.ts'
import { type Progress, rateOf } from '../machine/progress.ts'
import { describeFact, type MachineEvent } from '../machine/event.ts'
import type { Instant } from '../kit/clock.ts'
import type { MachineView, TimelineEntry } from './schema/machine.ts'

const iso = (at: Instant): string => new Date(at).toISOString()

/** Only what is set, so that absent values are absent in JSON, too. */
function present<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const set: Partial<T> = {}
  // Ten thousand machines are shown at once: no lists of pairs in between.
  for (const key in value) if (value[key] !== undefined) set[key] = value[key]
  return set as { [K in keyof T]: Exclude<T[K], undefined> }
}

export function viewProgress(progress: Progress): NonNullable<MachineView['progress']> {
  const { file, sent, total } = progress
  return { file, sent, total, bytesPerSecond: Math.round(rateOf(progress)) }
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
    progress: progress && viewProgress(progress),
    installed: installed && { ...installed, at: iso(installed.at) },
    firstSeenAt: iso(machine.firstSeenAt),
    heardAt: iso(heardAt),
  }) as MachineView
}

/** The person who ordered or saw it, where he was known. */
function whoIn(event: MachineEvent): string | undefined {
  if ('who' in event) return event.who
  return 'by' in event && event.type !== 'attempt-started' ? event.by : undefined
}

export function viewEvent(event: MachineEvent): TimelineEntry {
  const { seq, anomaly } = event
  return present({
    seq,
    at: iso(event.at),
    source: event.source,
    type: event.type,
    who: whoIn(event),
    text: describeFact(event),
    anomaly,
    attempt: 'attempt' in event ? event.attempt : undefined,
    profile: 'profile' in event ? event.profile : undefined,
    // Of a machine that stands still it is a sentence.
    stage: 'stage' in event && event.type !== 'stalled' ? event.stage : undefined,
    bytes: 'bytes' in event ? event.bytes : undefined,
  }) as TimelineEntry
}
