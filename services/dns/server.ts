/** The DNS server: sockets, clock and log around `resolver.ts`. */
import { randomInt } from 'node:crypto'
import type { Server } from 'node:net'
import { type BudgetLimits, newBudget } from '../kit/budget.ts'
import { calmLog } from '../kit/calm-log.ts'
import type { Clock } from '../kit/clock.ts'
import type { Datagram, DatagramPort, Endpoint, OpenDatagramPort } from '../kit/datagram-port.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Log } from '../kit/log.ts'
import type { Meter } from '../kit/meter.ts'
import { workedOut } from '../kit/worked-out.ts'
import type { Site } from '../site/types.ts'
import type { AnswerContext, DnsView, Standing } from './answer.ts'
import { contextOf } from './context.ts'
import { type DnsCounts, dnsCounts, type Kept } from './counts.ts'
import { type AskTcp, createForwarder, type Forwarder } from './forward.ts'
import { foldCase } from './name.ts'
import { PreparedReplies } from './prepared.ts'
import { type DnsReason, REASONS } from './reasons.ts'
import { DEFAULT_BUDGET, type Resolved, type Resolver, resolve } from './resolver.ts'
import { tcpAsker } from './tcp-query.ts'
import { serveTcp } from './tcp.ts'
import { installerName, type InstallerName, zoneFor } from './zone.ts'

/** What the timeline hears: an installer asked for one of its two names, and whether it was told. */
export type DnsFact = { fact: 'answer-asked'; client: Ipv4; name: InstallerName; given: boolean }

export type DnsOptions = {
  udp: DatagramPort
  /** Already listening, or somebody else will; only 'connection' is attached. */
  tcp?: Server
  /** Opens the sockets that ask upstream resolvers: one per question, each on a random port. */
  openUpstream: OpenDatagramPort
  /** Asks upstream again when a reply was cut; the real network if absent. */
  askUpstreamTcp?: AskTcp
  site: Pick<Site, 'domain' | 'network' | 'dns' | 'dhcp'>
  view: DnsView
  clock: Clock
  log: Log
  meter: Meter
  tell?: (fact: DnsFact) => void
  budget?: BudgetLimits
}

export interface DnsServer {
  /** Stops answering and closes the UDP port; a TCP server stays with its owner. */
  close(): Promise<void>
}

export async function startDns(options: DnsOptions): Promise<DnsServer> {
  const { udp, tcp, clock, log } = options
  const resolvers = resolversOf(options)
  const report = new Report(
    options,
    dnsCounts(options.meter, () => keptBy(resolvers.now())),
  )
  const handle = (message: Uint8Array, client: Ipv4, overTcp: boolean): Resolved | Promise<Resolved> => {
    // A bug, or a view that cannot answer now: one question is lost, the server is not.
    const failed = (error: unknown): Resolved => {
      log.error({ error: String(error), address: client }, 'a question could not be answered')
      return { reason: 'undecodable' }
    }
    try {
      const resolved = resolve(resolvers.now(), message, client, overTcp, clock.elapsed())
      return resolved instanceof Promise ? resolved.catch(failed) : resolved
    } catch (error) {
      return failed(error)
    }
  }
  const finish = (to: Endpoint, resolved: Resolved): void => {
    report.resolved(to.address, resolved)
    if (resolved.bytes) udp.send(resolved.bytes, to)
  }
  udp.onDatagram(({ bytes, from }: Datagram) => {
    if (from.port === 0) return report.resolved(from.address, { reason: 'no-return-port' })
    const resolved = handle(bytes, from.address, false)
    if (resolved instanceof Promise) void resolved.then(later => finish(from, later))
    else finish(from, resolved)
  })
  const side =
    tcp &&
    serveTcp(tcp, clock, async (message, client) => {
      const resolved = await handle(message, client, true)
      report.resolved(client, resolved)
      return resolved.bytes
    })
  return {
    async close() {
      side?.close()
      await resolvers.close()
      await udp.close()
    },
  }
}

/**
 * The resolver of the site as it is, and another one for another site: nothing that was prepared or judged by the one before is said again. Questions that
 * are upstream are answered by whom they came to.
 */
function resolversOf(options: DnsOptions): { now: () => Resolver; close(): Promise<void> } {
  const { site, view, clock, log, budget = DEFAULT_BUDGET } = options
  const forwarders = new Set<Forwarder>()
  let context: AnswerContext
  const forwarderNow = workedOut(
    () => [site.dns.forward.join()],
    () => {
      const forwarder = newForwarder(options, key => zoneFor(context.zones, key) !== undefined)
      if (forwarder) forwarders.add(forwarder)
      return forwarder
    },
  )
  const now = workedOut(
    () => [site.domain, site.network, site.dns, site.dhcp],
    (): Resolver => {
      context = newContext(site, view, Math.floor(clock.now() / 1000), log)
      const forwarder = forwarderNow()
      return {
        context,
        budget: newBudget<Standing>(budget),
        prepared: new PreparedReplies(),
        ...(forwarder ? { forwarder } : {}),
      }
    },
  )
  // What is doubtful about the records is told at the start, and not with the first question.
  now()
  return {
    now,
    async close() {
      await Promise.all([...forwarders].map(forwarder => forwarder.close()))
    },
  }
}

function newForwarder(
  { site, openUpstream, askUpstreamTcp, clock }: DnsOptions,
  isOurs: (key: string) => boolean,
): Forwarder | undefined {
  const upstreams = site.dns.forward
  if (upstreams.length === 0) return undefined
  const askTcp = askUpstreamTcp ?? tcpAsker(clock)
  return createForwarder({ upstreams, open: openUpstream, askTcp, clock, isOurs, randomId: () => randomInt(0x10000) })
}

function keptBy({ prepared, forwarder }: Resolver): Kept {
  return { prepared: prepared?.size ?? 0, ...(forwarder?.kept() ?? { answers: 0, octets: 0, waiting: 0 }) }
}

function newContext(site: DnsOptions['site'], view: DnsView, serial: number, log: Log): AnswerContext {
  const context = contextOf(site, view, serial)
  for (const record of context.zones.ignored)
    log.warn(
      { record },
      'a record in [[dns.record]] is not served: its name is in none of the zones, or its value does not fit',
    )
  return context
}

const LEVEL = { debug: 'debug', info: 'info', warning: 'warn' } as const
/** Warnings are about clients that ask too much or wrongly: one a while and reason says it. */
const WARNINGS_MOST = 1

class Report {
  readonly #options: DnsOptions
  readonly #counts: DnsCounts
  readonly #calm: Log

  constructor(options: DnsOptions, counts: DnsCounts) {
    this.#options = options
    this.#counts = counts
    this.#calm = calmLog(options.log, options.clock, WARNINGS_MOST)
  }

  resolved(client: Ipv4, { reason, name, type }: Resolved): void {
    this.#counts.decided(reason)
    const { message, severity } = REASONS[reason]
    const level = LEVEL[severity]
    const log = level === 'warn' ? this.#calm : this.#options.log
    log[level]({ address: client, reason, name, type }, message)
    if (name !== undefined) this.#tell(client, reason, name)
  }

  #tell(client: Ipv4, reason: DnsReason, name: string): void {
    const given = reason === 'answer-given'
    if (!given && reason !== 'no-answer-due' && reason !== 'unusable-answer') return
    const asked = installerName(foldCase(name), foldCase(this.#options.site.domain))
    if (asked) this.#options.tell?.({ fact: 'answer-asked', client, name: asked, given })
  }
}
