/** Loading the site for a command: problems are printed, all of them, and end it. */
import { loadSite } from '../site/load.ts'
import type { Site } from '../site/types.ts'
import { complainOf, configFile, type Values } from './command.ts'

export async function siteFor(values: Values): Promise<Site | undefined> {
  const loaded = await loadSite(configFile(values))
  if ('problems' in loaded) {
    complainOf(loaded.problems, values['json'] === true)
    return undefined
  }
  complainOf(loaded.warnings, false)
  return loaded.site
}
