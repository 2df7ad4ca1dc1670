/**
 * The names that the installer accepts for places and keyboards. They are data with a source (`data/`), since what `Intl`
 * knows is another list, with old names in it.
 */
import { suggest } from '../site/suggest.ts'
import countries from './data/countries.json' with { type: 'json' }
import keyboards from './data/keyboards.json' with { type: 'json' }
import zones from './data/time-zones.json' with { type: 'json' }

const COUNTRY_NAMES: Record<string, string> = countries.names
const ZONE_ALIASES: Record<string, string> = zones.aliases
const KEYBOARD_ALIASES: Record<string, string> = keyboards.aliases

/** ISO 3166-1 alpha-2 in lower case. */
export const COUNTRIES: ReadonlySet<string> = new Set(Object.keys(COUNTRY_NAMES))
/** Third column of `zone.tab`, and `UTC`. */
export const TIME_ZONES: ReadonlySet<string> = new Set(zones.names)
export const KEYBOARDS: readonly string[] = keyboards.layouts

function own(table: Record<string, string>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined
}

/** The code that was probably meant: by its case, by the country's name, or `uk`, as people write it. */
export function suggestCountry(written: string): string | undefined {
  const lower = written.trim().toLowerCase()
  if (COUNTRIES.has(lower)) return lower
  if (lower === 'uk') return 'gb'
  return Object.entries(COUNTRY_NAMES).find(([, name]) => name.toLowerCase() === lower)?.[0]
}

function cityOf(zone: string): string {
  return zone.slice(zone.lastIndexOf('/') + 1).toLowerCase()
}

/** Zones by their city, in lower case. */
const CITIES = new Map(zones.names.map(name => [cityOf(name), name]))
const CITY_NAMES = [...CITIES.keys()]

/** The name that the installer has for the same zone, or for the nearest city. */
export function suggestTimeZone(written: string): string | undefined {
  const city = cityOf(written.trim().replaceAll(' ', '_'))
  return own(ZONE_ALIASES, written) ?? CITIES.get(city) ?? CITIES.get(suggest(city, CITY_NAMES) ?? '')
}

export function suggestKeyboard(written: string): string | undefined {
  return own(KEYBOARD_ALIASES, written.trim().toLowerCase()) ?? suggest(written, KEYBOARDS)
}
