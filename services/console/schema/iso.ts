/** The library as people and programs are shown it. No secret of a baked mode file is in it. */
import { z } from 'zod'
import { verificationShape } from '../../iso/verification.ts'
import { byteCount, flag, time } from './parts.ts'
import { problemSchema } from './problem.ts'
import { schemas } from './registry.ts'

const prepared = z
  .strictObject({
    mode: z
      .enum(['iso', 'http', 'partition', 'unreadable'])
      .meta({ description: '`unreadable`: there is a mode file, and no installer could read it' }),
    url: z.string().exactOptional().meta({ description: 'Without password and query' }),
    fingerprint: z.string().exactOptional(),
    token: z.boolean().meta({ description: 'Whether it carries a bearer token; never the token' }),
    partitionLabel: z.string().exactOptional(),
    answer: z.boolean().meta({ description: 'Whether there is an answer file in its root' }),
    firstBoot: z.boolean().meta({ description: 'Whether there is a first-boot script in its root' }),
  })
  .meta({ description: 'How somebody prepared it for the automated installer; absent as Proxmox publishes it' })
export type Prepared = z.infer<typeof prepared>

const isoFacts = z.strictObject({
  product: z.string(),
  productLong: z.string(),
  release: z.string(),
  spin: z.string().meta({ description: 'The spin of that release: `1` of 9.2-1' }),
  architecture: z.string(),
  volume: z.string(),
  autoInstall: z.boolean().meta({ description: 'Whether it has an automated installer' }),
  prepared: prepared.exactOptional(),
  kernel: z.strictObject({ path: z.string(), bytes: byteCount }),
  initrd: z.strictObject({
    path: z.string(),
    bytes: byteCount,
    unpackedBytes: byteCount.exactOptional().meta({ description: 'Once it was measured' }),
  }),
  memoryBytes: z.number().meta({ description: 'What a machine needs to boot it over the network' }),
})
export type IsoFacts = z.infer<typeof isoFacts>

const checksum = z
  .strictObject({ ...verificationShape.shape, why: z.string().exactOptional(), at: time })
  .meta({ description: 'What `iso verify` found; absent if it never looked at this very file' })
export type ChecksumView = z.infer<typeof checksum>

const isoView = z
  .strictObject({
    file: z.string(),
    path: z.string(),
    bytes: byteCount,
    state: z.enum(['usable', 'growing', 'unusable']).meta({ description: '`growing`: somebody is still copying it' }),
    facts: isoFacts.exactOptional().meta({ description: 'Absent unless it is an image of Proxmox that can be read' }),
    checksum: checksum.exactOptional(),
    profiles: z.array(z.string()).meta({ description: 'Names of the profiles that install it' }),
    problems: z.array(problemSchema),
  })
  .register(schemas, { id: 'Iso' })
export type IsoView = z.infer<typeof isoView>

export const libraryView = z
  .strictObject({
    folder: z.string(),
    isos: z.array(isoView),
    problems: z.array(problemSchema).meta({ description: 'Of the folder itself' }),
  })
  .register(schemas, { id: 'Library' })
export type LibraryView = z.infer<typeof libraryView>

export const libraryQuery = z.strictObject({
  fresh: flag.exactOptional().meta({ description: 'Look at the folder before' }),
})
