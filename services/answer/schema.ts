/** The form of a whole answer file: every table and key of every installer from 8.2 to 9.2, and nothing else. */
import { z } from 'zod'
import type { Path } from '../site/finding.ts'
import { KEYBOARDS } from './locale.ts'

const unsigned = z.int().nonnegative()
const gibibytes = z.number().nonnegative()
const globs = z.record(z.string(), z.string())

/** Upper case is accepted since 8.3.3, a mix of both never. */
function bothCases<const T extends string>(levels: readonly T[]) {
  return z.enum([...levels, ...levels.map(level => level.toUpperCase() as Uppercase<T>)])
}

const fqdnFromDhcp = z.strictObject({ source: z.literal('from-dhcp').optional(), domain: z.string().optional() })

const global = z.strictObject({
  country: z.string(),
  fqdn: z.union([z.string(), fqdnFromDhcp]),
  keyboard: z.enum(KEYBOARDS as [string, ...string[]]),
  mailto: z.string(),
  timezone: z.string(),
  'root-password': z.string().optional(),
  'root-password-hashed': z.string().optional(),
  'reboot-on-error': z.boolean().optional(),
  'reboot-mode': z.enum(['reboot', 'power-off']).optional(),
  'root-ssh-keys': z.array(z.string()).optional(),
  'subscription-key': z.string().optional(),
})

const pinning = z.strictObject({ enabled: z.boolean(), mapping: z.record(z.string(), z.string()).optional() })

const network = z.strictObject({
  source: z.enum(['from-dhcp', 'from-answer']).optional(),
  cidr: z.string().optional(),
  dns: z.string().optional(),
  gateway: z.string().optional(),
  filter: globs.optional(),
  'interface-name-pinning': pinning.optional(),
})

const zfs = z.strictObject({
  raid: bothCases(['raid0', 'raid1', 'raid10', 'raidz-1', 'raidz-2', 'raidz-3']).optional(),
  ashift: unsigned.optional(),
  'arc-max': unsigned.optional(),
  checksum: z.enum(['on', 'fletcher4', 'sha256']).optional(),
  compress: z.enum(['on', 'off', 'lzjb', 'lz4', 'zle', 'gzip', 'zstd']).optional(),
  copies: unsigned.optional(),
  hdsize: gibibytes.optional(),
})

const lvm = z.strictObject({
  hdsize: gibibytes.optional(),
  swapsize: gibibytes.optional(),
  maxroot: gibibytes.optional(),
  maxvz: gibibytes.optional(),
  minfree: gibibytes.optional(),
})

const btrfs = z.strictObject({
  raid: bothCases(['raid0', 'raid1', 'raid10']).optional(),
  compress: z.enum(['on', 'off', 'zlib', 'lzo', 'zstd']).optional(),
  hdsize: gibibytes.optional(),
})

const diskSetup = z.strictObject({
  filesystem: z.enum(['ext4', 'xfs', 'zfs', 'btrfs']),
  'disk-list': z.array(z.string()).optional(),
  filter: globs.optional(),
  'filter-match': z.enum(['any', 'all']).optional(),
  zfs: zfs.optional(),
  lvm: lvm.optional(),
  btrfs: btrfs.optional(),
})

const webhook = z.strictObject({
  url: z.string(),
  'cert-fingerprint': z.string().optional(),
  'auth-token': z.string().optional(),
})

const firstBoot = z.strictObject({
  source: z.enum(['from-url', 'from-iso']),
  ordering: z.enum(['before-network', 'network-online', 'fully-up']).optional(),
  url: z.string().optional(),
  'cert-fingerprint': z.string().optional(),
})

/** Strict everywhere but in the three maps that hold udev properties or MACs. Keys with hyphens. */
export const answerSchema = z.strictObject({
  global,
  network,
  'disk-setup': diskSetup,
  'post-installation-webhook': webhook.optional(),
  'first-boot': firstBoot.optional(),
})

export type Answer = z.infer<typeof answerSchema>
export type DiskSetup = Answer['disk-setup']
export type Network = Answer['network']

/** The same without insisting on any key: layers, and what can be read of an answer with mistakes. */
export const draftSchema = z
  .strictObject({
    global: global.partial(),
    network: network.partial().extend({ 'interface-name-pinning': pinning.partial().optional() }),
    'disk-setup': diskSetup.partial(),
    'post-installation-webhook': webhook.partial(),
    'first-boot': firstBoot.partial(),
  })
  .partial()

export type AnswerDraft = z.infer<typeof draftSchema>

type Shape = z.core.$ZodType | undefined

/** The table behind "optional" and, for `fqdn`, beside the string. */
function bare(shape: Shape): Shape {
  if (shape instanceof z.ZodOptional) return bare(shape.unwrap())
  return shape instanceof z.ZodUnion ? shape.options.find(option => option instanceof z.ZodObject) : shape
}

function shapeAt(path: Path): Shape {
  let shape: Shape = answerSchema
  for (const key of path) {
    const table = bare(shape)
    shape = table instanceof z.ZodObject ? (table.shape as Record<string, Shape>)[String(key)] : undefined
  }
  return bare(shape)
}

/** Keys that the table at that path may have; empty if an answer has no such table, or one whose keys are free. */
export function keysOf(path: Path): string[] {
  const table = shapeAt(path)
  return table instanceof z.ZodObject ? Object.keys(table.shape) : []
}

/** Paths of all tables with fixed keys, from the top. */
export function tablePaths(path: Path = []): Path[] {
  return [path, ...keysOf(path).flatMap(key => (keysOf([...path, key]).length > 0 ? tablePaths([...path, key]) : []))]
}
