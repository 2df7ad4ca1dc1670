/**
 * Asks upstream resolvers for names that are not ours. Every try has a socket of its own on a random port and a random ID,
 * so that a forged reply must guess both (RFC 5452 §9); the same question asked by many is asked upstream once (§5, J29).
 * A reply that was cut comes again over TCP from the same resolver.
 */
import type { Clock } from '../kit/clock.ts'
import type { Datagram, DatagramPort, OpenDatagramPort } from '../kit/datagram-port.ts'
import { type Ipv4, UNSPECIFIED } from '../kit/ipv4.ts'
import { type Cache, type Cached, findAnswer, keepAnswer, newCache } from './cache.ts'
import { encodeQuestion, type Query, SAFE_PAYLOAD } from './codec.ts'
import { type Failure, Failures } from './failures.ts'
import { LONGEST_QUERY, type Question } from './screen.ts'
import { isReplyTo, readUpstream, type UpstreamAnswer, type UpstreamVerdict } from './upstream.ts'

const DNS_PORT = 53
/** Clients give up after five seconds; SERVFAIL must reach them before (J30). */
const PATIENCE_MS = 3600
const LEAST_TRIES = 3
/** Questions upstream at once, which is sockets at once; one client may have a part of them. */
const MOST_IN_FLIGHT = 512
const MOST_PER_CLIENT = 128
/** Connections for cut replies at once. */
const MOST_CONNECTIONS = 32
/** A resolver that was silent is asked last for this long. */
const AVOIDED_MS = 30_000

/** One question over TCP to a resolver; undefined when no reply came in time. Never rejects. */
export type AskTcp = (to: Ipv4, message: Uint8Array, patienceMs: number) => Promise<Uint8Array | undefined>

export type ForwarderOptions = {
  upstreams: readonly Ipv4[]
  open: OpenDatagramPort
  askTcp: AskTcp
  clock: Clock
  /** Whether a name, with letters folded, is in our zones: nothing is learnt about those. */
  isOurs: (key: string) => boolean
  /** 0 to 65535, unpredictable. */
  randomId: () => number
}

/** `since` and `until`: while the answer is kept; the same instant if it is not. */
export type Forwarded = Pick<Cached, 'answer' | 'since' | 'until'> | Failure | 'forwarder-full'

export interface Forwarder {
  /** At once what is kept, else when upstream has answered, within four seconds. `query` says DO and CD, `question` what is asked. */
  ask(query: Query, question: Question, client: Ipv4): Forwarded | Promise<Forwarded>
  kept(): { answers: number; octets: number; waiting: number }
  close(): Promise<void>
}

type State = {
  options: ForwarderOptions
  cache: Cache
  failures: Failures
  inFlight: Map<string, Promise<Forwarded>>
  /** Questions that wait, by client. */
  waiting: Map<Ipv4, number>
  silentUntil: Map<Ipv4, number>
  stops: Set<() => void>
  connections: number
  closed: boolean
}

export function createForwarder(options: ForwarderOptions): Forwarder {
  const state: State = {
    options,
    cache: newCache(),
    failures: new Failures(),
    inFlight: new Map(),
    waiting: new Map(),
    silentUntil: new Map(),
    stops: new Set(),
    connections: 0,
    closed: false,
  }
  return {
    ask(query, question, client) {
      const key = questionKey(query, question)
      const now = options.clock.elapsed()
      const known = findAnswer(state.cache, key, now) ?? state.failures.find(key, now)
      if (known) return known
      const mine = state.waiting.get(client) ?? 0
      if (state.closed || mine >= MOST_PER_CLIENT) return 'forwarder-full'
      const asked = state.inFlight.get(key) ?? askUpstream(state, query, question, key)
      if (asked === 'forwarder-full') return asked
      state.waiting.set(client, mine + 1)
      return asked.finally(() => countDown(state.waiting, client))
    },
    kept: () => ({ answers: state.cache.answers.size, octets: state.cache.octets, waiting: state.inFlight.size }),
    async close() {
      state.closed = true
      for (const stop of state.stops) stop()
      await Promise.allSettled(state.inFlight.values())
    },
  }
}

function countDown(waiting: Map<Ipv4, number>, client: Ipv4): void {
  const left = (waiting.get(client) ?? 0) - 1
  if (left > 0) waiting.set(client, left)
  else waiting.delete(client)
}

/** The client's EDNS does not count: upstream is always asked with it. */
function questionKey(query: Query, { key, type, class: klass }: Question): string {
  return [key, type, klass, query.edns?.dnssec ?? false, query.checkingDisabled].join(' ')
}

function askUpstream(
  state: State,
  query: Query,
  question: Question,
  key: string,
): Promise<Forwarded> | 'forwarder-full' {
  if (state.inFlight.size >= MOST_IN_FLIGHT) return 'forwarder-full'
  const settled = askInTurn(state, query, question)
    .then((asked): Forwarded => {
      const now = state.options.clock.elapsed()
      if (typeof asked === 'string') {
        state.failures.keep(key, asked, now)
        return asked
      }
      keepAnswer(state.cache, key, asked, now)
      return { answer: asked, since: now, until: now + asked.ttl * 1000 }
    })
    .finally(() => state.inFlight.delete(key))
  state.inFlight.set(key, settled)
  return settled
}

async function askInTurn(state: State, query: Query, question: Question): Promise<UpstreamAnswer | Failure> {
  const { clock } = state.options
  const upstreams = inOrder(state)
  const tries = Math.max(LEAST_TRIES, upstreams.length)
  const deadline = clock.elapsed() + PATIENCE_MS
  let heard = 0
  for (let index = 0; index < tries && !state.closed; index += 1) {
    const patienceMs = Math.min(PATIENCE_MS / tries, deadline - clock.elapsed())
    const upstream = upstreams[index % upstreams.length]
    if (!upstream || patienceMs <= 0) break
    const said = await askOnce(state, { upstream, query, question, patienceMs })
    if (typeof said === 'object') return said
    if (said === undefined) state.silentUntil.set(upstream, clock.elapsed() + AVOIDED_MS)
    else heard += 1
    // All have refused or failed: asking them again changes nothing.
    if (heard >= upstreams.length) break
  }
  return heard > 0 ? 'upstream-failed' : 'upstream-silent'
}

/** As the site lists them, those that were silent a moment ago last. */
function inOrder({ options, silentUntil }: State): Ipv4[] {
  const now = options.clock.elapsed()
  const isSilent = (upstream: Ipv4): boolean => (silentUntil.get(upstream) ?? 0) > now
  return options.upstreams.toSorted((a, b) => Number(isSilent(a)) - Number(isSilent(b)))
}

type Try = { upstream: Ipv4; query: Query; question: Question; patienceMs: number }

async function askOnce(state: State, asking: Try): Promise<UpstreamVerdict | undefined> {
  const { options } = state
  const { upstream, query, question, patienceMs } = asking
  const port = await options.open({ address: UNSPECIFIED, port: 0 }).catch(() => undefined)
  if (!port) return undefined
  const id = options.randomId()
  const until = options.clock.elapsed() + patienceMs
  const message = encodeQuestion(query, question, id, SAFE_PAYLOAD)
  let reply: Uint8Array | undefined
  try {
    reply = await replyOn(port, heard => isReplyTo(heard, id, question), {
      send: () => port.send(message, { address: upstream, port: DNS_PORT }),
      from: upstream,
      clock: options.clock,
      patienceMs,
      stops: state.stops,
    })
  } finally {
    await port.close()
  }
  const said = reply && readReply(state, reply, asking)
  return said === 'truncated' ? askWhole(state, { ...asking, patienceMs: until - options.clock.elapsed() }) : said
}

function readReply({ options }: State, reply: Uint8Array, { query, question }: Try): UpstreamVerdict {
  return readUpstream(reply, { question, dnssec: query.edns?.dnssec ?? false, isOurs: options.isOurs })
}

/** The same again over TCP, where nothing has to be cut. */
async function askWhole(state: State, asking: Try): Promise<UpstreamVerdict> {
  const { askTcp, randomId } = state.options
  const { upstream, query, question, patienceMs } = asking
  if (state.connections >= MOST_CONNECTIONS) return 'failed'
  const id = randomId()
  state.connections += 1
  try {
    const reply = await askTcp(upstream, encodeQuestion(query, question, id, SAFE_PAYLOAD), patienceMs)
    return reply && isReplyTo(reply, id, question) ? readReply(state, reply, asking) : 'failed'
  } finally {
    state.connections -= 1
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
