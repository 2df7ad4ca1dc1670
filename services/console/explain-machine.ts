/** Who it is and what it boots: the first half of an explanation, by the functions that decide it. */
import { type Authorisation, authorise } from '../answer/authorise.ts'
import type { SystemInformation } from '../answer/system-information.ts'
import { scriptPlan } from '../boot/plan.ts'
import { silentReason } from '../boot/view.ts'
import type { Instant } from '../kit/clock.ts'
import { type Facts, factsOf } from '../machine/facts.ts'
import type { Machine } from '../machine/lifecycle.ts'
import { judgeRule, type Listing, profileFor } from '../machine/listing.ts'
import { describeCondition } from '../site/condition.ts'
import { aboutFact } from '../site/facts.ts'
import type { Rule, Site } from '../site/types.ts'
import type { ExplainedFact, ExplainedRule, Explanation } from './schema/explanation.ts'

export function explainFacts(machine: Machine): ExplainedFact[] {
  return [...factsOf(machine)].map(([fact, values]) => ({
    fact,
    values: [...values],
    told: aboutFact(fact)?.told ?? 'answer',
  }))
}

function explainRule(rule: Rule, facts: Facts, listing: Listing): ExplainedRule {
  const verdict = judgeRule(rule, facts)
  const about = { rule: rule.index + 1, profile: rule.profile }
  if (verdict.fits) return { ...about, outcome: listing.rule === rule.index ? 'taken' : 'earlier' }
  const { condition, because, seen } = verdict
  const told = aboutFact(condition.fact)?.told ?? 'answer'
  return {
    ...about,
    outcome: 'lost',
    lost: { condition: describeCondition(condition), because, seen: [...seen], told },
  }
}

export function explainRules(machine: Machine, listing: Listing, { rules }: Pick<Site, 'rules'>): ExplainedRule[] {
  const facts = factsOf(machine)
  return rules.map(rule => explainRule(rule, facts, listing))
}

/** What the boot script would say, and whether the site would start an attempt by itself before that. */
export function explainPlan(machine: Machine, listing: Listing, site: Site, now: Instant): Explanation['plan'] {
  const silent = silentReason(machine, listing, site.boot.unknown)
  if (silent === 'blocked') return { boots: 'nothing', why: 'a person has blocked it' }
  if (silent === 'ignored')
    return { boots: 'nothing', why: 'nothing in the site file takes it, and boot.unknown is "ignore"' }
  const plan = scriptPlan(machine, now, false)
  if (plan.do === 'install') return { boots: 'installer', why: `attempt ${plan.attempt} is ${machine.state}` }
  if (plan.do === 'give-up') return { boots: 'disk', why: plan.reason }
  const bySite = listing.approve ? `approve = true of its ${listing.from === 'rule' ? 'rule' : 'entry'}` : undefined
  const byDefault =
    listing.from === 'nothing' && site.boot.unknown === 'install' ? 'boot.unknown = "install"' : undefined
  const approval = bySite ?? byDefault
  if (approval && machine.conflicts)
    return { boots: 'disk', why: 'it claims the identity of another machine, and nobody has approved it' }
  const held = machine.reason ?? 'nobody has approved it'
  if (approval && (machine.returned || machine.restored)) return { boots: 'disk', why: held }
  if (approval && machine.state === 'held' && machine.attempts === 0 && profileFor(listing, site))
    return { boots: 'installer', why: `${approval} starts its first installation` }
  return { boots: 'disk', why: machine.state === 'held' ? held : `it is ${machine.state}` }
}

/** What `POST /answer` would say, from where the machine stands; undefined where it would be answered. */
export function explainRefusal(
  machine: Machine,
  listing: Listing,
  information: SystemInformation | undefined,
): Explanation['refusal'] {
  const posted: SystemInformation = information ?? {
    ...{ product: '', release: '', isorelease: '', links: [], dmi: {} },
    macs: machine.macs,
    ...((listing.serial ?? machine.serial) ? { serial: listing.serial ?? machine.serial! } : {}),
    ...((listing.uuid ?? machine.uuid) ? { uuid: listing.uuid ?? machine.uuid! } : {}),
  }
  const holder = machine.macs.find(mac => posted.macs.includes(mac)) ?? machine.macs[0]
  const decision: Authorisation = authorise(
    { information: posted, urlToken: 'none', bearer: 'none', holder, weGiveAddresses: true },
    machine,
    listing,
  )
  return decision.ok ? undefined : { reason: decision.reason, message: decision.message }
}
