/** The lease table against its rules in words: whatever is done to both, in whatever order, they answer alike. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LeaseTable, QUARANTINE_MS } from '../../services/dhcp/lease-table.ts'
import { OFFER_HOLD_MS, type Standing } from '../../services/dhcp/offers.ts'
import type { Instant } from '../../services/kit/clock.ts'
import { type Ipv4, ipv4ToNumber } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { Subnet } from '../../services/site/types.ts'
import type { LeaseRecord } from '../../services/store/types.ts'
import { ADDRESSES, Facts, isLeased, MACHINES } from './lease-facts.ts'
import { ip } from './messages.ts'
import { OURS, START, subnet } from './rig.ts'

const RESERVED = [ip('10.77.0.11'), ip('10.77.0.103')]
const FAR = subnet('10.78.0.0/24', ['10.78.0.10-10.78.0.11'])
/** The site as it may be after a reload. */
const SITES: Subnet[][] = [
  [subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.103'], { router: ip('10.77.0.254') })],
  [subnet('10.77.0.0/24', ['10.77.0.102-10.77.0.103', '10.77.0.50-10.77.0.50']), FAR],
  [FAR],
]

/** Everything that may be asked, of everybody, about every address. */
function answers(table: Facts | LeaseTable, subnets: readonly Subnet[], now: Instant): unknown {
  const nobody = () => false
  const some = (address: Ipv4) => address === ADDRESSES[0] || address === ADDRESSES[2]
  const ofAddress = (address: Ipv4) => ({
    at: table.at(address),
    acknowledgedIn: table.acknowledgedIn(address),
    isPending: table.isPending(address),
    of: MACHINES.map(one => [
      table.isFreeFor(address, one, now, 'known'),
      table.isFreeFor(address, one, now, 'stranger'),
      table.pendingIn(address, one),
      table.quarantine(address, one, now),
    ]),
  })
  const ofMachine = (one: Mac) => ({
    ofMac: table.ofMac(one),
    heldBy: table.heldBy(one, now),
    free: subnets.map(of => [table.nextFree(of, one, now, nobody), table.nextFree(of, one, now, some)]),
    offered: subnets.map(of => [table.nextOffered(of, one, now, nobody), table.nextOffered(of, one, now, some)]),
  })
  return {
    addresses: Object.fromEntries(ADDRESSES.map(address => [address, ofAddress(address)])),
    machines: Object.fromEntries(MACHINES.map(one => [one, ofMachine(one)])),
    all: table.all().toSorted((a, b) => ipv4ToNumber(a.address) - ipv4ToNumber(b.address)),
    counts: [table.counts(now, RESERVED), table.counts(now, [])],
    sizes: [table.holdCount, table.machineCount],
  }
}

/** Three seconds of work, on a machine that may be busy. */
const LIMIT_MS = 60_000

const anyMachine = fc.nat(MACHINES.length - 1)
const anyAddress = fc.nat(ADDRESSES.length - 1)
const anyStanding = fc.constantFrom<Standing>('known', 'stranger')
/** The site may have changed the length of its leases. */
const anyLength = fc.constantFrom(20_000, 600_000, 3_600_000)

const anyStep = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ does: fc.constant('offer'), machine: anyMachine, standing: anyStanding, site: fc.nat(1) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('hold'),
      machine: anyMachine,
      address: anyAddress,
      standing: anyStanding,
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('unhold'), machine: anyMachine }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('begin'), machine: anyMachine, address: anyAddress }) },
  {
    weight: 3,
    arbitrary: fc.record({ does: fc.constant('finish'), which: fc.nat(3), isWritten: fc.boolean(), length: anyLength }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ does: fc.constant('bind'), machine: anyMachine, address: anyAddress, length: anyLength }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('give-back'), address: anyAddress }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('decline'), machine: anyMachine, address: anyAddress }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('remove'), address: anyAddress }) },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('wait'),
      forMs: fc.constantFrom(1000, 30_000, 60_000, 600_000, 3_600_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('expire') }) },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('shift'), byMs: fc.constantFrom(-7_200_000, -5000, 5000, 7_200_000) }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('reload'), site: fc.nat(SITES.length - 1) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('restart'), backMs: fc.constantFrom(0, 50_000, 5_000_000) }) },
)
type Step = typeof anyStep extends fc.Arbitrary<infer T> ? T : never

/** Carries out the same on both. */
class Both {
  facts: Facts
  table: LeaseTable
  subnets: readonly Subnet[]
  now = START
  #xid = 0

  constructor(subnets: readonly Subnet[]) {
    this.subnets = subnets
    this.facts = new Facts(subnets)
    this.table = this.#tableOf()
  }

  #tableOf(): LeaseTable {
    return new LeaseTable(this.subnets, OURS, () => this.subnets)
  }

  /** As text, which is quicker; where that differs it is told what. */
  compare(): void {
    const [said, due] = [this.table, this.facts].map(table => answers(table, this.subnets, this.now))
    if (JSON.stringify(said) !== JSON.stringify(due)) expect(said).toEqual(due)
  }

  #each(act: (table: Facts | LeaseTable) => void): void {
    act(this.facts)
    act(this.table)
  }

  /** No two things happen in one instant. */
  take(step: Step): void {
    this.now += 1
    const machine = 'machine' in step ? MACHINES[step.machine]! : MACHINES[0]!
    const address = 'address' in step ? ADDRESSES[step.address]! : ADDRESSES[0]!
    if ('site' in step && 'standing' in step) return this.#offer(machine, step.site, step.standing)
    if ('standing' in step) return this.#hold(machine, address, step.standing)
    if ('which' in step) return this.#finish(step)
    if ('length' in step) return this.#put(this.#bound(address, machine, step.length))
    if ('byMs' in step) return this.#shift(step.byMs)
    if ('site' in step) return this.#reload(SITES[step.site]!)
    if ('backMs' in step) return this.#restart(step.backMs)
    switch (step.does) {
      case 'wait':
        this.now += step.forMs
        return
      case 'unhold':
        return this.#each(table => table.unhold(machine))
      case 'begin':
        return this.#begin(address, machine)
      case 'give-back':
        return this.#giveBack(address)
      case 'decline':
        return this.#put({ ...this.#bound(address, machine, QUARANTINE_MS), state: 'declined' })
      case 'remove':
        return this.#each(table => table.remove(address))
      case 'expire':
        return this.#each(table => table.expireHolds(this.now))
    }
  }

  #offer(machine: Mac, site: number, standing: Standing): void {
    const of = this.subnets[site % this.subnets.length]!
    const ask = (table: Facts) =>
      table.nextFree(of, machine, this.now, () => false) ?? table.nextOffered(of, machine, this.now, () => false)
    const address = ask(this.facts)
    if (address) this.#each(table => table.hold(machine, address, this.now, standing))
  }

  /** As choose.ts has it: what the machine may have, unless that is its lease already. */
  #hold(machine: Mac, address: Ipv4, standing: Standing): void {
    const isIts = isLeased(this.facts.at(address), this.now)
    if (isIts || !this.facts.isFreeFor(address, machine, this.now, standing)) return
    this.#each(table => table.hold(machine, address, this.now, standing))
  }

  /** One request of a machine at a time. */
  #begin(address: Ipv4, machine: Mac): void {
    if (this.facts.underWay.some(one => one.mac === machine)) return
    if (!this.facts.isFreeFor(address, machine, this.now, 'known')) return
    this.#xid += 1
    this.#each(table => table.begin(address, machine, this.#xid))
  }

  #finish({ which, isWritten, length }: { which: number; isWritten: boolean; length: number }): void {
    const one = this.facts.underWay[which % Math.max(1, this.facts.underWay.length)]
    if (!one) return
    if (isWritten) this.#put(this.#bound(one.address, one.mac, length), one.xid)
    this.#each(table => table.end(one.address, one.mac, one.xid))
    if (isWritten) this.#each(table => table.unhold(one.mac))
  }

  /** No two end in one instant: which of them comes first is nobody's concern. */
  #bound(address: Ipv4, owner: Mac, lengthMs: number): LeaseRecord {
    const ends = new Set(this.facts.all().map(({ expiresAt }) => expiresAt))
    let expiresAt = this.now + lengthMs
    while (ends.has(expiresAt)) expiresAt += 1
    return { address, mac: owner, state: 'bound', boundAt: this.now, expiresAt }
  }

  #put(record: LeaseRecord, xid?: number): void {
    this.#each(table => table.put(record, xid))
  }

  #giveBack(address: Ipv4): void {
    const record = this.facts.at(address)
    if (!record || record.state === 'released') return
    const { expiresAt } = this.#bound(address, record.mac, 0)
    this.#put({ ...record, state: 'released', expiresAt })
  }

  #shift(byMs: number): void {
    this.now += byMs
    this.#each(table => table.shift(byMs))
  }

  /** What was offered in vain just before the next question may count or not, so the question comes at once. */
  #reload(subnets: readonly Subnet[]): void {
    this.subnets = [...subnets]
    this.facts.reload(this.subnets)
    this.compare()
  }

  /** Records are all that is left; the clock may have gone back meanwhile. */
  #restart(backMs: number): void {
    const records = this.facts.all()
    this.now -= backMs
    this.facts = new Facts(this.subnets)
    this.table = this.#tableOf()
    this.#each(table => table.load(records, this.now))
  }

  /** Nothing is left of anybody once everything ended. */
  clear(): void {
    this.now += OFFER_HOLD_MS
    this.#each(table => table.expireHolds(this.now))
    for (const address of ADDRESSES) this.#each(table => table.remove(address))
    for (const { address, mac: asking, xid } of this.facts.underWay)
      this.#each(table => table.end(address, asking, xid))
    this.compare()
    expect([this.table.holdCount, this.table.machineCount, this.table.all()]).toEqual([0, 0, []])
  }
}

test('whatever happens to it, the lease table answers as the rules in words do', {
  timeout: LIMIT_MS,
}, () => {
  const anySteps = fc.array(fc.tuple(anyStep, fc.boolean()), { minLength: 1, maxLength: 60, size: 'max' })
  fc.assert(
    fc.property(fc.nat(SITES.length - 1), anySteps, (site, steps) => {
      const both = new Both(SITES[site]!)
      for (const [step, looks] of steps) {
        both.take(step)
        if (looks) both.compare()
      }
      both.compare()
      both.clear()
    }),
    { numRuns: 250 },
  )
})
