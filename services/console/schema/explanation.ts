/** What a machine would get, and why: as values, for people and programs. No secret is in it unless it was to be revealed. */
import { z } from 'zod'
import { machineState } from './machine.ts'
import { time } from './parts.ts'
import { problemSchema } from './problem.ts'
import { schemas } from './registry.ts'

const factTime = z.enum(['boot', 'answer'])

const explainedFact = z.strictObject({ fact: z.string(), values: z.array(z.string()), told: factTime })
export type ExplainedFact = z.infer<typeof explainedFact>

const explainedRule = z.strictObject({
  rule: z.number().int().meta({ description: 'Counted from 1, as they stand in the site file' }),
  profile: z.string(),
  outcome: z
    .enum(['taken', 'earlier', 'lost'])
    .meta({ description: '`earlier`: it fits, but one before it, or an entry of the machine’s own, comes first' }),
  lost: z
    .strictObject({
      condition: z.string(),
      because: z.enum(['not-told', 'differs', 'excluded']),
      seen: z.array(z.string()),
      told: factTime,
    })
    .exactOptional()
    .meta({ description: 'The first condition that does not hold, and what the machine has told' }),
})
export type ExplainedRule = z.infer<typeof explainedRule>

const explainedLayer = z.strictObject({ name: z.string(), file: z.string(), why: z.string() })
export type ExplainedLayer = z.infer<typeof explainedLayer>

const explainedKey = z.strictObject({
  path: z.string(),
  value: z.string().meta({ description: 'Masked where it is secret' }),
  from: z.string().meta({ description: 'A layer, or `rackrise`' }),
  over: z.array(z.string()),
})
export type ExplainedKey = z.infer<typeof explainedKey>

const explainedAnswer = z.strictObject({
  product: z.string().meta({ description: 'Whose spelling: of the ISO, or of the installer that asked' }),
  release: z.string(),
  installer: z.string().meta({ description: 'Version of the installer’s package that is counted on, such as `9.2`' }),
  layers: z.array(explainedLayer),
  keys: z.array(explainedKey),
  leftOut: z.array(z.string()).meta({ description: 'Keys that this installer does not know' }),
  toml: z.string().meta({ description: 'As it would be sent, masked unless it was to be revealed' }),
})
export type ExplainedAnswer = z.infer<typeof explainedAnswer>

const doubt = z.strictObject({
  code: z.enum([
    'no-disk',
    'disk-missing',
    'disk-by-absence',
    'one-of-several-disks',
    'disk-count',
    'other-disks',
    'no-nic',
  ]),
  message: z.string(),
  hint: z.string(),
})

const rehearsal = z
  .strictObject({
    at: time.meta({ description: 'When the hardware was reported' }),
    erases: z.array(z.string()).meta({ description: 'Disks by name, model and serial' }),
    leaves: z.array(z.string()),
    nic: z.string().exactOptional(),
    doubts: z.array(doubt),
  })
  .meta({ description: 'What it would do to the disks that the machine reported last' })
export type RehearsalView = z.infer<typeof rehearsal>

export const explanation = z
  .strictObject({
    machine: z.strictObject({
      id: z.string(),
      name: z.string().exactOptional(),
      macs: z.array(z.string()),
      seen: z.boolean().meta({ description: 'False: nobody has seen it yet, and all of this is a what-if' }),
      state: machineState.exactOptional(),
      reason: z.string().exactOptional(),
    }),
    conflicts: z
      .array(z.strictObject({ name: z.string(), id: z.string(), by: z.string(), value: z.string() }))
      .meta({ description: 'What it claims that is another machine’s: found earlier, or by what it would post' }),
    facts: z.array(explainedFact),
    listed: z.enum(['machine', 'rule', 'nothing']),
    rules: z.array(explainedRule),
    plan: z
      .strictObject({ boots: z.enum(['installer', 'disk', 'nothing']), why: z.string() })
      .meta({ description: 'What it is told at its next network boot' }),
    refusal: z
      .strictObject({ reason: z.string(), message: z.string() })
      .exactOptional()
      .meta({ description: 'Why its installer would get no answer if it asked now' }),
    profile: z.strictObject({ name: z.string(), why: z.string(), iso: z.string().exactOptional() }).exactOptional(),
    answer: explainedAnswer.exactOptional(),
    rehearsal: rehearsal.exactOptional(),
    problems: z.array(problemSchema).meta({ description: 'Errors keep the answer from being sent' }),
    notes: z.array(z.string()).meta({ description: 'What was assumed, where something is not known' }),
  })
  .register(schemas, { id: 'Explanation' })
export type Explanation = z.infer<typeof explanation>

export const explanationQuery = z.strictObject({
  profile: z.string().max(64).exactOptional().meta({ description: 'As if it was approved with that one' }),
})
export const postedQuery = z.strictObject({
  ...explanationQuery.shape,
  machine: z.string().max(256).exactOptional().meta({ description: 'Absent: whoever the body speaks of' }),
})
