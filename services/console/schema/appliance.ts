/** What this appliance is: who it serves, and with what. */
import { z } from 'zod'
import { time } from './parts.ts'
import { loadedView } from './reload.ts'
import { schemas } from './registry.ts'

const profile = z.strictObject({
  name: z.string(),
  iso: z.string().meta({ description: 'A file of the library, or what chooses one, such as `pve:latest`' }),
  answers: z.array(z.string()).meta({ description: 'Layers, merged left to right' }),
  kernelArgs: z.array(z.string()),
  firstBoot: z.string().exactOptional(),
})

export const applianceView = z
  .strictObject({
    name: z.string(),
    domain: z.string(),
    version: z.string(),
    startedAt: time,
    now: time,
    siteFile: loadedView.meta({ description: 'When and by whom the file that is served was loaded' }),
    interface: z.string(),
    address: z.string(),
    fingerprint: z
      .string()
      .exactOptional()
      .meta({ description: 'SHA-256 of the certificate that answers are served with; absent before there is one' }),
    mode: z.enum(['server', 'proxy', 'off']).meta({ description: 'What it is for DHCP' }),
    profiles: z.array(profile),
    unknown: z.enum(['hold', 'install', 'ignore']).meta({ description: 'What becomes of machines that nobody listed' }),
  })
  .register(schemas, { id: 'Appliance' })
export type ApplianceView = z.infer<typeof applianceView>

export const works = z.strictObject({ status: z.literal('ok') })
