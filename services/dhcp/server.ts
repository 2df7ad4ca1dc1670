/** The edge of DHCP: hears datagrams, lets `respond` decide, writes leases before it acknowledges them, sends, tells. */
import type { AddressProbe, Answerer } from '../kit/address-probe.ts'
import { Alarms } from '../kit/alarms.ts'
import type { Clock } from '../kit/clock.ts'
import type { Datagram, DatagramPort } from '../kit/datagram-port.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Log } from '../kit/log.ts'
import type { Mac } from '../kit/mac.ts'
import { type Meter, silentMeter } from '../kit/meter.ts'
import { workedOut } from '../kit/worked-out.ts'
import type { DhcpSite, Site } from '../site/types.ts'
import type { LeaseRecord, LeaseStore } from '../store/types.ts'
import { Backlog } from './backlog.ts'
import { judgeAnswer } from './conflict.ts'
import { decode } from './codec.ts'
import { type DhcpCounts, dhcpCounts, gaugeLeases } from './counts.ts'
import { type Change, type Decision, type DhcpView, type Reply, type ServerFacts, silence } from './decision.ts'
import { destinationOf } from './destination.ts'
import type { DhcpFact, DhcpFleet } from './fleet.ts'
import { isGivenBackSince } from './give-back.ts'
import { clientOf, macOf } from './identify.ts'
import { isActive, LeaseTable, moveLease } from './lease-table.ts'
import { writeConflict, writeReason } from './log-line.ts'
import { type DhcpMessage, isMalformed } from './message.ts'
import { messageTypeOf } from './options.ts'
import { isInspection } from './question.ts'
import { type Heard, type ProbedOffer, Probing, TRIES_MOST } from './probing.ts'
import { watchPools } from './pool-watch.ts'
import { givenUpFor } from './request.ts'
import { respond } from './respond.ts'
import type { WatchHook } from './server-watch.ts'
import { Telling } from './telling.ts'

/** The keys of the site's DHCP part that this room reads. */
export type ServedDhcp = Pick<DhcpSite, 'mode' | 'leaseSeconds' | 'authoritative' | 'subnets' | 'subnetSelection'> &
  Partial<Pick<DhcpSite, 'probe'>>

export type DhcpOptions = {
  /** Bound to port 67 of the one interface. The server takes it over and closes it. */
  port: DatagramPort
  /** Read at each message: a reload replaces what is in it. */
  site: Pick<Site, 'domain' | 'network'> & { dhcp: ServedDhcp }
  /** Port of the plain HTTP listener on the same address. */
  httpPort: number
  /** Of the served interface, octets. */
  mtu: number
  store: LeaseStore
  fleet: DhcpFleet
  /** Looks at never-used addresses before they are offered; without it nobody looks. */
  probe?: AddressProbe
  /** Is told of other servers. */
  watch?: WatchHook
  alarms?: Alarms
  clock: Clock
  log: Log
  meter?: Meter
  /** Those of the meter, where port 4011 counts by them, too. */
  counts?: DhcpCounts
}

export type DhcpServer = {
  /** Hears nothing more, waits for leases that are being written, closes the port. */
  close(): Promise<void>
  /** The lease that this machine holds now. */
  leaseOf(mac: Mac): LeaseRecord | undefined
  /** The machine that holds this address now. */
  macAt(address: Ipv4): Mac | undefined
  /** Every record: bound, given back and in quarantine. */
  leases(): LeaseRecord[]
  /** Raises and ends the alarms of pools that run full; to be called now and then. */
  watchPools(): void
  /**
   * Gives an address back in the name of its machine, or ends its quarantine. Resolves with the record when that is durable, with undefined
   * if there is nothing to give back. Rejects, with the record as it was, when it could not be written.
   */
  release(address: Ipv4): Promise<LeaseRecord | undefined>
  /** Records go, as if they had never been. Resolves with them when that is durable; rejects, with all as it was, when it could not be written. */
  drop(isGone: (record: LeaseRecord) => boolean): Promise<LeaseRecord[]>
}

/** Beyond that the store is stuck, and waiting for more would only fill the memory. */
const MAX_WRITES_IN_FLIGHT = 1024
/** Some clients count their lease from when its ACK came, so one that is later than EXPIRY_GRACE_MS allows is not sent: they ask again. */
const MAX_WRITE_MS = 10_000
const MS_PER_SECOND = 1000

/** Loads the leases, then serves. */
export async function startDhcp(options: DhcpOptions): Promise<DhcpServer> {
  const { port, site, store, clock, log, alarms = new Alarms(clock) } = options
  const table = new LeaseTable(site.dhcp.subnets, site.network.address, () => site.dhcp.subnets)
  table.load(await store.all(), clock.now())
  const serving = new Serving({ ...options, alarms }, table)
  const stopHearing = clock.onStep(byMs => serving.shift(byMs))
  port.onDatagram(datagram => serving.hear(datagram))
  log.info(
    { room: 'dhcp', mode: site.dhcp.mode, interface: site.network.interface, leases: table.all().length },
    'serving DHCP',
  )
  return {
    async close() {
      port.onDatagram(() => {})
      stopHearing()
      await serving.close()
      await port.close()
    },
    leaseOf: mac => activeOnly(table.ofMac(mac), clock),
    macAt: address => activeOnly(table.at(address), clock)?.mac,
    leases: () => table.all(),
    watchPools: () => watchPools(table.counts(clock.now(), options.fleet.reserved()), alarms, log),
    release: address => serving.release(address),
    drop: isGone => serving.drop(isGone),
  }
}

function serverFacts({ domain, network, dhcp }: DhcpOptions['site'], httpPort: number): ServerFacts {
  const { address, prefix } = network
  const { leaseSeconds, authoritative, subnets, subnetSelection } = dhcp
  return { address, prefix, domain, leaseSeconds, authoritative, subnets, subnetSelection, httpPort }
}

function activeOnly(record: LeaseRecord | undefined, clock: Clock): LeaseRecord | undefined {
  return record && isActive(record, clock.now()) ? record : undefined
}

class Serving {
  readonly #options: DhcpOptions
  readonly #table: LeaseTable
  readonly #view: DhcpView
  readonly #writes = new Set<Promise<void>>()
  readonly #probing: Probing | undefined
  readonly #counts: DhcpCounts
  readonly #telling: Telling
  /** By how much the clock was set so far, all in all. */
  #shiftedMs = 0
  readonly #discovers = new Backlog<Heard>(
    heard => this.#telling.surviving(() => this.#decide(heard)),
    ({ request }) => this.#report(silence('overloaded', clientOf(request)), request),
  )

  constructor(options: DhcpOptions & { alarms: Alarms }, table: LeaseTable) {
    const { site, httpPort, fleet, clock, probe, meter = silentMeter, counts = dhcpCounts(meter) } = options
    this.#counts = counts
    gaugeLeases(meter, table, () => table.counts(clock.now(), fleet.reserved()))
    this.#options = options
    this.#telling = new Telling({ ...options, counts }, factOf)
    this.#table = table
    const server = workedOut(
      () => [site.dhcp],
      () => serverFacts(site, httpPort),
    )
    this.#view = {
      get server() {
        return server()
      },
      leases: table,
      fleet,
    }
    this.#probing =
      probe &&
      new Probing(
        probe,
        clock,
        (waited, answerer) => this.#telling.surviving(() => this.#afterProbe(waited, answerer)),
        ({ offer, heard }) => this.#report(silence('probe-overtaken', offer.client), heard.request),
      )
  }

  hear(datagram: Datagram): void {
    this.#telling.surviving(() => this.#receive(datagram))
  }

  async release(address: Ipv4): Promise<LeaseRecord | undefined> {
    // An ACK that is on its way to the store comes first, or its record would replace this one there or here, but not in both.
    while (this.#table.isPending(address)) await this.settle()
    const before = this.#table.at(address)
    if (!before || before.state === 'released') return undefined
    const released: LeaseRecord = { ...before, state: 'released', expiresAt: this.#options.clock.now() }
    // At once, so that a repeated request is not acknowledged from the old record while this is written.
    this.#table.put(released)
    const written = this.#write([released])
    this.#track(written.catch(() => {}))
    try {
      await written
    } catch (error) {
      if (this.#table.at(address) === released) this.#table.put(before)
      throw error
    }
    this.#options.log.info(
      { room: 'dhcp', mac: before.mac, address },
      `${address} of ${before.mac} was given back by an operator`,
    )
    return released
  }

  async drop(isGone: (record: LeaseRecord) => boolean): Promise<LeaseRecord[]> {
    const gone = this.#table.all().filter(record => isGone(record) && !this.#table.isPending(record.address))
    if (gone.length === 0) return gone
    for (const { address } of gone) this.#table.remove(address)
    try {
      await this.#options.store.remove(gone.map(({ address }) => address))
    } catch (error) {
      for (const record of gone) if (!this.#table.at(record.address)) this.#table.put(record)
      throw error
    }
    return gone
  }

  /** The clock was set, which neither ends a lease nor makes it longer (I06). */
  shift(byMs: number): void {
    this.#shiftedMs += byMs
    this.#table.shift(byMs)
    const failed = (error: unknown): void =>
      this.#options.log.error({ room: 'dhcp', error: String(error) }, 'leases could not be moved with the clock')
    this.#track(this.#options.store.shift(byMs).catch(failed))
  }

  async close(): Promise<void> {
    this.#discovers.clear()
    this.#probing?.close()
    await this.settle()
  }

  async settle(): Promise<void> {
    await Promise.allSettled(this.#writes)
  }

  #receive({ bytes, from }: Datagram): void {
    const now = this.#options.clock.now()
    this.#table.expireHolds(now)
    const request = decode(bytes)
    // What we asked ourselves is heard here, too: nobody waits for an answer, so it is neither counted nor decided.
    if (!isMalformed(request) && this.#options.watch?.isOurs(request)) return
    if (!isMalformed(request) && isInspection(request)) return this.#showInspector(request, from.port)
    this.#counts.received()
    if (isMalformed(request)) {
      this.#counts.malformed(request.malformed)
      writeReason(this.#telling.calm, 'malformed', { detail: request.malformed, from: from.address })
      return
    }
    const heard: Heard = { request, sourcePort: from.port }
    const mac = macOf(request)
    if (mac && messageTypeOf(request) === 'discover') return this.#discovers.add(mac, heard)
    if (mac) this.#discovers.settle(mac)
    this.#decide(heard)
  }

  /** What a stranger would be told now. No address is held for it, and nobody becomes known. */
  #showInspector(request: DhcpMessage, sourcePort: number): void {
    const decision = respond(request, this.#view, this.#options.clock.now())
    if (decision.do !== 'reply') return
    this.#telling.sendUntold(decision, request, destinationOf(request, decision.type, sourcePort))
  }

  #decide(heard: Heard): void {
    this.#carryOut(this.#bounded(respond(heard.request, this.#view, this.#options.clock.now())), heard)
  }

  /** `tries` counts the addresses that were found in use for this message. */
  #carryOut(decision: Decision, heard: Heard, tries = 0): void {
    const { request } = heard
    this.#applyHolds(decision.changes)
    if (decision.do === 'reply' && this.#waitsForProbe(decision, heard, tries)) return
    const records = recordsOf(decision.changes)
    if (decision.do === 'silence') {
      this.#keep(records, decision, request)
      this.#report(decision, request)
    } else if (records.length === 0) this.#send(decision, heard)
    else this.#track(this.#sendOnceWritten(decision, heard, records))
  }

  #waitsForProbe(reply: Reply, heard: Heard, tries: number): boolean {
    const probes = this.#options.site.dhcp.probe !== false
    const turn = (probes && this.#probing?.take(reply, heard, tries)) || 'now'
    if (turn === 'repeated') this.#report(silence('probe-pending', reply.client), heard.request)
    if (turn === 'unprobed') this.#telling.note('unprobed', reply)
    return turn === 'waits' || turn === 'repeated'
  }

  #afterProbe({ offer, heard, tries }: ProbedOffer, answerer: Answerer | undefined): void {
    const { client, address } = offer
    const now = this.#options.clock.now()
    if (this.#table.heldBy(client.mac, now) !== address)
      return this.#report(silence('probe-overtaken', client), heard.request)
    const verdict = judgeAnswer(offer, answerer, { leases: this.#table, subnets: this.#view.server.subnets, now })
    if (verdict.do === 'quarantine') {
      this.#counts.noted('address-in-use')
      writeConflict(this.#telling.calm, client, verdict.record)
      this.#table.unhold(client.mac)
      this.#keep([verdict.record], offer, heard.request)
      const isLast = tries + 1 >= TRIES_MOST
      this.#carryOut(isLast ? silence('all-in-use', client) : respond(heard.request, this.#view, now), heard, tries + 1)
      return
    }
    if (verdict.do === 'offer-anyway') {
      this.#telling.note('answers-for-all', offer, { address, ...(answerer?.mac ? { answerer: answerer.mac } : {}) })
    }
    this.#send(offer, heard)
  }

  /** RFC 2131 §3.1 wants the record before the ACK, so no room for the record means no ACK. */
  #bounded(decision: Decision): Decision {
    const isFull = this.#writes.size >= MAX_WRITES_IN_FLIGHT && recordsOf(decision.changes).length > 0
    return isFull ? silence('store-busy', decision.client) : decision
  }

  #applyHolds(changes: readonly Change[]): void {
    const now = this.#options.clock.now()
    for (const change of changes) {
      if (change.change === 'hold') this.#table.hold(change.mac, change.address, now, change.standing)
      if (change.change === 'unhold') this.#table.unhold(change.mac)
    }
  }

  /** Quarantine and release hold at once: a record that fails to be written errs on the side of an old lease. */
  #keep(records: LeaseRecord[], decision: Decision, request: DhcpMessage): void {
    for (const record of records) this.#table.put(record)
    if (records.length === 0) return
    this.#track(this.#write(records).catch(error => this.#reportFailedWrite(decision, request, error)))
  }

  async #sendOnceWritten(reply: Reply, heard: Heard, records: LeaseRecord[]): Promise<void> {
    const { request } = heard
    const { address, mac } = records[0]!
    const { clock } = this.#options
    const [beganAt, shiftedMs, before] = [clock.elapsed(), this.#shiftedMs, this.#table.at(address)]
    this.#table.begin(address, mac, request.xid)
    try {
      await this.#write(records)
    } catch (error) {
      this.#table.end(address, mac, request.xid)
      this.#reportFailedWrite(reply, request, error)
      return
    }
    const movedMs = this.#shiftedMs - shiftedMs
    const isOvertaken = isGivenBackSince(before, this.#table.at(address), movedMs)
    const [granted, ...others] = records.map(record => moveLease(record, movedMs))
    for (const record of others) this.#table.put(record)
    // What came to the machine since this was decided is as good as given up, too.
    const givenUp = isOvertaken ? [] : givenUpFor(address, mac, this.#table, clock.now())
    if (!isOvertaken) this.#table.put(granted!, request.xid)
    this.#keep(givenUp, reply, request)
    this.#table.end(address, mac, request.xid)
    this.#table.unhold(mac)
    if (isOvertaken) this.#report(silence('request-overtaken', reply.client), request)
    else if (clock.elapsed() - beganAt > MAX_WRITE_MS) this.#report(silence('store-slow', reply.client), request)
    else this.#send(reply, heard)
  }

  async #write(records: LeaseRecord[]): Promise<void> {
    const { store, clock } = this.#options
    const began = clock.elapsed()
    const tell = (result: 'written' | 'failed') =>
      this.#counts.written((clock.elapsed() - began) / MS_PER_SECOND, result)
    try {
      await (records.length === 1 ? store.put(records[0]!) : Promise.all(records.map(record => store.put(record))))
    } catch (error) {
      tell('failed')
      throw error
    }
    tell('written')
  }

  #track(work: Promise<void>): void {
    const tracked = work.catch(error => this.#telling.reportBug(error)).finally(() => this.#writes.delete(tracked))
    this.#writes.add(tracked)
  }

  #send(reply: Reply, { request, sourcePort }: Heard): void {
    this.#telling.send(reply, request, destinationOf(request, reply.type, sourcePort))
  }

  #report(decision: Decision, request: DhcpMessage): void {
    if (decision.reason === 'foreign-server') this.#options.watch?.sawChoice(request)
    this.#telling.report(decision, request)
  }

  #reportFailedWrite(decision: Decision, request: DhcpMessage, error: unknown): void {
    const { client } = decision
    this.#counts.failed('store-failed', request)
    writeReason(this.#telling.log, 'store-failed', { ...(client ? { mac: client.mac } : {}), error: String(error) })
    if (client) this.#options.fleet.tell({ fact: 'silent', client, reason: 'store-failed' })
  }
}

function recordsOf(changes: readonly Change[]): LeaseRecord[] {
  return changes.flatMap(change => (change.change === 'put' ? [change.record] : []))
}

function factOf(decision: Decision): DhcpFact | undefined {
  const { client, reason } = decision
  if (!client) return undefined
  if (decision.do === 'silence') return { fact: 'silent', client, reason }
  if (decision.type === 'nak') return { fact: 'refused', client, reason }
  const { address } = decision
  if (!address) return undefined
  if (reason === 'informed') return { fact: 'informed', client, address }
  const fact = decision.type === 'offer' ? 'offered' : 'acknowledged'
  return { fact, client, address, plan: decision.said.plan }
}
