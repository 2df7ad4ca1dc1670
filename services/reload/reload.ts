/**
 * The site file of a running appliance is loaded again, whole or not at all (M04). Everything that can refuse it is asked first, beside the site that is
 * served; then one assignment, in the same turn of the event loop as the last of these questions, makes it the site of all rooms.
 */
import type { Loaders } from '../boot/load.ts'
import type { Loaded, ReloadOutcome, ReloadSource, SiteNews } from '../console/reload-api.ts'
import { counted } from '../kit/amount.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { formatProblem, type Problem } from '../kit/problem.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { LiveSite } from '../site/live-site.ts'
import type { Site } from '../site/types.ts'
import { judge, type Judgement, type Next } from './judge.ts'

/** What `check` says of a file; `found` is absent where the file itself is wrong. */
export type Checked = { problems: Problem[]; found?: Next & { loaders: Loaders } }

export type ReloadOptions = {
  site: LiveSite
  check: (file: string) => Promise<Checked>
  fleet: { machines(): Machine[]; isHeldBack(machine: Machine, site: Site): boolean }
  /** Rejects when the state can't be written: what follows a reload has to be. */
  prove: () => Promise<void>
  /** Makes it the site of all rooms before it returns; resolves when what follows from that is done, such as first installations. */
  adopt: (next: Site, loaders: Loaders) => Promise<unknown>
  /** Around every reload that is no preview, refused or not. */
  onReload?: (phase: 'begins' | 'ends') => void
  clock: Pick<Clock, 'now'>
  log: Log
}

const UNWRITABLE: Problem = {
  code: 'not-ready',
  message: 'the state can not be written; see the log',
  hint: 'make room on the disk of paths.state, then reload again',
  severity: 'error',
}

/** Lines of the log that a refused file may take; `rackrise check` tells the rest. */
const LINES_MOST = 10

export class Reloading implements ReloadSource {
  readonly #options: ReloadOptions
  #loaded: Loaded
  #latest: SiteNews
  readonly #listeners = new Set<(news: SiteNews) => void>()
  /** One after the other: each is compared with the site that the one before left. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ReloadOptions) {
    this.#options = options
    const { site, clock } = options
    const told = { at: clock.now(), by: 'the start' }
    this.#loaded = { ...told, sha256: site.sha256 }
    const asItIs = { reloaded: true, sha256: site.sha256, changes: [], machines: [], warnings: [] }
    this.#latest = { ...told, outcome: asItIs }
  }

  /** The file that is served: when and by whom it was loaded. */
  get loaded(): Loaded {
    return this.#loaded
  }

  /** How the last reload ended, or that the start was the last. */
  get latest(): SiteNews {
    return this.#latest
  }

  subscribe(listener: (news: SiteNews) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What a reload would change now, or why it would be refused. Changes nothing. */
  preview(): Promise<ReloadOutcome> {
    return this.#inTurn(async () => {
      const checked = await this.#examine()
      return checked.found ? this.#outcome(checked.found, this.#judge(checked.found), checked.problems, false) : checked
    })
  }

  /** @param seen SHA-256 of the file whose changes were shown to who asks: another one is refused */
  reload(by: string, seen?: string): Promise<ReloadOutcome> {
    const { onReload = () => {} } = this.#options
    return this.#inTurn(async () => {
      onReload('begins')
      try {
        const outcome = await this.#reload(by, seen)
        if ('refused' in outcome) this.#tellRefused(by, outcome.problems)
        this.#latest = { at: this.#options.clock.now(), by, outcome }
        for (const listener of this.#listeners) listener(this.#latest)
        return outcome
      } finally {
        onReload('ends')
      }
    })
  }

  #inTurn(task: () => Promise<ReloadOutcome>): Promise<ReloadOutcome> {
    const mine = this.#last.then(task)
    this.#last = mine.catch(() => {})
    return mine
  }

  async #examine(): Promise<{ refused: true; problems: Problem[]; found?: never } | Required<Checked>> {
    const { check, site } = this.#options
    const { problems, found } = await check(site.file)
    const isWrong = problems.some(({ severity }) => severity === 'error')
    return !found || isWrong ? { refused: true, problems } : { problems, found }
  }

  async #reload(by: string, seen: string | undefined): Promise<ReloadOutcome> {
    const { adopt, prove, clock } = this.#options
    const checked = await this.#examine()
    if (!checked.found) return checked
    const { problems, found } = checked
    if (seen !== undefined && seen !== found.site.sha256) return { refused: true, problems: [isAnother(found.site)] }
    const isWritable = await prove().then(
      () => true,
      () => false,
    )
    if (!isWritable) return { refused: true, problems: [UNWRITABLE] }
    // From here to the assignment in one turn: no machine begins anything meanwhile.
    const judgement = this.#judge(found)
    const outcome = this.#outcome(found, judgement, problems, true)
    if ('refused' in outcome) return outcome
    const followed = adopt(found.site, found.loaders)
    this.#loaded = { at: clock.now(), by, sha256: found.site.sha256 }
    this.#tellLoaded(judgement)
    return (await followed.then(
      () => outcome,
      (error: unknown) => ({ ...outcome, warnings: [...outcome.warnings, this.#unfinished(error)] }),
    )) satisfies ReloadOutcome
  }

  #judge(next: Next): Judgement {
    const { site, fleet } = this.#options
    const isHeldBack = (machine: Machine, by: Site): boolean => fleet.isHeldBack(machine, by)
    return judge(site.current, next, { machines: fleet.machines(), isHeldBack })
  }

  #outcome(
    { site }: Next,
    { problems, changes, machines }: Judgement,
    warnings: Problem[],
    reloaded: boolean,
  ): Extract<ReloadOutcome, { sha256: string }> | Extract<ReloadOutcome, { refused: true }> {
    if (problems.length > 0) return { refused: true, problems: [...warnings, ...problems] }
    return { reloaded, sha256: site.sha256, changes, machines, warnings }
  }

  #tellLoaded({ changes, machines }: Judgement): void {
    const { log } = this.#options
    const { by, sha256 } = this.#loaded
    const starts = machines.filter(({ starts }) => starts).map(({ name }) => name)
    const fields = { reason: 'site-loaded', by, sha256, changes: changes.length, machines: machines.length, starts }
    log.info(
      fields,
      `${by} had the site file loaded again: ${counted(changes.length, 'change')}, ${counted(machines.length, 'machine')}`,
    )
  }

  #tellRefused(by: string, problems: readonly Problem[]): void {
    const { log } = this.#options
    const errors = problems.filter(({ severity }) => severity === 'error').map(formatProblem)
    const fields = {
      reason: 'site-refused',
      by,
      problems: errors.slice(0, LINES_MOST),
      hint: 'see `rackrise reload --check`',
    }
    log.warn(fields, `the site file that ${by} wanted loaded is refused, the old one is served on: ${errors[0]}`)
  }

  /** The site is the new one; a machine that lacks something by it gets that when it is seen again, or at the next reload. */
  #unfinished(error: unknown): Problem {
    this.#options.log.error(
      { error: String(error) },
      'the site file is loaded, and what follows from it could not all be done',
    )
    const hint = 'see the log; mend that, then reload again'
    return {
      code: 'reload-unfinished',
      message: `not all that follows could be done: ${String(error)}`,
      hint,
      severity: 'warning',
    }
  }
}

function isAnother({ file }: Site): Problem {
  return {
    code: 'file-changed',
    message: 'the file that the appliance would load is not the one whose changes were shown',
    hint: 'look at its changes again; with --config, name the file that it was started with',
    severity: 'error',
    place: { file },
  }
}
