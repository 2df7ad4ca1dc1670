/** A profile whose ISO cannot be installed is an alarm: its machines would find out one by one, at their boot. */
import type { Alarms } from '../kit/alarms.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import type { Profile } from '../site/types.ts'
import type { IsoCatalogue } from './catalogue.ts'

const CODE = 'iso-profile'

function troubleOf(profile: Profile, catalogue: Pick<IsoCatalogue, 'find'>): Problem | undefined {
  const found = catalogue.find(profile.iso)
  if (isProblem(found)) return found
  if (found.autoInstallCapable) return undefined
  return {
    code: 'iso-not-capable',
    message: `${found.file} has no automated installation`,
    hint: 'use PVE 8.2, PBS 3.2, PMG 8.2, PDM 1.0 or later',
    severity: 'error',
  }
}

/** Raises an alarm for each profile whose ISO cannot be installed now, and ends those that are mended. For after each look at the library. */
export function alarmProfiles(
  profiles: Iterable<Profile>,
  catalogue: Pick<IsoCatalogue, 'find'>,
  alarms: Pick<Alarms, 'raise' | 'end' | 'list'>,
): void {
  const all = [...profiles]
  const names = new Set(all.map(({ name }) => name))
  // Profiles that the site file no longer has.
  for (const { code, subject } of alarms.list()) if (code === CODE && !names.has(subject)) alarms.end(code, subject)
  for (const profile of all) {
    const trouble = troubleOf(profile, catalogue)
    if (!trouble) {
      alarms.end(CODE, profile.name)
      continue
    }
    const { code, message, hint, severity } = trouble
    alarms.raise({
      code: CODE,
      subject: profile.name,
      // A copy that is under way mends itself.
      severity: severity === 'warning' ? 'warning' : 'alarm',
      message: `machines of profile ${profile.name} cannot be installed now: ${message}`,
      hint,
      details: { problem: code, iso: profile.iso },
    })
  }
}
