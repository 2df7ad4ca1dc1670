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

/** For a command that is of use without a site, too: none unless there is a good one. One that was named has to be good, else `wrong`. */
export async function siteIfAny(values: Values): Promise<Site | undefined | 'wrong'> {
  if (values['config'] !== undefined) return (await siteFor(values)) ?? 'wrong'
  const loaded = await loadSite(configFile(values))
  return 'problems' in loaded ? undefined : loaded.site
}
