/** Another site file in words: what it changes, and how loading it ended. Pure. */
import type { ReloadView, SiteNewsView } from '../../schema/reload.ts'
import { counted } from './quantities.ts'

type Change = ReloadView['changes'][number]
type Machine = ReloadView['machines'][number]

const valuesOf = (keys: Change['keys']): string =>
  keys.map(({ key, before = 'none', after = 'none' }) => `${key} ${before} → ${after}`).join('; ')

const withValues = (what: string, keys: Change['keys']): string =>
  keys.length > 0 ? `${what}: ${valuesOf(keys)}` : what

/** `log.level info → debug`, `added: profile pbs`. */
export function changeInWords({ what, name, change, keys }: Change): string {
  return what === 'setting' ? valuesOf(keys) : withValues(`${change}: ${what} ${name}`, keys)
}

export function machineInWords({ name, change, keys }: Machine): string {
  return withValues(`${change}: machine ${name}`, keys)
}

/** As somebody compares it with what stands in the rack. */
export function identityInWords({ serial, macs }: Pick<Machine, 'serial' | 'macs'>): string {
  return `serial ${serial ?? 'not known'}, ${macs.join(', ')}`
}

/** `2 changes, 3 machines with them`. */
export function countsInWords({ changes, machines }: { changes: number; machines: number }): string {
  if (changes + machines === 0) return 'nothing is otherwise'
  return `${counted(changes, 'change')} of the site, ${counted(machines, 'machine')} with ${changes === 1 ? 'it' : 'them'}`
}

/** Of what is told to everybody: one sentence, without the dot. */
export function siteNewsInWords(news: SiteNewsView): string {
  if (news.outcome === 'refused') {
    const [first] = news.problems
    const rest = news.counts.problems - 1
    const more = rest > 0 ? `, and ${counted(rest, 'problem')} more` : ''
    return `The site file that ${news.by} wanted loaded is refused, the one of before is served on: ${first?.message ?? 'no reason was given'}${more}`
  }
  const { starts } = news.counts
  const installs = starts > 0 ? `; it installs ${counted(starts, 'machine')}` : ''
  return `${news.by} had the site file loaded again: ${countsInWords(news.counts)}${installs}`
}

/** Seconds for which it is worth a line on every view. A refusal waits for whoever mends the file. */
const LOADED_WORTH_S = 15 * 60
const REFUSED_WORTH_S = 24 * 3600

/** What the start loaded is no news. @param secondsAgo since it was told */
export function isWorthALine({ by, outcome }: SiteNewsView, secondsAgo: number): boolean {
  if (by === 'the start') return false
  return secondsAgo < (outcome === 'refused' ? REFUSED_WORTH_S : LOADED_WORTH_S)
}
