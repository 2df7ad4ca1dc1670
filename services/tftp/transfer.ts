/**
 * One file to one client, as a state machine: what came in and the time go in, what to do comes out (RFC 1350 §2, §6,
 * RFC 1123 §4.2.3, RFC 7440). Blocks are counted from 1 without end; only on the wire do their numbers roll over.
 */
import type { Instant } from '../kit/clock.ts'
import type { Terms } from './options.ts'
import type { FailureReason } from './reasons.ts'

export type TransferEvent = { event: 'ack'; block: number } | { event: 'error'; code: number } | { event: 'timeout' }

export type TransferEffect =
  | { do: 'send-oack' }
  /** Blocks `first` to `last`, both included, from the file. */
  | { do: 'send-blocks'; first: number; last: number }
  /** Replaces the timer that runs. */
  | { do: 'await-ack'; forMs: number }
  | { do: 'begin' }
  | { do: 'progress' }
  | { do: 'finish'; outcome: 'sent' }
  /** `declined`: the client wanted to know the size only (K18). */
  | { do: 'finish'; outcome: 'declined' }
  | { do: 'finish'; outcome: 'failed'; reason: FailureReason }

/** How long the client takes, smoothed (RFC 6298 §2), in milliseconds. */
type RoundTrip = { smoothed: number; variation: number }

export type Transfer = {
  terms: Terms
  size: number
  phase: 'offering' | 'sending' | 'finished'
  /** Last block that was acknowledged, and last block that was sent. */
  acknowledged: number
  sent: number
  /** Timeouts since the last progress. */
  silences: number
  /** How often the timer was doubled since a client's time was last measured. */
  backoff: number
  roundTrip: RoundTrip | undefined
  /** When the window went out; undefined after a retransmission, whose ACK says nothing about time (Karn). */
  windowSentAt: Instant | undefined
  deadline: Instant
}

export type Step = { state: Transfer; effects: TransferEffect[] }

const FIRST_TIMEOUT_MS = 1000
/** Firmware that polls its NIC on a timer answers within some tens of milliseconds. */
const SHORTEST_TIMEOUT_MS = 100
/** Of a client that is slower than any that was seen. */
const LONGEST_TIMEOUT_MS = 8000
/** Doubling ends here: a LAN that loses frames is no better for being asked less, but whoever answers within this time is measured. */
const LONGEST_DOUBLED_MS = 4000
/** At both ends of a transfer: the request may carry a borrowed address, and a client that has everything may be gone. */
const MOST_SILENCES_AT_ENDS = 6
/** In the middle, half a minute: on a wire that loses every tenth frame, one exchange in five fails, and a loader has a thousand. */
const MOST_SILENCES = 11
/** Total deadline (RFC 1123 §4.2.3.2 asks for an end): two minutes, and more for files that take longer at a crawl. */
const LEAST_DEADLINE_MS = 120_000
const CRAWL_OCTETS_PER_MS = 64

/** Blocks of a file; the last one is shorter than the block size, empty if need be (K06). */
export function blockCount(size: number, blockSize: number): number {
  return Math.floor(size / blockSize) + 1
}

/** The number of a block on the wire. With `rollTo` 1 the number 0 never comes back. */
export function wireNumber(block: number, rollTo: 0 | 1): number {
  if (rollTo === 0 || block === 0) return block & 0xffff
  return ((block - 1) % 0xffff) + 1
}

/** Octets that the client has for certain. */
export function acknowledgedBytes(transfer: Transfer): number {
  return Math.min(transfer.acknowledged * transfer.terms.blockSize, transfer.size)
}

export function begin(terms: Terms, size: number, now: Instant): Step {
  const offering = terms.offered.length > 0
  const state: Transfer = {
    terms,
    size,
    phase: offering ? 'offering' : 'sending',
    acknowledged: 0,
    sent: 0,
    silences: 0,
    backoff: 0,
    roundTrip: undefined,
    windowSentAt: now,
    deadline: now + LEAST_DEADLINE_MS + size / CRAWL_OCTETS_PER_MS,
  }
  if (offering) return { state, effects: [{ do: 'send-oack' }, awaitAck(state)] }
  const step = sendWindow(state, now)
  return { state: step.state, effects: [{ do: 'begin' }, ...step.effects] }
}

/** The whole of TFTP's sender. */
export function advance(transfer: Transfer, event: TransferEvent, now: Instant): Step {
  if (transfer.phase === 'finished') return { state: transfer, effects: [] }
  if (now >= transfer.deadline) return fail(transfer, 'too-slow')
  switch (event.event) {
    case 'ack':
      return onAck(transfer, event.block, now)
    case 'error':
      // Firmware asks for the size with tsize 0 and then breaks off with code 8 (or 0): no failure (K18).
      return transfer.phase === 'offering'
        ? finish(transfer, { do: 'finish', outcome: 'declined' })
        : fail(transfer, 'client-refused')
    case 'timeout':
      return onTimeout(transfer)
  }
}

function onAck(transfer: Transfer, number: number, now: Instant): Step {
  if (transfer.phase === 'offering') {
    // ACK 0 accepts the options; only then comes the first block (K12).
    if (number !== 0) return { state: transfer, effects: [] }
    const step = sendWindow(measured({ ...transfer, phase: 'sending' }, now), now)
    return { state: step.state, effects: [{ do: 'begin' }, ...step.effects] }
  }
  const block = blockOf(transfer, number)
  // An ACK of what was acknowledged before never sends anything, or every duplicate doubles the traffic for the rest of
  // the file (RFC 1123 §4.2.3.1, K04). A lost first block of a window therefore waits for the timer.
  if (block === undefined) return { state: transfer, effects: [] }
  const state = measured({ ...transfer, acknowledged: block, silences: 0 }, now)
  if (block === blockCount(state.size, state.terms.blockSize)) return finish(state, { do: 'finish', outcome: 'sent' })
  // An ACK inside the window tells of a lost block behind it: go on after what arrived (RFC 7440 §4, K16).
  const step = sendWindow(state, now)
  return { state: step.state, effects: [{ do: 'progress' }, ...step.effects] }
}

/** Which block of the open window has this number on the wire; undefined for duplicates and strangers. */
function blockOf(transfer: Transfer, number: number): number | undefined {
  for (let block = transfer.acknowledged + 1; block <= transfer.sent; block += 1) {
    if (wireNumber(block, transfer.terms.rollTo) === number) return block
  }
  return undefined
}

function onTimeout(transfer: Transfer): Step {
  const silences = transfer.silences + 1
  const atEnd = transfer.sent === blockCount(transfer.size, transfer.terms.blockSize)
  if (silences > (transfer.acknowledged === 0 || atEnd ? MOST_SILENCES_AT_ENDS : MOST_SILENCES)) {
    // Some ROMs start the file without acknowledging its last block.
    return fail(transfer, atEnd && transfer.acknowledged > 0 ? 'last-ack-missing' : 'client-silent')
  }
  const state: Transfer = { ...transfer, silences, backoff: transfer.backoff + 1, windowSentAt: undefined }
  if (state.phase === 'offering') return { state, effects: [{ do: 'send-oack' }, awaitAck(state)] }
  return { state, effects: [{ do: 'send-blocks', first: state.acknowledged + 1, last: state.sent }, awaitAck(state)] }
}

function sendWindow(transfer: Transfer, now: Instant): Step {
  const first = transfer.acknowledged + 1
  const last = Math.min(
    transfer.acknowledged + transfer.terms.windowSize,
    blockCount(transfer.size, transfer.terms.blockSize),
  )
  // After a lost block the window goes back over blocks that were sent before: their ACKs say nothing about time.
  const windowSentAt = transfer.sent < first ? now : undefined
  const state: Transfer = { ...transfer, sent: last, windowSentAt }
  return { state, effects: [{ do: 'send-blocks', first, last }, awaitAck(state)] }
}

/**
 * RFC 6298 §2: the first sample sets, later ones smooth. Only a sample takes the doubling back (§5, Karn): a client that has become slower than the timer
 * would otherwise never be measured again, and get every block twice. While the wait is doubled, a sample may be the client's own timer that sent a
 * lost ACK again, so it counts as twice the plain wait at most: a slow client is known after a few blocks all the same.
 */
function measured(transfer: Transfer, now: Instant): Transfer {
  if (transfer.windowSentAt === undefined) return transfer
  const before = transfer.roundTrip
  const most = transfer.backoff > 0 ? 2 * (before ? plainWait(before) : SHORTEST_TIMEOUT_MS) : Number.POSITIVE_INFINITY
  const sample = Math.min(Math.max(0, now - transfer.windowSentAt), most)
  const roundTrip = before
    ? {
        smoothed: 0.875 * before.smoothed + 0.125 * sample,
        variation: 0.75 * before.variation + 0.25 * Math.abs(before.smoothed - sample),
      }
    : { smoothed: sample, variation: sample / 2 }
  return { ...transfer, roundTrip, backoff: 0 }
}

function plainWait({ smoothed, variation }: RoundTrip): number {
  return Math.min(LONGEST_TIMEOUT_MS, Math.max(SHORTEST_TIMEOUT_MS, smoothed + 4 * variation))
}

function awaitAck(transfer: Transfer): TransferEffect {
  const { roundTrip, backoff, terms } = transfer
  if (terms.retransmitMs !== undefined) return { do: 'await-ack', forMs: terms.retransmitMs }
  const once = roundTrip ? plainWait(roundTrip) : FIRST_TIMEOUT_MS
  return { do: 'await-ack', forMs: Math.max(once, Math.min(LONGEST_DOUBLED_MS, once * 2 ** backoff)) }
}

function finish(transfer: Transfer, effect: TransferEffect): Step {
  return { state: { ...transfer, phase: 'finished' }, effects: [effect] }
}

export function fail(transfer: Transfer, reason: FailureReason): Step {
  return finish(transfer, { do: 'finish', outcome: 'failed', reason })
}
