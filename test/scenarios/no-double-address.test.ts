/**
 * The one property of a DHCP server, on the whole server: no two machines ever hold one address. Any machines on two subnets, any messages and
 * times, a disk that fails or is slow, power cuts, restarts. What counts is what machines were told on the wire.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { messageTypeOf } from '../../services/dhcp/options.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { dhcp, ip, mac, type Said } from '../dhcp/messages.ts'
import { RACK, START, subnet } from '../dhcp/rig.ts'
import { type Heard, OURS, RELAY, SERVER, Wire } from './wire.ts'

const MACHINES = [1, 2, 3, 4, 5, 6].map(last => mac(`52:54:00:00:00:0${last}`))
const LEASE_MS = 3_600_000
const FAR = subnet('10.78.0.0/24', ['10.78.0.100-10.78.0.101'], { relays: [ip(RELAY)], router: ip(RELAY) })
const ADDRESSES = [11, 99, 100, 101, 102, 103].map(last => `10.77.0.${last}`).concat('10.78.0.100', '10.78.0.101')

const SAYS = [
  'discover',
  'boot',
  'boot',
  'take',
  'take-any',
  'foreign',
  'reboot',
  'renew',
  'rebind',
  'release',
  'decline',
  'inform',
] as const
const HAPPENS = [
  'disk fails',
  'disk works',
  'disk works',
  'disk waits',
  'disk goes on',
  'disk goes on',
  'power cut',
  'restart',
  'operator releases',
] as const

type Step =
  | {
      who: number
      says: (typeof SAYS)[number]
      address: string
      waitMs: number
      clientId: number
      relayed: boolean
      again: boolean
      own: boolean
    }
  | { happens: (typeof HAPPENS)[number]; address: string }

const anyMessage: fc.Arbitrary<Step> = fc.record({
  who: fc.nat(MACHINES.length - 1),
  says: fc.constantFrom(...SAYS),
  address: fc.constantFrom(...ADDRESSES),
  waitMs: fc.constantFrom(0, 0, 1, 1000, 29_000, 60_000, 600_000, 1_800_000, LEASE_MS, LEASE_MS + 30_000),
  clientId: fc.nat(2),
  relayed: fc.boolean(),
  again: fc.boolean(),
  own: fc.boolean(),
})
const anyEvent: fc.Arbitrary<Step> = fc.record({
  happens: fc.constantFrom(...HAPPENS),
  address: fc.constantFrom(...ADDRESSES),
})
const anySteps = fc.array(fc.oneof({ arbitrary: anyMessage, weight: 4 }, { arbitrary: anyEvent, weight: 1 }), {
  minLength: 20,
  maxLength: 100,
  size: 'max',
})

/** What the machines believe, by what they heard: an address is theirs from its ACK to the end of the lease. */
class Rack {
  readonly holders = new Map<string, { mac: Mac; until: number }>()
  readonly #offers = new Map<Mac, string>()
  readonly #transactions = new Map<Mac, number>()
  readonly #wire: Wire
  #count = 0
  acks = 0

  constructor(wire: Wire) {
    this.#wire = wire
    wire.fleet.reservations.set(MACHINES[0]!, ip('10.77.0.11'))
    wire.fleet.reservations.set(MACHINES[1]!, ip('10.77.0.101'))
    wire.fleet.listed.add(MACHINES[2]!)
  }

  async take(step: Step): Promise<void> {
    if ('happens' in step) return this.#happen(step.happens, step.address)
    this.#wire.clock.advance(step.waitMs)
    if (step.says === 'boot') {
      await this.#say({ ...step, says: 'discover' })
      return this.#say({ ...step, says: 'take' })
    }
    const own = step.own && [...this.holders].find(([, holder]) => holder.mac === MACHINES[step.who])?.[0]
    return this.#say(own ? { ...step, address: own } : step)
  }

  async #say(step: Extract<Step, { who: number }>): Promise<void> {
    const sender = MACHINES[step.who]!
    const { message, to } = this.#messageOf(step, sender)
    this.#giveUp(sender, step)
    this.#hear(await this.#wire.send(`machine${step.who}`, message, to))
  }

  /**
   * Who begins anew uses nothing until it hears an ACK, and who renews uses that address; who gives an address back or declines it stops using
   * it, whatever becomes of its word.
   */
  #giveUp(sender: Mac, { says, address }: Extract<Step, { who: number }>): void {
    const isOver = (held: string): boolean => {
      if (says === 'inform') return false
      if (says === 'release' || says === 'decline') return held === address
      return says === 'renew' || says === 'rebind' ? held !== address : true
    }
    for (const [held, { mac: owner }] of this.holders) if (owner === sender && isOver(held)) this.holders.delete(held)
  }

  /** Whatever was held back may be heard now, by whoever asked for it. */
  async #happen(what: (typeof HAPPENS)[number], address: string): Promise<void> {
    const { store, lan } = this.#wire
    const before = lan.frames.length
    if (what === 'disk fails') store.failure = new Error('ENOSPC')
    if (what === 'disk works') store.failure = undefined
    if (what === 'disk waits') store.holdWrites()
    if (what === 'disk goes on' || what === 'restart' || what === 'operator releases') store.letWritesGo()
    if (what === 'restart') await this.#wire.restart()
    if (what === 'power cut') await this.#wire.crash()
    await lan.settle()
    this.#hear(this.#wire.repliesSince(before))
    if (what === 'operator releases') await this.#operatorReleases(address)
  }

  /** An operator says that the machine does not use the address any more. */
  async #operatorReleases(address: string): Promise<void> {
    const released = await this.#wire.server.release(ip(address)).catch(() => undefined)
    if (released) this.holders.delete(address)
  }

  #messageOf({ says, address, clientId, relayed, again }: Extract<Step, { who: number }>, sender: Mac) {
    if (!again) this.#transactions.set(sender, ++this.#count)
    const said: Said = {
      mac: sender,
      xid: this.#transactions.get(sender) ?? 0,
      ...(clientId === 0 ? {} : { clientId: Uint8Array.of(1, clientId) }),
      ...(relayed && says !== 'renew' ? { giaddr: RELAY } : {}),
    }
    const everybody = { address: ip('255.255.255.255'), port: 67 }
    switch (says) {
      case 'boot':
      case 'discover':
        return { message: dhcp('discover', { ...said, wants: address }), to: everybody }
      case 'take':
        return {
          message: dhcp('request', { ...said, wants: this.#offers.get(sender) ?? address, server: OURS }),
          to: everybody,
        }
      case 'take-any':
        return { message: dhcp('request', { ...said, wants: address, server: OURS }), to: everybody }
      case 'foreign':
        return { message: dhcp('request', { ...said, wants: address, server: '10.77.0.9' }), to: everybody }
      case 'reboot':
        return { message: dhcp('request', { ...said, wants: address }), to: everybody }
      case 'renew':
      case 'rebind':
        return { message: dhcp('request', { ...said, ciaddr: address }), to: says === 'renew' ? SERVER : everybody }
      case 'release':
        return { message: dhcp('release', { mac: sender, ciaddr: address, server: OURS }), to: SERVER }
      case 'decline':
        return { message: dhcp('decline', { mac: sender, wants: address, server: OURS }), to: everybody }
      case 'inform':
        return { message: dhcp('inform', { ...said, ciaddr: address }), to: everybody }
    }
  }

  #hear(heard: readonly Heard[]): void {
    for (const { message } of heard) {
      const hearer = mac([...message.chaddr].map(octet => octet.toString(16).padStart(2, '0')).join(':'))
      const { yiaddr } = message
      if (messageTypeOf(message) === 'offer') this.#offers.set(hearer, yiaddr)
      if (messageTypeOf(message) === 'ack' && yiaddr !== '0.0.0.0') this.#believe(hearer, yiaddr)
    }
  }

  #believe(sender: Mac, address: string): void {
    const now = this.#wire.clock.now()
    const holder = this.holders.get(address)
    if (holder && holder.mac !== sender && now < holder.until) {
      throw new Error(`${address} belongs to ${holder.mac} and was acknowledged to ${sender}`)
    }
    this.acks += 1
    // A machine that takes a new address stops using its old one.
    for (const [other, { mac: owner }] of this.holders) if (owner === sender) this.holders.delete(other)
    this.holders.set(address, { mac: sender, until: now + LEASE_MS })
  }
}

test('C06 D16 I01 no two machines ever hold one address, whatever the disk and the power do', async () => {
  let acks = 0
  await fc.assert(
    fc.asyncProperty(anySteps, async steps => {
      const wire = await Wire.open({ subnets: [RACK, FAR] })
      const rack = new Rack(wire)
      for (const step of steps) await rack.take(step)
      for (const [address, { mac: owner }] of rack.holders) {
        expect(wire.fleet.reservedFor(ip(address))?.macs ?? [owner]).toContain(owner)
      }
      expect(wire.log.lines.filter(({ reason }) => reason === 'internal-error')).toEqual([])
      acks += rack.acks
    }),
    { numRuns: 150 },
  )
  // Stories in which nobody gets anything would show nothing.
  expect(acks).toBeGreaterThan(700)
}, 60_000)

test('the property above can fail: a second holder is noticed', async () => {
  const rack = new Rack(await Wire.open())
  rack.holders.set('10.77.0.100', { mac: MACHINES[5]!, until: START + LEASE_MS })
  const step: Step = {
    who: 2,
    says: 'discover',
    address: '10.77.0.99',
    waitMs: 0,
    clientId: 0,
    relayed: false,
    again: false,
    own: false,
  }
  await rack.take(step)
  await expect(rack.take({ ...step, says: 'take' })).rejects.toThrow('10.77.0.100 belongs to')
})
