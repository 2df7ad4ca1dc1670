/** Under `/api/v1`: the site file is loaded again, or what that would change is shown. */
import { z } from 'zod'
import type { Instant } from '../kit/clock.ts'
import type { Problem } from '../kit/problem.ts'
import type { MachineChange } from '../machine/fleet-changes.ts'
import type { SiteChange } from '../site/changes.ts'
import type { ConsoleApp } from './app.ts'
import { whoAsks } from './principal.ts'
import type { Refusal } from './problem-details.ts'
import { problemSchema } from './schema/problem.ts'
import { reloadView, type ReloadView, type SiteNewsView } from './schema/reload.ts'

/** The file that is served: when and by whom it was loaded. */
export type Loaded = { at: Instant; by: string; sha256: string }

export type ReloadOutcome =
  | { refused: true; problems: Problem[] }
  | {
      reloaded: boolean
      sha256: string
      changes: SiteChange[]
      machines: MachineChange[]
      warnings: Problem[]
    }

/** How a reload ended, and who wanted it. */
export type SiteNews = { at: Instant; by: string; outcome: ReloadOutcome }

/** Whoever reloads: the room above this one. */
export interface ReloadSource {
  readonly loaded: Loaded
  /** Of the last reload, or of the start; a preview is none. */
  readonly latest: SiteNews
  /** Hears how each reload ended, once what follows from it is done; returns how to stop. */
  subscribe(listener: (news: SiteNews) => void): () => void
  preview(): Promise<ReloadOutcome>
  /** @param seen SHA-256 of the file whose changes were shown */
  reload(by: string, seen?: string): Promise<ReloadOutcome>
}

/** The list goes along as an extension member: it is what a person needs. */
function refusal(problems: Problem[]): Refusal {
  const errors = problems.filter(({ severity }) => severity === 'error')
  const [only] = errors
  return {
    code: 'reload-refused',
    message:
      errors.length === 1 ? only!.message : `the site file has ${errors.length} problems; the old one is served on`,
    hint: errors.length === 1 ? only!.hint : 'mend them, then reload again',
    severity: 'error',
    problems,
  }
}

/** Those of answers know their path in the answer, too. */
function plain({ code, message, hint, severity, place }: Problem): Problem {
  return { code, message, hint, severity, ...(place ? { place } : {}) }
}

/** Of each list in what everybody hears; the whole answer is for who asked. */
const LISTED_MOST = 50

export function viewSiteNews({ at, by, outcome }: SiteNews): SiteNewsView {
  const told = { at: new Date(at).toISOString(), by }
  if ('refused' in outcome) {
    const problems = outcome.problems.toSorted(
      (a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'),
    )
    return {
      ...told,
      outcome: 'refused',
      problems: problems.slice(0, LISTED_MOST).map(plain),
      counts: { problems: problems.length },
    }
  }
  const { sha256, changes, machines, warnings } = outcome
  const counts = { changes: changes.length, machines: machines.length, warnings: warnings.length }
  return {
    ...told,
    outcome: 'loaded',
    sha256,
    changes: changes.slice(0, LISTED_MOST),
    // Whose disks are erased is said before all else.
    machines: machines.toSorted((a, b) => Number(b.starts) - Number(a.starts)).slice(0, LISTED_MOST),
    warnings: warnings.slice(0, LISTED_MOST).map(plain),
    counts: { ...counts, starts: machines.filter(({ starts }) => starts).length },
  }
}

function viewOf(outcome: ReloadOutcome): ReloadView | Refusal {
  if ('refused' in outcome) return refusal(outcome.problems.map(plain))
  return { ...outcome, warnings: outcome.warnings.map(plain) }
}

export function addReloadApi(app: ConsoleApp, source: ReloadSource): void {
  app.post(
    '/api/v1/reload',
    {
      config: { role: 'operator' },
      schema: {
        operationId: 'reloadSite',
        summary: 'Load the site file again, whole or not at all, or see what that would change',
        description:
          'Whatever `check` calls an error refuses it, and so do keys that need a restart and machines in an attempt whose plan would change: the member `problems` of the problem has them all.',
        tags: ['appliance'],
        body: z
          .strictObject({
            check: z.boolean().exactOptional().meta({ description: 'Only say what would change' }),
            sha256: z
              .string()
              .regex(/^[0-9a-f]{64}$/)
              .exactOptional()
              .meta({ description: 'Of the file whose changes were shown: another one is refused' }),
          })
          .nullable()
          .meta({ description: 'All optional; so is the body' }),
        response: { 200: reloadView, '4xx': problemSchema },
      },
    },
    async request => {
      const { check = false, sha256 } = request.body ?? {}
      return viewOf(check ? await source.preview() : await source.reload(whoAsks(request), sha256))
    },
  )
}
