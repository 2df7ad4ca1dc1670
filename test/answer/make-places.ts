/**
 * Makes services/answer/data/countries.json and time-zones.json anew from Debian's packages tzdata and iso-codes:
 * `node test/answer/make-places.ts`. `places.test.ts` compares both with the packages where they are installed.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'

const ZONES = '/usr/share/zoneinfo/zone.tab'
const LINKS = '/usr/share/zoneinfo/tzdata.zi'
const COUNTRIES = '/usr/share/iso-codes/json/iso_3166-1.json'
const DATA = new URL('../../services/answer/data/', import.meta.url)
const REMAKE = 'node test/answer/make-places.ts'

/** The installed version of a Debian package; undefined if it is not there. */
export function packageVersion(name: string): string | undefined {
  try {
    return (
      execFileSync('dpkg-query', ['-W', '-f', '${Version}', name], { encoding: 'utf8', stdio: 'pipe' }) || undefined
    )
  } catch {
    return undefined
  }
}

function linesOf(file: string): string[] {
  return readFileSync(file, 'utf8').split('\n')
}

/** Old and other names, each with the name that the installer knows for the same zone. */
function aliasesOf(names: ReadonlySet<string>): Record<string, string> {
  const links = linesOf(LINKS).filter(line => line.startsWith('L '))
  const targets = new Map(links.map(line => line.split(' ')).map(([, target = '', name = '']) => [name, target]))
  // A link may be written the other way round: the zone's data then stand under its old name.
  const others = new Map([...targets].filter(([name]) => names.has(name)).map(([name, target]) => [target, name]))
  const universal = new Set(['Etc/UTC', 'Etc/GMT'])
  const aliases: [string, string][] = []
  for (const name of [...universal, ...targets.keys()]) {
    let known: string | undefined = name
    for (let steps = 0; steps < 5 && known !== undefined && !names.has(known); steps++) {
      known = universal.has(known) ? 'UTC' : (others.get(known) ?? targets.get(known))
    }
    if (!names.has(name) && known !== undefined) aliases.push([name, known])
  }
  return Object.fromEntries(aliases.sort(([a], [b]) => (a < b ? -1 : 1)))
}

export function readTimeZones(): object {
  const rows = linesOf(ZONES).filter(line => line !== '' && !line.startsWith('#'))
  const names = ['UTC', ...rows.map(line => line.split('\t')[2]!).sort()]
  const source = `tz database (public domain), Debian package tzdata ${packageVersion('tzdata')}: third column of zone.tab, and UTC; links of tzdata.zi`
  return { source, remake: REMAKE, names, aliases: aliasesOf(new Set(names)) }
}

export function readCountries(): object {
  type Entry = { alpha_2: string; name: string; common_name?: string }
  const { '3166-1': entries } = JSON.parse(readFileSync(COUNTRIES, 'utf8')) as { '3166-1': Entry[] }
  const names = entries.map(entry => [entry.alpha_2.toLowerCase(), entry.common_name ?? entry.name] as const)
  const source = `ISO 3166-1, Debian package iso-codes ${packageVersion('iso-codes')}: alpha-2 codes and names of iso_3166-1.json`
  return { source, remake: REMAKE, names: Object.fromEntries(names.sort(([a], [b]) => (a < b ? -1 : 1))) }
}

if (import.meta.main) {
  writeFileSync(new URL('time-zones.json', DATA), `${JSON.stringify(readTimeZones(), null, 2)}\n`)
  writeFileSync(new URL('countries.json', DATA), `${JSON.stringify(readCountries(), null, 2)}\n`)
}
