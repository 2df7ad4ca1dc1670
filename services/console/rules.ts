/** The rules of the site, and which machines each of them takes now. */
import type { Registry } from '../machine/registry.ts'
import { describeCondition } from '../site/condition.ts'
import type { Site } from '../site/types.ts'
import type { RulesView } from './schema/health.ts'

export function viewRules(
  { rules }: Pick<Site, 'rules'>,
  registry: Pick<Registry, 'machines' | 'listing' | 'titleOf'>,
): RulesView {
  const taken = new Map<number, { id: string; name: string }[]>(rules.map(({ index }) => [index, []]))
  let unlisted = 0
  for (const machine of registry.machines()) {
    const { from, rule } = registry.listing(machine)
    if (from === 'nothing') unlisted += 1
    if (rule !== undefined) taken.get(rule)?.push({ id: machine.id, name: registry.titleOf(machine) })
  }
  return {
    rules: rules.map(({ index, when, profile, name, answers, approve }) => ({
      rule: index + 1,
      when: when.map(describeCondition),
      profile,
      ...(name === undefined ? {} : { name }),
      answers,
      approve,
      machines: taken.get(index)!.toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })),
    })),
    unlisted,
  }
}
