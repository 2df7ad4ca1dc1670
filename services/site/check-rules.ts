/** Rules: facts that machines tell, patterns that mean something, names that differ, and none behind one that takes all it takes. */
import { type Condition, conditionOf, conditionsInclude, readPattern } from './condition.ts'
import { aboutFact, canonicalFact, FACT_NAMES, type FactAbout, FACTS, type FactSource } from './facts.ts'
import { doubtful, type Finding, type Path, shown, wrong } from './finding.ts'
import type { Draft } from './schema.ts'
import { suggest } from './suggest.ts'

type DraftRule = Draft['rule'][number]
type Mode = Draft['dhcp']['mode']

export function checkRules({ rule: rules, dhcp: { mode } }: Draft): Finding[] {
  return [
    ...rules.flatMap((rule, at) => checkRule(rule, at)),
    ...rules.flatMap((rule, at) => checkTelling(rule, at, mode)),
    ...checkReach(rules),
  ]
}

/** What can be told of a machine that was never here, whoever gives the addresses. */
function toldIn(mode: Mode): string {
  const isTold = ({ told, only }: FactAbout): boolean => told === 'boot' && !isMissing(only, mode)
  return Object.keys(FACTS)
    .filter(fact => isTold(FACTS[fact]!))
    .join(', ')
}

function isMissing(source: FactSource | undefined, mode: Mode): boolean {
  return source !== undefined && source.missingIn.some(one => one === mode)
}

/** A fact that nobody tells in this mode fits nothing, however it is asked for: the rule is for no machine that boots for the first time. */
function checkTelling({ when = {} }: DraftRule, at: number, mode: Mode): Finding[] {
  return Object.keys(when).flatMap(written => {
    const source = aboutFact(canonicalFact(written))?.only
    if (!source || !isMissing(source, mode)) return []
    const message = `the rule takes no machine at its first boot: ${shown(written)} is not known then with mode = ${shown(mode)} in [dhcp], since ${source.why}`
    const found = doubtful(['rule', at, 'when', written], message, `ask for ${toldIn(mode)} instead`)
    return [{ ...found, other: ['dhcp', 'mode'] }]
  })
}

function checkRule({ when = {}, name, approve }: DraftRule, at: number): Finding[] {
  const findings = Object.entries(when).flatMap(([fact, patterns]) => checkCondition(fact, patterns, at))
  if (name !== undefined && !name.includes('{{index}}')) {
    const message = 'every machine of this rule gets the same name'
    findings.push(doubtful(['rule', at, 'name'], message, `put {{index}} into it, as "${name}{{index}}"`))
  }
  const late = Object.keys(when).find(fact => aboutFact(canonicalFact(fact))?.told === 'answer')
  if (approve && late !== undefined) {
    const message = `${shown(late)} is told with the answer only, when somebody has approved the machine already`
    const hint =
      'the rule approves what was installed once; ask for what is told at boot instead (see config/site.toml)'
    findings.push(doubtful(['rule', at, 'approve'], message, hint))
  }
  return findings
}

function checkCondition(written: string, patterns: readonly string[], at: number): Finding[] {
  const path: Path = ['rule', at, 'when', written]
  const fact = canonicalFact(written)
  const findings: Finding[] = []
  if (!aboutFact(fact)) {
    const meant = suggest(written, FACT_NAMES)
    const hint = meant ? `did you mean ${shown(meant)}?` : `known facts are ${FACT_NAMES.join(', ')}`
    findings.push(doubtful(path, `no machine tells ${shown(written)}: the rule never applies`, hint))
  }
  for (const pattern of patterns) {
    const read = readPattern(fact, pattern.replace(/^!/, ''))
    if ('mistake' in read) findings.push(wrong('bad-value', path, `${shown(pattern)} ${read.mistake}`, read.hint))
  }
  return findings
}

/** The first rule that fits counts, so one that comes after a wider one is never reached. Only what can be shown is told. */
function checkReach(rules: readonly DraftRule[]): Finding[] {
  const all = rules.map(({ when }) => conditionsOf(when))
  return all.flatMap((specific, at) => {
    const before = specific && all.slice(0, at).findIndex(general => general && conditionsInclude(general, specific))
    if (before === undefined || before < 0) return []
    const message = 'this rule is never reached: an earlier one takes every machine that it takes'
    const hint = 'put the narrower rule first, or remove one'
    return [{ ...doubtful(['rule', at, 'when'], message, hint), other: ['rule', before, 'when'] }]
  })
}

/** Undefined where a condition is missing or means nothing: nothing follows from that. */
function conditionsOf(when: DraftRule['when']): Condition[] | undefined {
  const conditions = Object.entries(when ?? {}).map(([fact, patterns]) => conditionOf(fact, patterns))
  const isRead = conditions.every(({ fact, any, none }) =>
    [...any, ...none].every(one => !('mistake' in readPattern(fact, one))),
  )
  return conditions.length > 0 && isRead ? conditions : undefined
}
