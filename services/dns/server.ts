/** The DNS server: sockets, clock and log around `resolver.ts`. */
import { randomInt } from 'node:crypto'
import type { Server } from 'node:net'
import { calmLog } from '../kit/calm-log.ts'
import type { Clock } from '../kit/clock.ts'
import type { Datagram, DatagramPort, OpenDatagramPort } from '../kit/datagram-port.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Log } from '../kit/log.ts'
import type { Site } from '../site/types.ts'
import type { AnswerContext, DnsView } from './answer.ts'
import { type BudgetLimits, newBudget } from './budget.ts'
import { createForwarder, type Forwarder } from './forward.ts'
import { foldCase } from './name.ts'
import { REASONS } from './reasons.ts'
import { type Resolved, type Resolver, resolve } from './resolver.ts'
import { serveTcp } from './tcp.ts'
import { buildZones, installerName, type InstallerName } from './zone.ts'

/** What the timeline hears: an installer asked for one of its two names, and whether it was told. */
export type DnsFact = { fact: 'answer-asked'; client: Ipv4; name: InstallerName; given: boolean }

export type DnsOptions = {
  udp: DatagramPort
  /** Already listening, or somebody else will; only 'connection' is attached. */
  tcp?: Server
  /** Opens the sockets that ask upstream resolvers: one per question, each on a random port. */
  openUpstream: OpenDatagramPort
  site: Pick<Site, 'domain' | 'network' | 'dns' | 'dhcp'>
  view: DnsView
  clock: Clock
  log: Log
  tell?: (fact: DnsFact) => void
  budget?: BudgetLimits
}

export interface DnsServer {
  /** Stops answering and closes the UDP port; a TCP server stays with its owner. */
  close(): Promise<void>
}

const SERVER_NAME = 'ns'
const LONGEST_HOST_TTL_S = 300

export async function startDns(options: DnsOptions): Promise<DnsServer> {
  const { udp, tcp, clock, log } = options
  const resolver = newResolver(options)
  const report = newReport(options)
  const handle = (message: Uint8Array, client: Ipv4, overTcp: boolean): Resolved | Promise<Resolved> => {
    try {
      return resolve(resolver, message, client, overTcp, clock.now())
    } catch (error) {
      // A bug, or a view that cannot answer now: one question is lost, the server is not.
      log.error({ error: String(error), client }, 'dns could not answer a question')
      return { reason: 'undecodable' }
    }
  }
  udp.onDatagram(({ bytes, from }: Datagram) => {
    const finish = (resolved: Resolved): void => {
      report(from.address, resolved)
      if (resolved.bytes) udp.send(resolved.bytes, from)
    }
    if (from.port === 0) return report(from.address, { reason: 'no-return-port' })
    const resolved = handle(bytes, from.address, false)
    if (resolved instanceof Promise) void resolved.then(finish)
    else finish(resolved)
  })
  const side =
    tcp &&
    serveTcp(tcp, clock, async (message, client) => {
      const resolved = await handle(message, client, true)
      report(client, resolved)
      return resolved.bytes
    })
  return {
    async close() {
      side?.close()
      await resolver.forwarder?.close()
      await udp.close()
    },
  }
}

function newResolver({ site, view, clock, log, openUpstream, budget }: DnsOptions): Resolver {
  const forwarder = newForwarder(site.dns.forward, openUpstream, clock)
  return {
    context: newContext(site, view, Math.floor(clock.now() / 1000), log),
    budget: newBudget(budget),
    ...(forwarder ? { forwarder } : {}),
  }
}

function newForwarder(upstreams: Ipv4[], open: OpenDatagramPort, clock: Clock): Forwarder | undefined {
  if (upstreams.length === 0) return undefined
  return createForwarder({ upstreams, open, clock, randomId: () => randomInt(0x10000) })
}

function newContext(site: DnsOptions['site'], view: DnsView, serial: number, log: Log): AnswerContext {
  const domain = foldCase(site.domain)
  const prefixes = [site.network.prefix, ...site.dhcp.subnets.map(subnet => subnet.prefix)]
  const zones = buildZones({
    domain,
    records: site.dns.records,
    prefixes,
    serverName: SERVER_NAME,
    serverAddress: site.network.address,
    serial,
  })
  for (const record of zones.ignored)
    log.warn({ record }, 'a record in [[dns.record]] cannot be served; `rackrise check` says why')
  return {
    domain,
    zones,
    served: [...prefixes, ...site.dns.allow],
    forwarding: site.dns.forward.length > 0 ? site.dns.allow : [],
    // A name must be gone soon after its lease is (J33).
    hostTtl: Math.min(LONGEST_HOST_TTL_S, Math.floor(site.dhcp.leaseSeconds / 3)),
    view,
  }
}

const LEVEL = { debug: 'debug', info: 'info', warning: 'warn' } as const
/** Warnings are about clients that ask too much or wrongly: one a while and reason says it. */
const WARNINGS_MOST = 1

type Report = (client: Ipv4, resolved: Resolved) => void

function newReport({ log, site, tell, clock }: DnsOptions): Report {
  const calm = calmLog(log, clock, WARNINGS_MOST)
  return (client, resolved) => {
    const { reason, name, type } = resolved
    const level = LEVEL[REASONS[reason].severity]
    const heard = level === 'warn' ? calm : log
    heard[level]({ client, reason, name, type }, `dns: ${REASONS[reason].message}`)
    tellFact(site.domain, client, resolved, tell)
  }
}

function tellFact(domain: string, client: Ipv4, { name, reason }: Resolved, tell: DnsOptions['tell']): void {
  const asked = name === undefined ? undefined : installerName(foldCase(name), foldCase(domain))
  const told = reason === 'answer-given'
  if (asked && (told || reason === 'no-answer-due' || reason === 'unusable-answer')) {
    tell?.({ fact: 'answer-asked', client, name: asked, given: told })
  }
}
