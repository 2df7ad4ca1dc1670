/** A flood of invented MACs on a small pool, and the machines that are switched on meanwhile: who gets an address, and who has to wait. */
import { expect, test } from 'vitest'
import { decode, encode } from '../../services/dhcp/codec.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { messageTypeOf } from '../../services/dhcp/options.ts'
import { startDhcp } from '../../services/dhcp/server.ts'
import type { Clock } from '../../services/kit/clock.ts'
import { type Mac, macFromBytes, macToBytes } from '../../services/kit/mac.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'
import { dhcp, ip } from './messages.ts'
import { listeningLog, MemoryStore, OURS, START, subnet, TestFleet } from './rig.ts'

const POOL_SIZE = 200
const RACK = subnet('10.77.0.0/23', ['10.77.1.1-10.77.1.200'])
const FLOOD_MS = 60_000
const INVENTED_PER_STEP = 10
const STEP_MS = 10
/** As firmware waits for an offer. */
const WAITS_MS = [2000, 4000, 8000, 16_000]
/** From the first offer to the REQUEST: iPXE that is told of no proxy, ROMs that listen for more offers, OVMF. */
const THINKS_MS = [0, 1000, 2000, 4000]
const MACHINES = 40
const LIMIT_MS = 60_000

const CHADDR = 28
const TO_SERVER = { address: ip('255.255.255.255'), port: 67 }

const numbered = (kind: number, index: number): Mac =>
  macFromBytes(Uint8Array.of(0x52, 0x54, kind, index >>> 16, index >>> 8, index))!
const [INVENTED, LISTED, FORMER, NEW] = [0, 1, 2, 3]

/** Asks as often as firmware does, then gives up. */
class Firmware {
  readonly mac: Mac
  address: string | undefined
  naks = 0
  readonly #thinksMs: number
  readonly #clock: Clock
  readonly #say: (message: DhcpMessage) => void
  #waitsMs = [...WAITS_MS]
  #xid = 0
  #isAsking = false
  #stopWaiting = () => {}

  constructor(mac: Mac, thinksMs: number, clock: Clock, say: (message: DhcpMessage) => void) {
    this.mac = mac
    this.#thinksMs = thinksMs
    this.#clock = clock
    this.#say = say
  }

  get tries(): number {
    return WAITS_MS.length - this.#waitsMs.length
  }

  discover(): void {
    const [waitMs, ...rest] = this.#waitsMs
    if (waitMs === undefined) return
    this.#waitsMs = rest
    this.#isAsking = false
    this.#say(dhcp('discover', { mac: this.mac, xid: (this.#xid += 1) }))
    this.#stopWaiting = this.#clock.after(waitMs, () => this.discover())
  }

  hear(message: DhcpMessage): void {
    const type = messageTypeOf(message)
    if (message.xid !== this.#xid) return
    if (type === 'ack') this.address = message.yiaddr
    if (type === 'nak') {
      this.naks += 1
      this.discover()
    }
    if (type !== 'offer' || this.#isAsking) return
    this.#isAsking = true
    this.#stopWaiting()
    const request = dhcp('request', { mac: this.mac, xid: this.#xid, wants: message.yiaddr, server: OURS })
    this.#clock.after(this.#thinksMs, () => this.#say(request))
  }
}

/** A wire with the server on it, where whoever is `switchedOn` hears its replies. */
async function wireOf() {
  const lan = new FakeLan({ eth1: OURS })
  const clock = new FakeClock(START)
  const [fleet, store, log] = [new TestFleet(), new MemoryStore(), listeningLog()]
  const served = { mode: 'server', leaseSeconds: 3600, authoritative: true, subnetSelection: false } as const
  const network = { interface: 'eth1', address: OURS, prefix: RACK.prefix }
  const site = { domain: 'rack7.example.org', network, dhcp: { ...served, subnets: [RACK] } }
  // Its leases ended yesterday, so its addresses are the first that strangers are given when no other is left.
  for (let index = 0; index < MACHINES; index += 1) {
    const [mac, address] = [numbered(FORMER!, index), ip(`10.77.1.${index + 1}`)]
    const boundAt = START - 86_400_000
    store.records.set(address, { address, mac, state: 'bound', boundAt, expiresAt: boundAt + 3_600_000 })
  }
  const port = await lan.open({ device: 'eth1', address: ip('0.0.0.0'), port: 67 })
  const server = await startDhcp({ port, site, httpPort: 80, mtu: 1500, store, fleet, clock, log })
  const wire = await lan.open({ device: 'machines', address: ip('0.0.0.0'), port: 68 })
  const machines = new Map<Mac, Firmware>()
  wire.onDatagram(({ bytes }) => {
    const machine = machines.get(macFromBytes(bytes.subarray(CHADDR, CHADDR + 6))!)
    const message = machine && decode(bytes)
    if (message && !isMalformed(message)) machine.hear(message)
  })
  const say = (message: DhcpMessage): void => wire.send(encode(message, { maxBytes: 1472 }), TO_SERVER)
  const switchOn = (kind: number, index: number): Firmware => {
    const mac = numbered(kind, index)
    const machine = new Firmware(mac, THINKS_MS[index % THINKS_MS.length]!, clock, say)
    machines.set(mac, machine)
    machine.discover()
    return machine
  }
  const template = encode(dhcp('discover'), { maxBytes: 1472 })
  let invented = 0
  /** Ten DISCOVERs, each of a MAC that nobody has. */
  const flood = (): void => {
    for (let count = 0; count < INVENTED_PER_STEP; count += 1) {
      const bytes = Uint8Array.from(template)
      bytes.set(macToBytes(numbered(INVENTED!, (invented += 1))), CHADDR)
      wire.send(bytes, TO_SERVER)
    }
  }
  return { lan, clock, fleet, log, server, switchOn, flood }
}

type Kind = 'listed' | 'with a former lease' | 'new'

test(
  'C13 T17 a thousand invented MACs a second on a pool of two hundred: every machine that is switched on meanwhile has its address in time',
  async () => {
    const it = await wireOf()
    const switchedOn: Record<Kind, Firmware[]> = { listed: [], 'with a former lease': [], new: [] }
    for (let index = 0; index < MACHINES; index += 1) it.fleet.listed.add(numbered(LISTED!, index))
    const everyMs = FLOOD_MS / 2 / MACHINES
    for (let at = 0; at < FLOOD_MS; at += STEP_MS) {
      it.flood()
      // From the fifth second on, when the pool is long full of offers; the last has its tries before the flood ends.
      const since = at - 5000
      const index = since / everyMs
      if (since >= 0 && Number.isInteger(index) && index < MACHINES) {
        switchedOn.listed.push(it.switchOn(LISTED!, index))
        switchedOn['with a former lease'].push(it.switchOn(FORMER!, index))
        switchedOn.new.push(it.switchOn(NEW!, index))
      }
      it.clock.advance(STEP_MS)
      await it.lan.settle()
      it.lan.frames.length = 0
      if (at === FLOOD_MS / 2) it.server.watchPools()
    }
    const served = Object.entries(switchedOn).map(([kind, all]) => [kind, all.filter(({ address }) => address).length])
    expect(served).toEqual([
      ['listed', MACHINES],
      ['with a former lease', MACHINES],
      ['new', MACHINES],
    ])
    // Not even a new one has to ask twice: all other addresses have their turn before what it was just offered.
    const most = Object.entries(switchedOn).map(([kind, all]) => [kind, Math.max(...all.map(({ tries }) => tries))])
    expect(most).toEqual([
      ['listed', 1],
      ['with a former lease', 1],
      ['new', 1],
    ])
    const addresses = Object.values(switchedOn).flatMap(all => all.map(({ address }) => address))
    expect(new Set(addresses).size).toBe(3 * MACHINES)
    const reasons = new Set(it.log.lines.map(({ reason }) => reason))
    expect([reasons.has('offered-again'), reasons.has('pool-exhausted'), reasons.has('pool-nearly-full')]).toEqual([
      true,
      false,
      true,
    ])
    await it.server.close()
  },
  LIMIT_MS,
)

test('C04 one machine more than the pool has addresses: all but one are served, and the last one hears nothing', async () => {
  const it = await wireOf()
  const machines = Array.from({ length: POOL_SIZE + 1 }, (_, index) => it.switchOn(NEW!, index))
  for (let waited = 0; waited < 5000; waited += STEP_MS) {
    it.clock.advance(STEP_MS)
    await it.lan.settle()
  }
  const last = machines.filter(({ address }) => !address)
  expect([machines.length - last.length, last.length]).toEqual([POOL_SIZE, 1])
  // It was offered what another one asked for first.
  expect(last[0]!.naks).toBeGreaterThan(0)
  expect(it.log.lines.filter(({ reason }) => reason === 'pool-exhausted')[0]?.level).toBe('error')
  await it.server.close()
})
