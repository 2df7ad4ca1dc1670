/** Whether a running appliance can take the next site, and what that would change. Pure. */
import type { Place, Problem } from '../kit/problem.ts'
import { type FleetView, fleetChanges, type MachineChange } from '../machine/fleet-changes.ts'
import { brokenPromises, describeBroken } from '../machine/promises.ts'
import { entryOf } from '../machine/listing.ts'
import { type SiteChange, siteChanges } from '../site/changes.ts'
import type { Path } from '../site/finding.ts'
import { fixedSettings } from '../site/settings.ts'
import type { Site } from '../site/types.ts'

/** A site that is right by itself, and where in its file things stand. */
export type Next = { site: Site; placeOf: (path: Path) => Place }

export type Judgement = { problems: Problem[]; changes: SiteChange[]; machines: MachineChange[] }

export function judge(now: Site, { site: next, placeOf }: Next, fleet: FleetView): Judgement {
  const fixed = fixedSettings(now, next).map(
    ({ path, message, hint }): Problem => ({
      code: 'needs-restart',
      message,
      hint,
      severity: 'error',
      place: placeOf(path),
    }),
  )
  const broken = brokenPromises(now, next, fleet.machines).map((promise): Problem => {
    const entry = entryOf(promise.machine, next)
    const place = entry ? placeOf(['machine', next.machines.indexOf(entry)]) : { file: next.file }
    return { code: 'promise-broken', ...describeBroken(promise), severity: 'error', place }
  })
  return {
    problems: [...fixed, ...broken].toSorted((a, b) => lineOf(a) - lineOf(b)),
    changes: siteChanges(now, next),
    machines: fleetChanges(now, next, fleet),
  }
}

/** What stands nowhere in the file comes last. */
function lineOf({ place }: Problem): number {
  return place?.line ?? Number.POSITIVE_INFINITY
}
