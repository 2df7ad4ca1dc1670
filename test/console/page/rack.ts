/** A rack in the middle of an evening's work: a real registry with machines in every state, on a clock that starts in the past and ends now. */
import { type Clock, type Instant, systemClock } from '../../../services/kit/clock.ts'
import type { Ipv4 } from '../../../services/kit/ipv4.ts'
import { silentLog } from '../../../services/kit/log.ts'
import { type Mac, parseMac } from '../../../services/kit/mac.ts'
import type { AttemptId, EventSource, Fact } from '../../../services/machine/event.ts'
import type { Machine } from '../../../services/machine/lifecycle.ts'
import { Registry } from '../../../services/machine/registry.ts'
import type { Site } from '../../../services/site/types.ts'
import { WITH_PROFILE } from '../../site/sites.ts'
import { KEY, MemoryEvents, siteOf } from '../../machine/rig.ts'

/** Behind the real time until the past has been made. */
class LateClock implements Clock {
  behind = 0

  now(): Instant {
    return systemClock.now() - this.behind
  }

  elapsed(): number {
    return systemClock.elapsed() - this.behind
  }

  onStep(): () => void {
    return () => {}
  }

  after(milliseconds: number, run: () => void): () => void {
    return systemClock.after(milliseconds, run)
  }
}

export function macOf(index: number): Mac {
  const [high, low] = [index >> 8, index & 255].map(octet => octet.toString(16).padStart(2, '0'))
  return parseMac(`bc:24:11:7a:${high}:${low}`)!
}

const addressOf = (index: number): Ipv4 => `10.77.${index >> 7}.${100 + (index & 127)}` as Ipv4

/** What becomes of machine after machine, again and again. */
const COURSES = [
  ...['installed', 'installed', 'booting', 'booting', 'installing', 'installed', 'held', 'booting'],
  ...['approved', 'failed', 'installed', 'booting', 'installed', 'stalled', 'installed', 'blocked'],
]
const PRODUCTS = ['PowerEdge R6515', 'PowerEdge R6515', 'ProLiant DL325 Gen10', 'AS-1114S-WN10RT']
const INITRD_BYTES = 1_734_000_000
/** A gigabit that the rack shares. */
const SENT_EACH_SECOND = 38_000_000
/** From the first packet to the download. */
const POWER_ON_SECONDS = 14
const downloadSeconds = (index: number): number => 3 + ((index * 7) % 40)
const EVENING_MS = 40 * 60_000

/** Some are not on the list, as in any rack. */
const isListed = (index: number): boolean => COURSES[index % COURSES.length] !== 'held' || index % 3 === 0

function siteFor(count: number): Site {
  const machines = Array.from({ length: count }, (_, index) =>
    isListed(index) ? `[[machine]]\nname = "node${index + 1}"\nmac = ["${macOf(index)}"]\nprofile = "pve"\n` : '',
  )
  const named = WITH_PROFILE.replace('[site]', '[site]\nname = "rack-7"')
  return siteOf(`[[profile]]\nname = "pbs"\niso = "pbs:latest"\n${machines.join('')}`, named)
}

const SOURCES: { [T in Fact['type']]?: EventSource } = {
  leased: 'dhcp',
  'loader-sent': 'tftp',
  'answer-served': 'answer',
  'answer-failed': 'answer',
  reported: 'webhook',
  stalled: 'clock',
  blocked: 'operator',
}

export class Rack {
  readonly clock: LateClock
  readonly site: Site
  readonly store: MemoryEvents
  readonly registry: Registry

  private constructor(site: Site, store: MemoryEvents, registry: Registry, clock: LateClock) {
    this.store = store
    this.site = site
    this.registry = registry
    this.clock = clock
  }

  static async open(count: number): Promise<Rack> {
    const clock = new LateClock()
    clock.behind = EVENING_MS
    const site = siteFor(count)
    const store = new MemoryEvents()
    const registry = await Registry.open({
      ...{ site, store, key: KEY, clock, log: silentLog },
    })
    const rack = new Rack(site, store, registry, clock)
    // One second apart, as they were switched on; those of a large rack all at once.
    for (let index = 0; index < count; index++) await rack.#live(index, COURSES[index % COURSES.length]!)
    clock.behind = 0
    return rack
  }

  machine(index: number): Machine {
    return this.registry.byMac(macOf(index))!
  }

  async happen(index: number, ...facts: (Fact | ((attempt: AttemptId) => Fact))[]): Promise<void> {
    for (const fact of facts) {
      const { id, attempt } = this.machine(index)
      const happened = typeof fact === 'function' ? fact(attempt!.id) : fact
      await this.registry.record(id, happened, SOURCES[happened.type] ?? 'http')
    }
  }

  /** Its ISO goes on. */
  send(index: number, sent: number): void {
    this.registry.heard(this.machine(index).id, { file: 'initrd', sent, total: INITRD_BYTES })
  }

  async #live(index: number, course: string): Promise<void> {
    const address = addressOf(index)
    const product = PRODUCTS[index % PRODUCTS.length]!
    const serial = `7K2QX${String((index * 37) % 10_000).padStart(4, '0')}`
    this.clock.behind = EVENING_MS - (index % 60) * 1000
    await this.registry.sight({ macs: [macOf(index)], serial, product }, 'dhcp')
    const loader = 'snponly.efi'
    await this.happen(index, { type: 'leased', address, stage: 'firmware', loader })
    if (course === 'held') return
    if (course === 'blocked')
      return this.happen(index, { type: 'blocked', who: 'ben', reason: 'lent to the lab until Monday' })
    const pastMs = (index % 23) * 7000
    this.clock.behind -= 25 * 60_000 - pastMs
    await this.registry.startAttempt(this.machine(index), {
      ...{ by: 'operator', who: 'anna' },
      again: false,
      profile: 'pve',
    })
    if (course === 'approved') return
    // It was switched on a while after it was approved, and loads now.
    const isLoading = course === 'booting'
    if (isLoading) this.clock.behind = (downloadSeconds(index) + POWER_ON_SECONDS) * 1000
    await this.happen(
      index,
      { type: 'leased', address, stage: 'firmware', loader },
      { type: 'loader-sent', file: loader, bytes: 271_360 },
    )
    await this.happen(index, attempt => ({ type: 'script-served', attempt, address, resumed: false }))
    if (course === 'stalled')
      return this.happen(index, attempt => ({ type: 'stalled', attempt, silentSeconds: 1215, stage: 'initrd at 61 %' }))
    await this.happen(index, { type: 'leased', address, stage: 'ipxe' }, attempt => ({
      type: 'kernel-sent',
      attempt,
      bytes: 14_222_336,
    }))
    if (isLoading) this.clock.behind = downloadSeconds(index) * 1000
    await this.happen(index, attempt => ({ type: 'initrd-started', attempt, bytes: INITRD_BYTES }))
    if (isLoading) return this.#download(index)
    await this.#install(index, course, address)
  }

  #download(index: number): void {
    const seconds = downloadSeconds(index)
    this.clock.behind = seconds * 1000
    this.send(index, 0)
    this.clock.behind = (index % 3) * 400
    this.send(index, Math.min(INITRD_BYTES - 1, seconds * SENT_EACH_SECOND))
  }

  async #install(index: number, course: string, address: Ipv4): Promise<void> {
    this.clock.behind -= 60_000
    await this.happen(index, attempt => ({ type: 'initrd-sent', attempt, bytes: INITRD_BYTES }), {
      type: 'leased',
      address,
      stage: 'installer',
    })
    if (course === 'failed')
      return this.happen(index, attempt => ({
        type: 'answer-failed',
        attempt,
        reason: 'disk-setup.filter ID_SERIAL = "S6CK*" matches none of its 3 disks',
      }))
    await this.happen(index, attempt => ({
      ...{ type: 'answer-served', attempt, address, layers: ['base', 'zfs-mirror'] },
      ...{ sha256: 'ab', leftOut: [], withToken: true },
    }))
    if (course === 'installing') return
    this.clock.behind -= 5 * 60_000
    const fqdn = `node${index + 1}.rack.test`
    await this.happen(
      index,
      attempt => ({
        ...{ type: 'reported', attempt },
        installed: { fqdn, address, product: 'Proxmox VE 9.2-1', kernel: '6.17.2-1-pve' },
      }),
      { type: 'leased', address, stage: 'system' },
    )
  }
}
