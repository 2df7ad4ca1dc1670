/** What loading the site file again changes, or would change. */
import { z } from 'zod'
import { time } from './parts.ts'
import { problemSchema } from './problem.ts'
import { schemas } from './registry.ts'

const value = z.string().exactOptional().meta({ description: 'Absent where it is not set' })
const keys = z.array(z.strictObject({ key: z.string(), before: value, after: value }))
const how = z.enum(['added', 'removed', 'changed'])

const siteChangeSchema = z
  .strictObject({
    what: z.enum(['setting', 'subnet', 'pool', 'reservation', 'record', 'profile', 'rule', 'webhook']),
    name: z.string().meta({ description: 'Which one: a key, a network, a name' }),
    change: how,
    keys,
  })
  .register(schemas, { id: 'SiteChange' })

const machineChangeSchema = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    macs: z.array(z.string()),
    serial: z.string().exactOptional(),
    change: how.meta({ description: 'Whether the file begins or ends to list it, or makes something else of it' }),
    keys,
    starts: z.boolean().meta({ description: 'Its first installation is started by the file, which erases its disks' }),
  })
  .register(schemas, { id: 'MachineChange' })

export const reloadView = z
  .strictObject({
    reloaded: z.boolean().meta({ description: 'False where nobody wanted more than to see what would change' }),
    sha256: z.string().meta({ description: 'Of the file' }),
    changes: z.array(siteChangeSchema),
    machines: z.array(machineChangeSchema).meta({ description: 'Those of whom the file makes something else' }),
    warnings: z.array(problemSchema).meta({ description: 'What `check` says that is no reason to refuse it' }),
  })
  .register(schemas, { id: 'Reload' })
export type ReloadView = z.infer<typeof reloadView>

const count = z.number().int().nonnegative()

const told = { at: time, by: z.string().meta({ description: 'A person, `SIGHUP`, or `the start`' }) }

/** How the last reload ended, for who watches: lists are cut off at their ends, and counted whole. */
export const siteNewsView = z.discriminatedUnion('outcome', [
  z.strictObject({
    ...told,
    outcome: z.literal('loaded'),
    sha256: z.string(),
    changes: z.array(siteChangeSchema),
    machines: z.array(machineChangeSchema),
    warnings: z.array(problemSchema),
    counts: z.strictObject({ changes: count, machines: count, starts: count, warnings: count }),
  }),
  z.strictObject({
    ...told,
    outcome: z.literal('refused'),
    problems: z.array(problemSchema),
    counts: z.strictObject({ problems: count }),
  }),
])
export type SiteNewsView = z.infer<typeof siteNewsView>

export const loadedView = z.strictObject({
  file: z.string().meta({ description: 'Its path on the appliance' }),
  at: time,
  by: z.string().meta({ description: 'A person, `SIGHUP`, or `the start`' }),
  sha256: z.string().meta({ description: 'Of the file' }),
})
