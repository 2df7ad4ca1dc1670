/**
 * Asks upstream resolvers for names that are not ours. Every try has a socket of its own on a random port and a random ID,
 * so that a forged reply must guess both (RFC 5452 §9); the same question asked by many is asked upstream once (§5, J29).
 */
import type { Clock } from '../kit/clock.ts'
import type { Datagram, DatagramPort, OpenDatagramPort } from '../kit/datagram-port.ts'
import { type Ipv4, UNSPECIFIED } from '../kit/ipv4.ts'
import { encodeQuestion, type Query, SAFE_PAYLOAD } from './codec.ts'
import { LONGEST_QUERY } from './screen.ts'
import { isReplyTo, isUsable } from './upstream.ts'

const DNS_PORT = 53
/** Clients give up after five seconds; SERVFAIL must reach them before (J30). */
const PATIENCE_MS = 3600
const LEAST_TRIES = 3
const MOST_IN_FLIGHT = 512

export type ForwarderOptions = {
  upstreams: readonly Ipv4[]
  open: OpenDatagramPort
  clock: Clock
  /** 0 to 65535, unpredictable. */
  randomId: () => number
}

/** The upstream's reply, still with upstream's ID. */
export type Forwarded = Uint8Array | 'upstream-silent' | 'forwarder-full'

export interface Forwarder {
  ask(query: Query, overTcp: boolean): Promise<Forwarded>
  close(): Promise<void>
}

export function createForwarder(options: ForwarderOptions): Forwarder {
  const inFlight = new Map<string, Promise<Forwarded>>()
  const stops = new Set<() => void>()
  let closed = false

  return {
    ask(query, overTcp) {
      const key = questionKey(query, overTcp)
      const waiting = inFlight.get(key)
      if (waiting) return waiting
      if (closed || inFlight.size >= MOST_IN_FLIGHT) return Promise.resolve('forwarder-full')
      const asked = askInTurn(options, query, overTcp ? LONGEST_QUERY : SAFE_PAYLOAD, stops, () => closed)
      const settled = asked.finally(() => inFlight.delete(key))
      inFlight.set(key, settled)
      return settled
    },
    async close() {
      closed = true
      for (const stop of stops) stop()
      await Promise.allSettled(inFlight.values())
    },
  }
}

/** The client's EDNS does not count: upstream is always asked with it. */
function questionKey(query: Query, overTcp: boolean): string {
  const { key, type, class: klass } = query.question
  return [key, type, klass, query.edns?.dnssec ?? false, query.checkingDisabled, overTcp].join(' ')
}

async function askInTurn(
  options: ForwarderOptions,
  query: Query,
  payload: number,
  stops: Set<() => void>,
  isClosed: () => boolean,
): Promise<Forwarded> {
  const { upstreams } = options
  const tries = Math.max(LEAST_TRIES, upstreams.length)
  let failed: Uint8Array | undefined
  for (let index = 0; index < tries && !isClosed(); index += 1) {
    const upstream = upstreams[index % upstreams.length]
    if (!upstream) break
    const reply = await askOnce(options, upstream, query, payload, PATIENCE_MS / tries, stops)
    if (reply && isUsable(reply)) return reply
    failed = reply ?? failed
    // All have refused or failed: asking them again changes nothing.
    if (reply && index + 1 >= upstreams.length) break
  }
  return failed ?? 'upstream-silent'
}

async function askOnce(
  options: ForwarderOptions,
  upstream: Ipv4,
  query: Query,
  payload: number,
  patienceMs: number,
  stops: Set<() => void>,
): Promise<Uint8Array | undefined> {
  const port = await options.open({ address: UNSPECIFIED, port: 0 }).catch(() => undefined)
  if (!port) return undefined
  const id = options.randomId()
  try {
    return await replyOn(port, message => isReplyTo(message, id, query.question), {
      send: () => port.send(encodeQuestion(query, id, payload), { address: upstream, port: DNS_PORT }),
      from: upstream,
      clock: options.clock,
      patienceMs,
      stops,
    })
  } finally {
    await port.close()
  }
}

type Wait = { send: () => void; from: Ipv4; clock: Clock; patienceMs: number; stops: Set<() => void> }

/** The first datagram from that resolver that fits; everything else is dropped, it may be forged. */
function replyOn(
  port: DatagramPort,
  fits: (message: Uint8Array) => boolean,
  wait: Wait,
): Promise<Uint8Array | undefined> {
  return new Promise(resolve => {
    const end = (reply: Uint8Array | undefined): void => {
      cancel()
      wait.stops.delete(stop)
      resolve(reply)
    }
    const stop = (): void => end(undefined)
    const cancel = wait.clock.after(wait.patienceMs, stop)
    wait.stops.add(stop)
    port.onDatagram(({ bytes, from }: Datagram) => {
      const known = from.address === wait.from && from.port === DNS_PORT
      if (known && bytes.length <= LONGEST_QUERY && fits(bytes)) end(bytes)
    })
    wait.send()
  })
}
