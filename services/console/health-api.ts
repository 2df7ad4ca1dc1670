/** Under `/api/v1`: what `check` and `doctor` say. Both ask the world, so one run serves all who ask meanwhile. */
import { z } from 'zod'
import type { Instant } from '../kit/clock.ts'
import type { Problem } from '../kit/problem.ts'
import type { ConsoleApp } from './app.ts'
import { checkSchema, type DoctorView, doctorSchema } from './schema/health.ts'

type Run = { at: Instant; tookMs: number }

/** Whoever looks: the room above this one. */
export interface HealthSource {
  /** The last run while it is good, or another one; `fresh`: as it is now. */
  check(fresh: boolean): Promise<Run & { problems: Problem[] }>
  /** Looks at the wire and at this machine; never twice at once. */
  examine(): Promise<Run & { findings: DoctorView['findings'] }>
  /** What `examine` found last. */
  lastExamination(): (Run & { findings: DoctorView['findings'] }) | undefined
}

const iso = (at: Instant): string => new Date(at).toISOString()

function viewDoctor({ at, ...run }: Awaited<ReturnType<HealthSource['examine']>>): DoctorView {
  return { at: iso(at), ...run }
}

export function addHealthApi(app: ConsoleApp, health: HealthSource): void {
  app.get(
    '/api/v1/check',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getCheck',
        summary: 'Everything that can be wrong before power-on',
        description: 'The last run, until the site file, a layer, an ISO or a loader is another one.',
        tags: ['health'],
        querystring: z.strictObject({
          fresh: z.enum(['true', 'false']).exactOptional().meta({ description: 'Whether to look again in any case' }),
        }),
        response: { 200: checkSchema },
      },
    },
    async request => {
      const { at, ...run } = await health.check(request.query.fresh === 'true')
      return { at: iso(at), ...run }
    },
  )
  app.get(
    '/api/v1/doctor',
    {
      config: { role: 'viewer' },
      schema: {
        operationId: 'getDoctor',
        summary: 'What was found on the wire and on this machine last',
        description: 'An empty object if nobody has looked since the start.',
        tags: ['health'],
        response: { 200: z.union([doctorSchema, z.strictObject({})]) },
      },
    },
    async () => {
      const last = health.lastExamination()
      return last ? viewDoctor(last) : {}
    },
  )
  app.post(
    '/api/v1/doctor',
    {
      config: { role: 'operator' },
      schema: {
        operationId: 'runDoctor',
        summary: 'Look at the wire and at this machine now',
        description: 'Takes some seconds. Sends a handful of packets, leases nothing and changes nothing.',
        tags: ['health'],
        response: { 200: doctorSchema },
      },
    },
    async () => viewDoctor(await health.examine()),
  )
}
