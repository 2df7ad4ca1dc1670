/** What the site says about a machine: its name, profile, reservation and layers, from its own entry or the first rule that fits. */
import type { Ipv4 } from '../kit/ipv4.ts'
import type { ListedMachine, Rule, Site } from '../site/types.ts'
import type { Machine } from './lifecycle.ts'

export type Listing = {
  from: 'machine' | 'rule' | 'nothing'
  /** Short host name. */
  name?: string
  fqdn?: string
  profile?: string
  answers: string[]
  approve: boolean
  address?: Ipv4
  /** Expected by the site; a machine that says otherwise gets no answer. */
  serial?: string
  uuid?: string
  /** The series whose number the machine should have, where a rule names machines by number. */
  series?: string
}

/** `*` and `?` only, over the whole value, without regard to case: what people write about models and MACs. */
export function matchesGlob(pattern: string, value: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 'is').test(value)
}

/** What a rule can ask about: dotted names to values. */
export function describeForRules(machine: Machine): Map<string, string[]> {
  const values = new Map<string, string[]>([['mac', machine.macs]])
  if (machine.serial) values.set('serial', [machine.serial]).set('dmi.system.serial', [machine.serial])
  if (machine.uuid) values.set('uuid', [machine.uuid]).set('dmi.system.uuid', [machine.uuid])
  if (machine.product) values.set('dmi.system.name', [machine.product])
  return values
}

function ruleFits(rule: Rule, known: Map<string, string[]>): boolean {
  return Object.entries(rule.when).every(([name, pattern]) =>
    known.get(name)?.some(value => matchesGlob(pattern, value)),
  )
}

function fromEntry(entry: ListedMachine, domain: string): Listing {
  const { name, profile, answers, approve, address, serial, uuid } = entry
  return {
    from: 'machine',
    name,
    fqdn: `${name}.${domain}`,
    profile,
    answers,
    approve,
    ...(address ? { address } : {}),
    ...(serial ? { serial } : {}),
    ...(uuid ? { uuid } : {}),
  }
}

function fromRule(rule: Rule, machine: Machine, domain: string): Listing {
  const { profile, answers, approve } = rule
  const series = rule.name
  const numbered = series && (!series.includes('{{index}}') || machine.number?.series === series)
  const name = numbered ? series.replaceAll('{{index}}', String(machine.number?.index)) : undefined
  return {
    from: 'rule',
    profile,
    answers,
    approve,
    ...(series ? { series } : {}),
    ...(name ? { name, fqdn: `${name}.${domain}` } : {}),
  }
}

/** The machine's own entry if one of its MACs is listed, else the first rule all of whose globs fit. */
export function listingOf(machine: Machine, site: Pick<Site, 'machines' | 'rules' | 'domain'>): Listing {
  const entry = site.machines.find(listed => listed.macs.some(mac => machine.macs.includes(mac)))
  if (entry) return fromEntry(entry, site.domain)
  const known = describeForRules(machine)
  const rule = site.rules.find(candidate => ruleFits(candidate, known))
  return rule ? fromRule(rule, machine, site.domain) : { from: 'nothing', answers: [], approve: false }
}
