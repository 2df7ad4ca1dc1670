/** The one property of a DHCP server: no two machines ever hold one address. Any machines, messages, times and failures. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DhcpClient } from '../../services/dhcp/fleet.ts'
import type { DhcpMessage } from '../../services/dhcp/message.ts'
import { LeaseTable } from '../../services/dhcp/lease-table.ts'
import { Reservations } from '../../services/dhcp/reservations.ts'
import { respond } from '../../services/dhcp/respond.ts'
import type { Change, Decision } from '../../services/dhcp/decision.ts'
import { messageTypeOf } from '../../services/dhcp/options.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { LeaseRecord } from '../../services/store/types.ts'
import { dhcp, ip, mac, NODE1 } from './messages.ts'
import { RACK, server, START, TestFleet } from './rig.ts'

const MACHINES = [1, 2, 3, 4, 5, 6].map(last => mac(`52:54:00:00:00:0${last}`))
const ADDRESSES = ['10.77.0.11', '10.77.0.99', '10.77.0.100', '10.77.0.101', '10.77.0.102', '10.77.0.103']
const LEASE_MS = 3_600_000

type Step = {
  machine: number
  does: 'flood' | 'discover' | 'take' | 'take-late' | 'reboot' | 'renew' | 'release' | 'decline'
  address: string
  waitMs: number
  writeFails: boolean
  clientId: number
}

const anyStep: fc.Arbitrary<Step> = fc.record({
  machine: fc.nat(MACHINES.length - 1),
  does: fc.constantFrom('flood', 'discover', 'take', 'take-late', 'reboot', 'renew', 'release', 'decline'),
  address: fc.constantFrom(...ADDRESSES),
  waitMs: fc.constantFrom(0, 1, 1000, 30_000, 60_000, 1_800_000, LEASE_MS, 2 * LEASE_MS),
  writeFails: fc.boolean(),
  clientId: fc.nat(2),
})

/** Two of the addresses are reserved by a client identifier: any machine may say it, several at a time. */
class IdentifierFleet extends TestFleet {
  readonly #reserved = new Reservations({
    machines: [],
    dhcp: {
      reservations: [
        { address: ip('10.77.0.102'), key: { by: 'client-id', value: '0101' }, options: [] },
        { address: ip('10.77.0.99'), key: { by: 'client-id', value: '0102' }, options: [] },
      ],
    },
  })

  override view(client: DhcpClient) {
    const view = super.view(client)
    const found = view.reservation ? undefined : this.#reserved.find(client, () => true)
    return found ? { ...view, reservation: found.reservation.address, reservedBy: found.by } : view
  }

  override reservedFor(address: Ipv4) {
    return super.reservedFor(address) ?? this.#reserved.ownerOf(address)
  }
}

const hexOctet = (value: number): string => (value & 255).toString(16).padStart(2, '0')

/** What the machines themselves believe: who was acknowledged an address, and until when. */
class Rack {
  readonly holders = new Map<string, { mac: Mac; until: number }>()
  readonly offers = new Map<Mac, string>()
  readonly fleet = new IdentifierFleet()
  /** What each machine ever said of itself, in the words of reservations. */
  readonly said = new Map<Mac, Set<string>>()
  readonly table = new LeaseTable([RACK], ip('10.77.0.1'))
  now = START
  /** Offers of what somebody else was offered before. */
  offeredAgain = 0
  #xid = 0

  constructor() {
    this.fleet.reservations.set(MACHINES[0]!, ip('10.77.0.11'))
    this.fleet.reservations.set(MACHINES[1]!, ip('10.77.0.101'))
    this.fleet.listed.add(MACHINES[2]!)
  }

  take(step: Step): void {
    this.now += step.waitMs
    this.#xid += 1
    const sender = MACHINES[step.machine]!
    if (step.does !== 'flood') return this.#say(this.#messageOf(step, sender), sender, step.writeFails)
    // As many invented MACs as the pool has addresses ask once, and never again.
    for (let count = 0; count < ADDRESSES.length; count += 1) {
      this.#xid += 1
      const invented = mac(`52:54:ff:00:${hexOctet(this.#xid >>> 8)}:${hexOctet(this.#xid)}`)
      this.#say(dhcp('discover', { mac: invented, xid: this.#xid }), invented, false)
    }
  }

  #say(message: DhcpMessage, sender: Mac, writeFails: boolean): void {
    this.table.expireHolds(this.now)
    const decision = respond(message, { server: server(), leases: this.table, fleet: this.fleet }, this.now)
    if (decision.reason === 'offered-again') this.offeredAgain += 1
    const isWritten = this.#carryOut(decision, writeFails)
    if (decision.do === 'reply' && decision.type === 'offer') this.offers.set(sender, decision.message.yiaddr)
    if (decision.do === 'reply' && decision.type === 'ack' && isWritten) this.#believe(sender, decision.message.yiaddr)
    if (decision.do === 'silence' && (decision.reason === 'released' || decision.reason === 'declined')) {
      this.holders.delete(decision.address!)
    }
  }

  #messageOf({ does, address, clientId }: Step, sender: Mac): DhcpMessage {
    const id = clientId === 0 ? {} : { clientId: Uint8Array.of(1, clientId) }
    if (does !== 'release' && does !== 'decline' && clientId !== 0) this.#note(sender, `client-id 010${clientId}`)
    const said = { mac: sender, xid: this.#xid, ...id }
    const own = this.table.ofMac(sender)?.address ?? address
    switch (does) {
      case 'flood':
      case 'discover':
        return dhcp('discover', { ...said, wants: address })
      case 'take':
        return dhcp('request', { ...said, wants: this.offers.get(sender) ?? address, server: '10.77.0.1' })
      case 'take-late':
        return dhcp('request', { ...said, wants: address, server: '10.77.0.1' })
      case 'reboot':
        return dhcp('request', { ...said, wants: address })
      case 'renew':
        return dhcp('request', { ...said, ciaddr: address })
      case 'release':
        return dhcp('release', { mac: sender, ciaddr: own })
      case 'decline':
        return dhcp('decline', { mac: sender, wants: own, server: '10.77.0.1' })
    }
  }

  #note(sender: Mac, words: string): void {
    this.said.set(sender, new Set([...(this.said.get(sender) ?? []), words]))
  }

  /** As the server does: an ACK's record counts once it is written, a release at once. */
  #carryOut({ changes, ...decision }: Decision, writeFails: boolean): boolean {
    const isAck = decision.do === 'reply'
    for (const change of changes) {
      if (change.change === 'hold') this.table.hold(change.mac, change.address, this.now, change.standing)
      if (change.change === 'unhold') this.table.unhold(change.mac)
      if (change.change === 'put' && !(isAck && writeFails)) this.#put(change)
    }
    return !(writeFails && changes.some(({ change }) => change === 'put'))
  }

  #put({ record }: { record: LeaseRecord } & Change): void {
    this.table.put(record, this.#xid)
    if (record.state === 'bound') this.table.unhold(record.mac)
  }

  #believe(sender: Mac, address: string): void {
    const holder = this.holders.get(address)
    if (holder && holder.mac !== sender && this.now < holder.until) {
      throw new Error(`${address} belongs to ${holder.mac} and was acknowledged to ${sender}`)
    }
    // A machine that takes a new address stops using its old one.
    for (const [other, { mac: owner }] of this.holders) if (owner === sender) this.holders.delete(other)
    this.holders.set(address, { mac: sender, until: this.now + LEASE_MS })
  }
}

test('C06 D16 no two machines ever hold one address', () => {
  let offeredAgain = 0
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: 10, maxLength: 60, size: 'max' }), steps => {
      const rack = new Rack()
      for (const step of steps) rack.take(step)
      for (const [address, { mac: owner }] of rack.holders) {
        const reserved = rack.fleet.reservedFor(ip(address))
        const isIts = reserved?.macs.includes(owner) || reserved?.keys.some(key => rack.said.get(owner)?.has(key))
        expect([address, reserved === undefined || isIts]).toEqual([address, true])
      }
      offeredAgain += rack.offeredAgain
    }),
    { numRuns: 300 },
  )
  // Also where one address was offered to several.
  expect(offeredAgain).toBeGreaterThan(100)
})

test('the property above can fail: a second holder is noticed', () => {
  const rack = new Rack()
  rack.holders.set('10.77.0.100', { mac: NODE1, until: START + LEASE_MS })
  const discover: Step = {
    machine: 2,
    does: 'discover',
    address: '10.77.0.99',
    waitMs: 0,
    writeFails: false,
    clientId: 0,
  }
  rack.take(discover)
  expect(() => rack.take({ ...discover, does: 'take' })).toThrow('10.77.0.100 belongs to')
  expect(messageTypeOf(dhcp('discover'))).toBe('discover')
})
