/** What the machines that were seen say about the site file: those that two rules fit. */
import { namesOf } from '../kit/amount.ts'
import type { Problem } from '../kit/problem.ts'
import { factsOf } from '../machine/facts.ts'
import type { Machine } from '../machine/lifecycle.ts'
import { entryOf, judgeRule, listingOf } from '../machine/listing.ts'
import type { Site } from '../site/types.ts'

function fittingRules(machine: Machine, site: Site): number[] {
  if (entryOf(machine, site)) return []
  const facts = factsOf(machine)
  return site.rules.filter(rule => judgeRule(rule, facts).fits).map(rule => rule.index + 1)
}

/** Machines that more than one rule fits, once for each set of rules. */
export function overlaps(machines: readonly Machine[], site: Site): Problem[] {
  const fitting = machines
    .map(machine => ({ name: listingOf(machine, site).name ?? machine.id, rules: fittingRules(machine, site) }))
    .filter(({ rules }) => rules.length > 1)
  return [...Map.groupBy(fitting, ({ rules }) => rules.join()).values()].map(group => {
    const [first, ...others] = group[0]!.rules
    return {
      code: 'rules-overlap',
      message: `rule ${first} takes ${namesOf(group.map(({ name }) => name))}, and so would rule ${others.join(' and rule ')}`,
      hint: 'the first one counts; make one of them narrower if another was meant (`rackrise explain`)',
      severity: 'warning',
    }
  })
}

/** @param machines those that were seen; where that throws, the rules are not compared */
export function checkState(site: Site, machines: () => readonly Machine[]): Problem[] {
  if (site.rules.length < 2) return []
  try {
    return overlaps(machines(), site)
  } catch (error) {
    const message = `the machines that were seen were not compared with the rules: ${error instanceof Error ? error.message : String(error)}`
    return [{ code: 'state-unread', message, hint: 'run it as the user of the appliance', severity: 'warning' }]
  }
}
