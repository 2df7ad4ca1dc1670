/** The rules of the site, and which machines each of them takes now. */
import { z } from 'zod'
import type { Registry } from '../machine/registry.ts'
import { describeCondition } from '../site/condition.ts'
import type { Site } from '../site/types.ts'

export const rulesShape = z.object({
  rules: z.array(
    z.object({
      rule: z.number().int().describe('counted from 1, as they stand in the site file'),
      when: z.array(z.string()).describe('conditions that all have to hold, as they are written'),
      profile: z.string(),
      name: z.string().optional().describe('what its machines are called; {{index}} is a number for each'),
      answers: z.array(z.string()).describe('layers, after those of the profile'),
      approve: z.boolean().describe('whether its machines may install once without approval'),
      machines: z.array(z.object({ id: z.string(), name: z.string() })).describe('those that it takes now, by name'),
    }),
  ),
  unlisted: z.number().int().describe('machines that neither an entry of their own nor a rule takes'),
})

export type RulesView = z.infer<typeof rulesShape>

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
