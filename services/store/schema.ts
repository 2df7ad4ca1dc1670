/** The tables, one schema for every engine. Times are milliseconds since 1970, addresses dotted text. */
import type { Generated } from 'kysely'

export type EventTable = {
  seq: Generated<number>
  machine: string
  at: number
  source: string
  type: string
  /** The rest of the event as JSON; never a secret. */
  body: string
}

export type LeaseTable = {
  address: string
  mac: string
  client_id: string | null
  state: string
  bound_at: number
  expires_at: number
  host_name: string | null
  reserved_by: string | null
}

/** One row for each machine and kind. */
export type DocumentTable = {
  machine: string
  kind: string
  attempt: string | null
  at: number
  /** JSON; never a secret. */
  body: string
}

/** One row for each machine. */
export type PasswordTable = {
  machine: string
  attempt: string
  hash: string
  /** Encrypted with the key in secret.key; null once it was shown. */
  sealed: string | null
  at: number
}

/** One row for each machine; `place` is the order in which they became known. */
export type SnapshotTable = { place: Generated<number>; machine: string; seq: number; holds: string; body: string }

/** One row at most, `id` 1. */
export type CheckpointTable = { id: number; seq: number; version: number }

export type ForgottenTable = { machine: string; macs: string; name: string; at: number; by: string }

/** One row at most, `id` 1: the latest restore after which machines are held. */
export type RestorationTable = { id: number; at: number; backup_of: number }

export type OutboxTable = {
  id: Generated<number>
  target: string
  key: string
  machine: string
  event: string
  /** JSON; never a secret. */
  body: string
  created_at: number
  tries: number
  next_at: number
  error: string | null
  given_up_at: number | null
}

/** How far the events were looked at for a target. */
export type OutboxTargetTable = { target: string; seen: number }

export type Database = {
  event: EventTable
  lease: LeaseTable
  document: DocumentTable
  password: PasswordTable
  snapshot: SnapshotTable
  checkpoint: CheckpointTable
  forgotten: ForgottenTable
  restoration: RestorationTable
  outbox: OutboxTable
  outbox_target: OutboxTargetTable
}
