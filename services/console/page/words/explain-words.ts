/** An explanation in the page's words: why a rule lost, what a machine boots next. Pure. */
import type { ExplainedRule, Explanation } from '../../schema/explanation.ts'

const TOLD = { boot: 'at its boot', answer: 'when its installer asks' } as const

/** Why this rule does not take the machine, or that it does. */
export function ruleInWords({ outcome, lost }: Pick<ExplainedRule, 'outcome' | 'lost'>): string {
  if (outcome === 'taken') return 'takes it'
  if (outcome === 'earlier' || !lost) return 'fits, but something before it comes first'
  const { condition, because, seen, told } = lost
  const values = seen.join(', ')
  switch (because) {
    case 'not-told':
      return `${condition}: it has not told that yet; it does ${TOLD[told]}`
    case 'excluded':
      return `${condition}: it is excluded by ${values}`
    case 'differs':
      return `${condition}: it told ${values}`
  }
}

const BOOTS: Record<Explanation['plan']['boots'], string> = {
  installer: 'the installer, which erases disks',
  disk: 'its own disk',
  nothing: 'nothing',
}

export function planInWords({ boots, why }: Explanation['plan']): string {
  return `At its next network boot it gets ${BOOTS[boots]}: ${why}`
}
