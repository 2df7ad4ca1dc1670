/** What is wrong, and what the site says about rules and layers, as the API tells it. */
import { z } from 'zod'
import { problemSchema } from './problem.ts'
import { schemas } from './registry.ts'

const time = z.string().meta({ description: 'When it began, ISO 8601' })
const took = z.number().meta({ description: 'How long it took, milliseconds' })

export const checkSchema = z
  .strictObject({ at: time, tookMs: took, problems: z.array(problemSchema) })
  .register(schemas, { id: 'Check' })
export type CheckView = z.infer<typeof checkSchema>

const findingSchema = z
  .strictObject({
    code: z.string().meta({ description: 'Stable word for it' }),
    subject: z.string().exactOptional().meta({ description: 'What it is about: a server, a port, a file' }),
    message: z.string(),
    hint: z.string().meta({ description: 'What to do about it; `nothing` where it is as it should be' }),
    severity: z.enum(['ok', 'info', 'warning', 'error']),
    probe: z.string().exactOptional().meta({ description: 'What was looked at' }),
  })
  .register(schemas, { id: 'Finding' })

export const doctorSchema = z
  .strictObject({ at: time, tookMs: took, findings: z.array(findingSchema).meta({ description: 'The worst first' }) })
  .register(schemas, { id: 'DoctorRun' })
export type DoctorView = z.infer<typeof doctorSchema>

export const rulesSchema = z
  .strictObject({
    rules: z.array(
      z.strictObject({
        rule: z.number().int().meta({ description: 'Counted from 1, as they stand in the site file' }),
        when: z.array(z.string()).meta({ description: 'Conditions that all have to hold, as they are written' }),
        profile: z.string(),
        name: z.string().exactOptional().meta({ description: 'Of its machines; `{{index}}` is a number for each' }),
        answers: z.array(z.string()).meta({ description: 'Layers after those of the profile' }),
        approve: z.boolean().meta({ description: 'Whether its machines may install once without approval' }),
        machines: z
          .array(z.strictObject({ id: z.string(), name: z.string() }))
          .meta({ description: 'Those that it takes now' }),
      }),
    ),
    unlisted: z.number().int().meta({ description: 'Machines that neither an entry of their own nor a rule takes' }),
  })
  .register(schemas, { id: 'Rules' })
export type RulesView = z.infer<typeof rulesSchema>

export const layersSchema = z
  .strictObject({
    layers: z.array(
      z.strictObject({
        name: z.string().meta({ description: 'As profiles, rules and machines name it, or the MAC of a machine' }),
        file: z.string(),
        usedBy: z.array(z.string()).meta({ description: '`profile pve`, `machine node1`, `rule 2`' }),
        keys: z.number().int().meta({ description: 'How many values it sets; 0 if it cannot be read' }),
        problems: z.array(problemSchema),
      }),
    ),
  })
  .register(schemas, { id: 'Layers' })
export type LayersView = z.infer<typeof layersSchema>
