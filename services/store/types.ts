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
  /** Moves the beginning and the end of every record: the clock was set. Resolves when that is on stable storage. */
  shift(byMs: number): Promise<void>
  /** Drops the records of these addresses; resolves when that is on stable storage. */
  remove(addresses: readonly Ipv4[]): Promise<void>
}

export type NewEventRow = { machine: string; at: Instant; source: string; type: string; body: string }
export type EventRow = NewEventRow & { seq: number }

/** The state of one machine as its events up to `seq` leave it, as JSON text. */
export type SnapshotRow = {
  machine: string
  seq: number
  /** Which of its identities are its own though another machine may say them too: `uuid`, `serial`, both with a comma, or none. */
  holds: string
  body: string
}

/** Every machine that changed up to event `seq` has a snapshot, made by that version of the fold. */
export type Checkpoint = { seq: number; version: number }

/** What is kept of a machine that an operator had forgotten: `macs` with commas between them. */
export type ForgottenRow = { machine: string; macs: string; name: string; at: Instant; by: string }

/** `at` that instant a state was restored from a backup that was made at `backupOf`: what was installed in between it does not know. */
export type Restoration = { at: Instant; backupOf: Instant }

/** Every write resolves when it is on stable storage. */
export interface EventStore {
  /** Resolves with its number. */
  append(event: NewEventRow): Promise<number>
  /** Events of all machines with a number above `after`, oldest first, at most so many. */
  page(after: number, most: number): Promise<EventRow[]>
  /** A machine's events with a number above `after`, oldest first, at most so many. */
  timeline(machine: string, after: number, most: number): Promise<EventRow[]>
  /** The number of the newest event; 0 where there is none. */
  newest(): Promise<number>
  remove(seqs: readonly number[]): Promise<void>
  checkpoint(): Promise<Checkpoint | undefined>
  /** In the order in which machines became known, from behind a place, at most so many. A later one than the checkpoint's counts, too. */
  snapshots(after: number, most: number): Promise<(SnapshotRow & { place: number })[]>
  /** Each replaces that of its machine. */
  putSnapshots(rows: readonly SnapshotRow[]): Promise<void>
  putCheckpoint(checkpoint: Checkpoint): Promise<void>
  /** The oldest first; one machine may be there several times. */
  forgotten(): Promise<ForgottenRow[]>
  /** Of a state that does not know what was installed between its backup and its restore. */
  restoration(): Promise<Restoration | undefined>
  /** Its events, snapshot, documents and password go, and this row comes: all or nothing. */
  forget(row: ForgottenRow): Promise<void>
}

/** What a machine said of itself, as JSON text: the newest of each kind is kept. */
export type DocumentKind = 'system-information' | 'report'
export type MachineDocument = { machine: string; kind: DocumentKind; attempt?: string; at: Instant; body: string }

export type DocumentName = Pick<MachineDocument, 'machine' | 'kind'>

export interface DocumentStore {
  /** Replaces the machine's document of that kind; resolves when it is on stable storage. */
  put(document: MachineDocument): Promise<void>
  get(machine: string, kind: DocumentKind): Promise<MachineDocument | undefined>
  /** In the order of their names from behind one of them, at most so many, without their bodies. */
  page(after: DocumentName | undefined, most: number): Promise<Omit<MachineDocument, 'body'>[]>
  /** Unless it was replaced since. */
  remove(document: Omit<MachineDocument, 'body'>): Promise<void>
}

/** The random root password of a machine's latest installation that has one; `sealed` until an operator has seen it. */
export type PasswordRecord = { machine: string; attempt: string; hash: string; sealed?: string; at: Instant }

export interface PasswordStore {
  /** Replaces the machine's record; resolves when it is on stable storage. */
  put(record: PasswordRecord): Promise<void>
  get(machine: string): Promise<PasswordRecord | undefined>
}

/** One event for one target, on its way: `key` is the same however often it is sent. */
export type NewOutboxRow = {
  target: string
  key: string
  machine: string
  event: string
  body: string
  createdAt: Instant
}
export type OutboxRow = NewOutboxRow & {
  id: number
  tries: number
  nextAt: Instant
  /** Why the last try failed. */
  error?: string
  /** When it was sent no more. */
  givenUpAt?: Instant
}

/** How much of a target waits, and what went wrong last. */
export type OutboxCount = { pending: number; givenUp: number; oldestAt?: Instant; tries: number; error?: string }

/** What is on its way to others. Every write resolves when it is on stable storage. */
export interface OutboxStore {
  /** Forgets every other target, and begins a new one at the newest event. */
  follow(targets: readonly string[]): Promise<void>
  /** Events of these types that the target has not been looked at for, oldest first; none of a target that was never followed. */
  unseen(target: string, types: readonly string[], most: number): Promise<EventRow[]>
  /** Rows for what was looked at, and how far that was: both or neither. A key that is there already is not there twice. */
  collect(target: string, seen: number, rows: readonly NewOutboxRow[]): Promise<void>
  /** The oldest row of each machine, if it is due. */
  due(target: string, now: Instant, most: number): Promise<OutboxRow[]>
  delivered(id: number): Promise<void>
  failed(row: Pick<OutboxRow, 'id' | 'tries' | 'nextAt' | 'error'>): Promise<void>
  giveUp(id: number, at: Instant): Promise<void>
  /** Everything of the target is due, what was given up included, and as young as if it were new. */
  retry(target: string, now: Instant): Promise<void>
  /** Moves all that is there: the clock was set. */
  shift(byMs: number): Promise<void>
  /** Drops what was given up before that instant, and the oldest rows beyond so many. */
  prune(target: string, before: Instant, most: number): Promise<void>
  count(target: string): Promise<OutboxCount>
}
