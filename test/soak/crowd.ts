/**
 * The machines of a soak and what becomes of them: a morning in which the whole rack is switched on, then a day of power cycles, reinstalls, cut cables and
 * renewals. What must not happen is a line in `wrong`.
 */
import type { Fleet } from '../../services/console/fleet.ts'
import type { Clock } from '../../services/kit/clock.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { SIMULATED_DEVICE } from '../../services/lab/network.ts'
import { type DhcpWire, renewLease } from '../../services/lab/simulated/dhcp-client.ts'
import { SimulatedMachine } from '../../services/lab/simulated/machine.ts'
import type { Outcome } from '../../services/lab/stage.ts'
import { type Action, ORDERS_MOST } from '../../services/console/schema/machine.ts'
import type { Chance } from '../fuzz/mutate.ts'
import type { Ledger } from './ledger.ts'
import { type Actor, mayInstall } from './roles.ts'

export type CrowdOptions = {
  actors: readonly Actor[]
  wire: DhcpWire
  ledger: Ledger
  fleet: Fleet
  chance: Chance
  clock: Clock
}

/** One machine: whether it is on its way now, whether its disk boots, and when a machine whose cable was cut comes back. */
type One = Actor & { isBusy: boolean; isInstalled: boolean; backAt?: number }

/** What a life must come to. `cut`: whatever it comes to, its power goes in the middle. */
type Wanted = 'installed' | 'booted-disk' | 'held' | 'cut'

/** More would measure the machines: they share the processors with the appliance. */
const AT_ONCE = 60
/** Patient, as firmware is: a storm beside it costs a few tries. */
const DHCP_WAITS_MS = [2_000, 4_000, 8_000, 16_000]
const CUT = 'its power was cut'
const CUT_WITHIN_MS = 4_000
const SILENT_MS = { least: 10_000, more: 50_000 }
const REINSTALLED_TOGETHER = 10
const RENEWALS_AT_ONCE = 50
const RENEWALS_LOOK_MS = 500

export class Crowd {
  readonly #options: CrowdOptions
  readonly #all: One[]
  readonly #lives = new Set<Promise<void>>()
  readonly wrong: string[] = []
  readonly counts = {
    ...{ lives: 0, installed: 0, bootedDisk: 0, held: 0, cut: 0 },
    ...{ approved: 0, reinstalled: 0, renewals: 0, renewalsMissed: 0 },
  }
  #isOver = false

  constructor(options: CrowdOptions) {
    this.#options = options
    this.#all = options.actors.map(actor => ({ ...actor, isBusy: false, isInstalled: false }))
  }

  /** Machines that run now. */
  get busy(): number {
    return this.#lives.size
  }

  get installed(): number {
    return this.#all.filter(({ isInstalled }) => isInstalled).length
  }

  /** Those that the site does not know come first: in a flood of such there is an end to who becomes known (C13). */
  async strangers(): Promise<void> {
    await this.#each(
      this.#all.filter(({ role }) => role === 'stranger'),
      one => this.#live(one, 'held'),
    )
  }

  /** The rack is switched on: what the site approves is installed, the rest is held; then a person approves what is meant to be. */
  async morning(): Promise<void> {
    await this.#each(
      this.#all.filter(({ role }) => role !== 'stranger'),
      one => this.#live(one, one.role === 'listed' ? 'installed' : 'held'),
    )
    const waiting = this.#all.filter(({ role }) => role === 'ordered')
    await this.#order(waiting, 'approve')
    await this.#each(waiting, one => this.#live(one, 'installed'))
  }

  /** One of the things that happen on any day. Begins it and does not wait. */
  act(): void {
    if (this.#lives.size >= AT_ONCE) return
    const { chance, clock } = this.#options
    const back = this.#all.find(({ isBusy, backAt }) => !isBusy && backAt !== undefined && backAt <= clock.now())
    if (back) return this.#begin([back], () => this.#reinstall([back]))
    const dice = chance.below(20)
    if (dice < 3) {
      const some = this.#some(REINSTALLED_TOGETHER, ({ isInstalled }) => isInstalled)
      this.#begin(some, () => this.#reinstall(some))
    } else if (dice < 6) {
      const some = this.#some(1, ({ isInstalled }) => isInstalled)
      this.#begin(some, () => this.#cut(some[0]!))
    } else if (dice < 8) {
      const some = this.#some(1, ({ role }) => !mayInstall(role))
      this.#begin(some, () => this.#live(some[0]!, 'held'))
    } else {
      const some = this.#some(1, ({ isInstalled }) => isInstalled)
      this.#begin(some, () => this.#live(some[0]!, 'booted-disk'))
    }
  }

  /** Installed systems keep their leases until `evening`. */
  async renew(): Promise<void> {
    while (!this.#isOver) {
      const { clock, ledger } = this.#options
      const due = this.#all.filter(({ isBusy, isInstalled, machine }) => {
        const holding = ledger.holding(machine.mac)
        return !isBusy && isInstalled && holding && clock.now() >= (holding.from + holding.until) / 2
      })
      await Promise.all(due.slice(0, RENEWALS_AT_ONCE).map(one => this.#renewOne(one)))
      await this.#pause(RENEWALS_LOOK_MS)
    }
  }

  /** Whoever is on its way arrives, whoever was cut off comes back, and then nobody says anything any more. */
  async evening(): Promise<void> {
    await Promise.all(this.#lives)
    const back = this.#all.filter(({ backAt }) => backAt !== undefined)
    if (back.length > 0) await this.#reinstall(back)
    this.#isOver = true
  }

  /** What the appliance says of them must be what became of them. */
  async compare(): Promise<void> {
    const views = new Map((await this.#options.fleet.list()).map(view => [view.id, view]))
    for (const { machine, role, isInstalled } of this.#all) {
      const view = views.get(machine.mac)
      const wanted = isInstalled ? 'installed' : 'held'
      const state = view ? `${view.state}${view.installed?.inferred ? ' (inferred)' : ''}` : 'unknown'
      if (state !== wanted)
        this.wrong.push(`${machine.name} (${role}) is ${wanted}, and the appliance has it as ${state}`)
      if (!mayInstall(role) && view && view.attempts > 0)
        this.wrong.push(`${machine.name} (${role}) had an attempt that nobody wanted`)
    }
  }

  #some(most: number, fits: (one: One) => boolean): One[] {
    const { chance } = this.#options
    const able = this.#all.filter(one => !one.isBusy && one.backAt === undefined && fits(one))
    return Array.from({ length: Math.min(most, able.length) }, () => able.splice(chance.below(able.length), 1)[0]!)
  }

  #begin(some: readonly One[], run: () => Promise<void>): void {
    if (some.length === 0) return
    for (const one of some) one.isBusy = true
    const life = run().finally(() => {
      for (const one of some) one.isBusy = false
      this.#lives.delete(life)
    })
    this.#lives.add(life)
  }

  /** All of them, some at a time. */
  async #each(some: readonly One[], run: (one: One) => Promise<void>): Promise<void> {
    const left = [...some]
    const work = async (): Promise<void> => {
      for (let one = left.shift(); one; one = left.shift()) await run(one)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  }

  async #order(some: readonly One[], action: Action): Promise<void> {
    const left = [...some]
    while (left.length > 0) {
      const names = left.splice(0, ORDERS_MOST).map(({ machine }) => machine.mac)
      const results = await this.#options.fleet.orderAll(names, action, {}, 'the soak')
      for (const result of results)
        if (!result.ok) this.wrong.push(`${action} of ${result.machine} was refused: ${result.problem.message}`)
      this.counts[action === 'approve' ? 'approved' : 'reinstalled'] += names.length
    }
  }

  async #reinstall(some: readonly One[]): Promise<void> {
    await this.#order(some, 'reinstall')
    await this.#each(some, one => this.#live(one, 'installed'))
  }

  /** Its power goes somewhere between the first DISCOVER and the report, and it is silent for a while. */
  async #cut(one: One): Promise<void> {
    await this.#order([one], 'reinstall')
    await this.#live(one, 'cut')
    if (!one.isInstalled) {
      const { chance, clock } = this.#options
      one.backAt = clock.now() + SILENT_MS.least + chance.below(SILENT_MS.more)
    }
  }

  async #live(one: One, wanted: Wanted): Promise<void> {
    const { wire, chance, clock, ledger } = this.#options
    const spec = {
      ...one.machine,
      disk: one.isInstalled ? ('bootable' as const) : ('blank' as const),
      pace: { dhcpWaitsMs: DHCP_WAITS_MS },
      ...(wanted === 'installed' ? { powerCycle: chance.below(8) === 0, withhold250: chance.below(8) === 0 } : {}),
    }
    const address = one.isInstalled ? ledger.holding(one.machine.mac)?.lease.address : undefined
    delete one.backAt
    const machine = new SimulatedMachine(spec, {
      ...{ wire, openPort: openUdpPort, device: SIMULATED_DEVICE, clock },
      report: () => {},
    })
    const cancel = wanted === 'cut' ? clock.after(chance.below(CUT_WITHIN_MS), () => machine.powerOff(CUT)) : () => {}
    const outcome = await machine.powerOn()
    cancel()
    this.#judge(one, wanted, outcome)
    const now = ledger.holding(one.machine.mac)?.lease.address
    // Its installed system has the address written down.
    if (address !== undefined && now !== address && wanted === 'booted-disk')
      this.wrong.push(`${one.machine.name} had ${address} and came back as ${now}`)
  }

  #judge(one: One, wanted: Wanted, outcome: Outcome): void {
    const { counts } = this
    const { name } = one.machine
    counts.lives += 1
    if (outcome.outcome === 'installed') {
      counts.installed += 1
      if (wanted !== 'installed' && wanted !== 'cut')
        this.wrong.push(`${name} (${one.role}) was installed, and nobody wanted it`)
      one.isInstalled = true
      return
    }
    if (outcome.outcome === 'booted-disk') counts.bootedDisk += 1
    if (outcome.outcome === 'held') counts.held += 1
    if (wanted === 'cut' && outcome.outcome === 'failed' && outcome.why === CUT) {
      counts.cut += 1
      one.isInstalled = false
      return
    }
    if (outcome.outcome === wanted) return
    const why = outcome.outcome === 'failed' ? outcome.why : outcome.outcome
    this.wrong.push(`${name} (${one.role}) should have been ${wanted}: ${why}`)
    if (wanted === 'installed') one.isInstalled = false
  }

  async #renewOne(one: One): Promise<void> {
    const { wire, clock, ledger } = this.#options
    const { machine } = one
    const { lease, until } = ledger.holding(machine.mac)!
    one.isBusy = true
    const open = () => openUdpPort({ device: SIMULATED_DEVICE, address: lease.address, port: 0 })
    const tools = { wire, clock, waitsMs: DHCP_WAITS_MS, signal: new AbortController().signal, open }
    const renewed = await renewLease(tools, machine, lease)
    one.isBusy = false
    this.counts.renewals += 1
    if (renewed.ok) return
    this.counts.renewalsMissed += 1
    if (clock.now() < until) this.wrong.push(`${machine.name} could not keep ${lease.address}: ${renewed.reason}`)
  }

  #pause(milliseconds: number): Promise<void> {
    return new Promise(wake => this.#options.clock.after(milliseconds, wake))
  }
}
