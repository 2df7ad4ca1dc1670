/** What is kept, as the rooms see it. One schema; the engines live beside this file. */
import type { Instant } from '../kit/clock.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'

export type LeaseRecord = {
  address: Ipv4
  mac: Mac
  /** Option 61 as hexadecimal text, if the client sent one; firmware, iPXE and installer send different ones. */
  clientId?: string
  /** `bound` until expiresAt; `released` is kept for reuse (RFC 2131 §4.3.4); `declined` is quarantined until expiresAt. */
  state: 'bound' | 'released' | 'declined'
  boundAt: Instant
  expiresAt: Instant
  hostName?: string
  /** What the reservation of this address was found by, where it was given for one: a later stage need not say it again. */
  reservedBy?: string
}

export interface LeaseStore {
  all(): Promise<LeaseRecord[]>
  /**
   * Replaces the record of that address. Resolves when it is on stable storage; all puts of one event-loop turn share
   * one transaction. Rejects when it could not be written: then no ACK may be sent (RFC 2131 §3.1).
   */
  put(record: LeaseRecord): Promise<void>
}

export type NewEventRow = { machine: string; at: Instant; source: string; type: string; body: string }
export type EventRow = NewEventRow & { seq: number }

export interface EventStore {
  /** Every event of every machine, oldest first. */
  all(): Promise<EventRow[]>
  /** Resolves with its number when it is on stable storage. */
  append(event: NewEventRow): Promise<number>
  /** A machine's events with a number above `after`, oldest first, at most so many. */
  timeline(machine: string, after: number, most: number): Promise<EventRow[]>
}

/** What a machine said of itself, as JSON text: the newest of each kind is kept. */
export type DocumentKind = 'system-information' | 'report'
export type MachineDocument = { machine: string; kind: DocumentKind; attempt?: string; at: Instant; body: string }

export interface DocumentStore {
  /** Replaces the machine's document of that kind; resolves when it is on stable storage. */
  put(document: MachineDocument): Promise<void>
  get(machine: string, kind: DocumentKind): Promise<MachineDocument | undefined>
}

/** The random root password of a machine's latest installation that has one; `sealed` until an operator has seen it. */
export type PasswordRecord = { machine: string; attempt: string; hash: string; sealed?: string; at: Instant }

export interface PasswordStore {
  /** Replaces the machine's record; resolves when it is on stable storage. */
  put(record: PasswordRecord): Promise<void>
  get(machine: string): Promise<PasswordRecord | undefined>
}
