/** A fleet on a clock, a real store, and targets that take or refuse as a test wants. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Alarms } from '../../services/kit/alarms.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { AttemptId, Fact } from '../../services/machine/event.ts'
import { Registry } from '../../services/machine/registry.ts'
import { LiveSite } from '../../services/site/live-site.ts'
import type { Site } from '../../services/site/types.ts'
import { openStore, type Store } from '../../services/store/store.ts'
import type { Meter } from '../../services/kit/meter.ts'
import { gaugeOutbox, outboxCounts } from '../../services/webhook/counts.ts'
import { Outbox } from '../../services/webhook/outbox.ts'
import type { Letter, Outcome } from '../../services/webhook/post.ts'
import { FakeClock } from '../fake/clock.ts'
import { ANSWER, HeardLog, KEY, LISTED, NODE1, NODE2, SCRIPT, siteOf } from '../machine/rig.ts'

/** Two machines, and a profile beside theirs. */
export const TWO = `[[profile]]\nname = "pve2"\niso = "pve:latest"\n${LISTED}[[machine]]\nname = "node2"\nmac = ["${NODE2}"]\nprofile = "pve"\n`
export const HOOK = '[[webhook]]\nurl = "https://a.example.org/hooks/k3y"\n'

export type Sent = Letter & { url: string }

export class Bench {
  readonly clock = new FakeClock()
  readonly log = new HeardLog()
  readonly alarms = new Alarms(this.clock)
  /** What arrived at any target, taken or not. */
  readonly sent: Sent[] = []
  /** What a target does with it; by URL. */
  readonly answers = new Map<string, (letter: Letter) => Outcome | Promise<Outcome>>()
  site: LiveSite
  store!: Store
  registry!: Registry
  outbox!: Outbox
  #folder = ''
  readonly #meter: Meter | undefined

  constructor(site: Site, meter?: Meter) {
    this.site = new LiveSite(site)
    this.#meter = meter
  }

  static async start(hooks = HOOK, meter?: Meter): Promise<Bench> {
    const bench = new Bench(siteOf(`${TWO}${hooks}`), meter)
    bench.#folder = await mkdtemp(join(tmpdir(), 'rackrise-outbox-'))
    await bench.#open()
    return bench
  }

  /** What a command works on while nobody serves. */
  get siteOnDisk(): Site {
    const site = siteOf(`${TWO}${HOOK}`)
    return { ...site, paths: { ...site.paths, state: this.#folder } }
  }

  async #open(): Promise<void> {
    const { site, clock, log, alarms } = this
    this.store = await openStore(this.#folder)
    this.registry = await Registry.open({ site, store: this.store.events, key: KEY, clock, log })
    this.outbox = await Outbox.open({
      ...{ site, registry: this.registry, store: this.store.outbox, alarms, clock, log, chance: () => 0 },
      events: this.store.events,
      ...(this.#meter ? { counts: outboxCounts(this.#meter) } : {}),
      post: async (target, letter) => {
        this.sent.push({ ...letter, url: target.url })
        return (await this.answers.get(target.url)?.(letter)) ?? { taken: true, status: 200 }
      },
    })
    if (this.#meter) gaugeOutbox(this.#meter, this.outbox, clock)
  }

  /** Ends the process and begins another one, perhaps with another site file; `whileDown` happens without an outbox. */
  async restart(hooks = HOOK, whileDown: () => Promise<void> = async () => {}): Promise<void> {
    await this.outbox.close()
    await whileDown()
    await this.store.close()
    this.site = new LiveSite(siteOf(`${TWO}${hooks}`))
    await this.#open()
  }

  /** Another site file, and the same process. */
  async reload(hooks: string): Promise<void> {
    this.site.use(siteOf(`${TWO}${hooks}`))
    await Promise.all([this.registry.useSite(), this.outbox.useSite()])
  }

  async stop(): Promise<void> {
    await this.outbox.close()
    await this.store.close()
    await rm(this.#folder, { recursive: true })
  }

  /** Time passes, second by second, and what it sets off comes to its end. */
  async pass(seconds: number, step = 1): Promise<void> {
    for (let at = 0; at < seconds; at += step) {
      this.clock.advance(step * 1000)
      await this.settle()
    }
  }

  /** A write and its answer between threads, a few times over. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 4; turn += 1) {
      await this.store.documents.get('', 'report')
      await new Promise(resolve => setImmediate(resolve))
      await this.store.outbox.giveUp(0, 0)
    }
  }

  async begin(mac: Mac = NODE1): Promise<AttemptId> {
    const attempt = await this.registry.startAttempt(this.registry.byMac(mac)!, { by: 'operator', again: true })
    if (typeof attempt !== 'string') throw new Error(attempt.message)
    await this.happen(mac, SCRIPT(attempt))
    return attempt
  }

  async install(mac: Mac = NODE1): Promise<AttemptId> {
    const attempt = await this.begin(mac)
    await this.happen(mac, ANSWER(attempt))
    await this.happen(mac, REPORT(attempt))
    return attempt
  }

  async happen(mac: Mac, fact: Fact): Promise<void> {
    this.clock.advance(10)
    await this.registry.record(this.registry.byMac(mac)!.id, fact, 'http')
  }

  names(): string[] {
    return this.sent.map(({ event, body }) => `${JSON.parse(body).machine.name} ${event}`)
  }
}

export const REPORT = (attempt: AttemptId): Fact => ({
  type: 'reported',
  attempt,
  installed: {
    fqdn: 'node1.rack.test',
    address: '10.77.0.11/24',
    product: 'pve 9.2.1',
    kernel: '7.0.2-5-pve',
    machineId: '8b1f0c7c2f7e4a0db2f1d3a4c5b6a798',
    hostKeys: ['ssh-ed25519 AAAAC3Nz root@node1'],
  },
})

export const REFUSED: Outcome = { taken: false, error: 'it answered 503' }
