/** Which machines are shown and in which order: pure functions over views, and their form in the address bar. */
import type { MachineView } from '../../schema/machine.ts'
import { isUnderWay, needsAttention, STATES, type State } from '../words/state-words.ts'

export const SORTS = ['name', 'state', 'progress', 'heard'] as const
export type Sort = (typeof SORTS)[number]

export const LAYOUTS = ['rows', 'tiles'] as const
export type Layout = (typeof LAYOUTS)[number]

/** `attention` and `under way` are several states at once. */
export type Group = State | 'attention' | 'under-way'

export type Choice = { text: string; group?: Group | undefined; sort: Sort; descending: boolean; layout: Layout }

export const ALL: Choice = { text: '', sort: 'name', descending: false, layout: 'rows' }

/** What a person may know of a machine, in one text to look in. */
function searchable(machine: MachineView): string {
  const { name, fqdn, macs, serial, uuid, product, address, profile, reason } = machine
  return [name, fqdn, ...macs, serial, uuid, product, address, profile, reason].join('\n').toLowerCase()
}

/** A MAC as people paste it: dashes, dots of a switch, or nothing in between. */
function plainMac(text: string): string | undefined {
  const digits = text.replaceAll(/[-:.]/g, '')
  return digits.length >= 4 && /^[0-9a-f]+$/.test(digits) ? digits : undefined
}

function fitsText(machine: MachineView, words: readonly string[]): boolean {
  if (words.length === 0) return true
  const text = searchable(machine)
  return words.every(word => {
    if (text.includes(word)) return true
    const mac = plainMac(word)
    return mac !== undefined && machine.macs.some(known => known.replaceAll(':', '').includes(mac))
  })
}

function inGroup(machine: MachineView, group: Group | undefined): boolean {
  if (group === undefined) return true
  if (group === 'attention') return needsAttention(machine)
  if (group === 'under-way') return isUnderWay(machine)
  return machine.state === group
}

const byName = (a: MachineView, b: MachineView): number => COLLATOR.compare(a.name, b.name) || (a.id < b.id ? -1 : 1)
/** Made once: `localeCompare` looks for its locale at every call, which a thousand machines notice. */
const COLLATOR = new Intl.Collator('en', { numeric: true })

const partOf = ({ progress }: MachineView): number => (progress ? progress.sent / Math.max(1, progress.total) : -1)

const COMPARE: Record<Sort, (a: MachineView, b: MachineView) => number> = {
  name: byName,
  state: (a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || byName(a, b),
  progress: (a, b) => partOf(b) - partOf(a) || byName(a, b),
  // ISO text of one form is in order of time.
  heard: (a, b) => (a.heardAt === b.heardAt ? byName(a, b) : a.heardAt < b.heardAt ? 1 : -1),
}

/** @returns ids */
export function choose(machines: Iterable<MachineView>, { text, group, sort, descending }: Choice): string[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const shown = [...machines].filter(machine => inGroup(machine, group) && fitsText(machine, words))
  shown.sort(COMPARE[sort])
  if (descending) shown.reverse()
  return shown.map(({ id }) => id)
}

export type Counts = Record<Group, number> & { all: number }

export function countGroups(machines: Iterable<MachineView>): Counts {
  const counts = Object.fromEntries([...STATES, 'attention', 'under-way', 'all'].map(group => [group, 0])) as Counts
  for (const machine of machines) {
    counts.all++
    counts[machine.state]++
    if (needsAttention(machine)) counts.attention++
    if (isUnderWay(machine)) counts['under-way']++
  }
  return counts
}

const isOneOf = <T extends string>(words: readonly T[], word: string | null): word is T =>
  word !== null && (words as readonly string[]).includes(word)

const GROUPS: readonly Group[] = [...STATES, 'attention', 'under-way']

/** Only what differs from the default, so that the plain page has a plain address. */
export function toQuery({ text, group, sort, descending, layout }: Choice): string {
  const query = new URLSearchParams()
  if (text !== '') query.set('search', text)
  if (group) query.set('state', group)
  if (sort !== ALL.sort) query.set('sort', sort)
  if (descending) query.set('order', 'descending')
  if (layout !== ALL.layout) query.set('layout', layout)
  const written = query.toString()
  return written === '' ? '' : `?${written}`
}

/** What it does not know is not said. */
export function fromQuery(search: string): Choice {
  const query = new URLSearchParams(search)
  const [group, sort, layout] = [query.get('state'), query.get('sort'), query.get('layout')]
  return {
    text: query.get('search') ?? '',
    ...(isOneOf(GROUPS, group) ? { group } : {}),
    sort: isOneOf(SORTS, sort) ? sort : ALL.sort,
    descending: query.get('order') === 'descending',
    layout: isOneOf(LAYOUTS, layout) ? layout : ALL.layout,
  }
}
