/** Every code of a problem, alarm or refusal that stands in the source, wherever it is written as a word. */
import { sourcesOf } from '../presubmit/source.ts'

/** A field, an exception, or the first argument of one of the functions that make problems. */
const WRITTEN = [
  /\bcode: '([a-z]+(?:-[a-z]+)*)'/g,
  /new EnvironmentProblem\(\s*'([a-z-]+)'/g,
  /\b(?:error|warning|problem|refusal|refusalFor|refuse|wrong|answerError)\(\s*(?:file, )?'([a-z]+(?:-[a-z]+)*)'/g,
  /\brefused\(\s*'([a-z]+(?:-[a-z]+)+)'/g,
]

/** Words of zod, which never leave the reader of the site file. */
const OF_ZOD = new Set(['custom', 'invalid_type'])

/** What the lab says to who tries it is not of the appliance, and the page makes no codes. */
const isOfAppliance = (path: string): boolean =>
  !path.startsWith('services/lab/') && !path.startsWith('services/console/page/')

export function codesInSource(): Map<string, Set<string>> {
  const codes = new Map<string, Set<string>>()
  for (const { path, text } of sourcesOf('services').filter(file => isOfAppliance(file.path)))
    for (const pattern of WRITTEN)
      for (const [, code = ''] of text.matchAll(pattern))
        if (!OF_ZOD.has(code)) codes.set(code, (codes.get(code) ?? new Set()).add(path))
  return codes
}
