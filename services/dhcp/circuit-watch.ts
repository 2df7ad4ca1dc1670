/**
 * One MAC at two ports of a switch (T3): a machine that was moved, or somebody who borrows its MAC. Which port it is says the relay agent (option 82.1,
 * RFC 3046 §3.1); without one nobody does.
 */
import type { Instant } from '../kit/clock.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { Decision } from './decision.ts'

/** Within that a machine is hardly carried to another port and switched on there. */
const MOVED_WITHIN_MS = 60 * 60_000
/** Whoever invents MACs must not fill the memory; the one that was silent longest makes room. */
const MACHINES_MOST = 4096

/** Decided before anybody looked at the relay agent, or because it is none of the site's: what such a message says of it anybody may have written. */
const UNVETTED: ReadonlySet<Decision['reason']> = new Set([
  'unknown-relay',
  'no-subnet',
  'not-a-request',
  'too-many-hops',
  'no-message-type',
  'unexpected-type',
  'overloaded',
])

export type TwoCircuits = { mac: Mac; relay: Ipv4; before: string; now: string; seconds: number }

type Seen = { circuit: string; at: Instant }

export class CircuitWatch {
  /** By MAC and relay agent: two routers that relay the same broadcast name its port each in their own way. */
  readonly #seen = new Map<string, Seen>()

  /** What is odd about where the machine is; undefined if nothing is, or if the relay agent is none of the site's. */
  saw({ client, reason }: Decision, now: Instant): TwoCircuits | undefined {
    if (!client?.circuit || UNVETTED.has(reason)) return undefined
    const { mac, circuit } = client
    const key = `${mac} ${circuit.relay}`
    const before = this.#seen.get(key)
    this.#seen.delete(key)
    this.#seen.set(key, { circuit: circuit.id, at: now })
    if (this.#seen.size > MACHINES_MOST) this.#seen.delete(this.#seen.keys().next().value!)
    if (!before || before.circuit === circuit.id || now - before.at > MOVED_WITHIN_MS) return undefined
    const seconds = Math.max(0, Math.round((now - before.at) / 1000))
    return { mac, relay: circuit.relay, before: before.circuit, now: circuit.id, seconds }
  }
}

const PRINTABLE = /^[\x20-\x7e]+$/

/** Most switches write the name of the port; what is no text stays octets. */
export function circuitText(id: string): string {
  const text = Buffer.from(id, 'hex').toString('latin1')
  return PRINTABLE.test(text) ? text : `0x${id}`
}
