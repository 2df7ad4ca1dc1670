/** Who loads the site file again: every file comes to what the test says, and everybody who watches hears it. */
import type { Loaded, ReloadOutcome, ReloadSource, SiteNews } from '../../services/console/reload-api.ts'
import type { Clock } from '../../services/kit/clock.ts'
import type { Site } from '../../services/site/types.ts'

export class FakeReloading implements ReloadSource {
  loaded: Loaded
  latest: SiteNews
  /** Of the file as it lies there now. */
  next: ReloadOutcome
  /** Who asked for it, and for which file. */
  readonly asked: [by: string, seen: string | undefined][] = []
  readonly #listeners = new Set<(news: SiteNews) => void>()
  readonly #clock: Pick<Clock, 'now'>

  constructor({ sha256 }: Pick<Site, 'sha256'>, clock: Pick<Clock, 'now'>) {
    const told = { at: clock.now(), by: 'the start' }
    this.#clock = clock
    this.next = { reloaded: true, sha256, changes: [], machines: [], warnings: [] }
    this.loaded = { ...told, sha256 }
    this.latest = { ...told, outcome: this.next }
  }

  subscribe(listener: (news: SiteNews) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async preview(): Promise<ReloadOutcome> {
    return 'refused' in this.next ? this.next : { ...this.next, reloaded: false }
  }

  async reload(by: string, seen?: string): Promise<ReloadOutcome> {
    this.asked.push([by, seen])
    const { next: outcome } = this
    this.latest = { at: this.#clock.now(), by, outcome }
    if (!('refused' in outcome)) this.loaded = { at: this.latest.at, by, sha256: outcome.sha256 }
    for (const listener of this.#listeners) listener(this.latest)
    return outcome
  }
}
