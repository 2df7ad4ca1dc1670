/** What a machine would get, and why: as values, for people and programs. No secret is in it. */
import type { Problem } from '../kit/problem.ts'
import type { MachineState } from '../machine/lifecycle.ts'
import type { FactTime } from '../site/facts.ts'
import type { RehearsalView } from './rehearsal.ts'

export type ExplainedFact = { fact: string; values: string[]; told: FactTime }

/** Rules are counted from 1, as they stand in the site file. */
export type ExplainedRule = {
  rule: number
  profile: string
  /** `earlier`: it fits, but one before it, or an entry of the machine's own, comes first. */
  outcome: 'taken' | 'earlier' | 'lost'
  /** Where it was lost: the first condition that does not hold, and what the machine has told. */
  lost?: { condition: string; because: 'not-told' | 'differs' | 'excluded'; seen: string[]; told: FactTime }
}

export type ExplainedLayer = { name: string; file: string; why: string }

/** `value` is masked where it is secret; `from` is a layer, or `rackrise`. */
export type ExplainedKey = { path: string; value: string; from: string; over: string[] }

export type ExplainedAnswer = {
  /** Whose spelling: the product and release of the ISO, or of the installer that asked. */
  product: string
  release: string
  /** Version of the installer's package that is counted on, such as `9.2`. */
  installer: string
  layers: ExplainedLayer[]
  keys: ExplainedKey[]
  /** Keys that this installer does not know. */
  leftOut: string[]
  /** The answer as it would be sent, masked unless it was to be revealed. */
  toml: string
}

export type Explanation = {
  machine: {
    id: string
    name?: string
    macs: string[]
    /** False: nobody has seen it yet, and all of this is a what-if. */
    seen: boolean
    state?: MachineState
    reason?: string
  }
  /** What it claims that is another machine's: found earlier, or by what it would post. */
  conflicts: { name: string; id: string; by: string; value: string }[]
  facts: ExplainedFact[]
  listed: 'machine' | 'rule' | 'nothing'
  rules: ExplainedRule[]
  /** What it is told at its next network boot. */
  plan: { boots: 'installer' | 'disk' | 'nothing'; why: string }
  /** Why its installer would get no answer if it asked now, in the words of the answer endpoint. */
  refusal?: { reason: string; message: string }
  profile?: { name: string; why: string; iso?: string }
  answer?: ExplainedAnswer
  /** What it would do to the disks that the machine reported last. */
  rehearsal?: RehearsalView
  /** Errors keep the answer from being sent. */
  problems: Problem[]
  /** What was assumed, where something is not known. */
  notes: string[]
}
