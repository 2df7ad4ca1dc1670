/** The form of a whole answer file: every table and key of every installer from 8.2 to 9.2, and nothing else. */
import { z } from 'zod'
import type { Place, Problem } from '../kit/problem.ts'
import { type AnswerTable, isTable, spellWithHyphens } from './keys.ts'
import { KEYBOARDS } from './locale.ts'
import { answerError } from './problems.ts'

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
  keyboard: z.enum(KEYBOARDS),
  mailto: z.string(),
  timezone: z.string(),
  'root-password': z.string().optional(),
  'root-password-hashed': z.string().optional(),
  'reboot-on-error': z.boolean().optional(),
  'reboot-mode': z.enum(['reboot', 'power-off']).optional(),
  'root-ssh-keys': z.array(z.string()).optional(),
  'subscription-key': z.string().optional(),
})

const network = z.strictObject({
  source: z.enum(['from-dhcp', 'from-answer']).optional(),
  cidr: z.string().optional(),
  dns: z.string().optional(),
  gateway: z.string().optional(),
  filter: globs.optional(),
  'interface-name-pinning': z
    .strictObject({ enabled: z.boolean(), mapping: z.record(z.string(), z.string()).optional() })
    .optional(),
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

/** Keys that a table may have, for the hint; undefined where the schema has no such table. */
function knownKeys(path: readonly PropertyKey[]): string[] | undefined {
  let schema: unknown = answerSchema
  for (const key of path) {
    while (schema instanceof z.ZodOptional) schema = schema.unwrap()
    if (schema instanceof z.ZodUnion) schema = schema.options[1]
    if (!(schema instanceof z.ZodObject)) return undefined
    schema = (schema.shape as Record<string, unknown>)[String(key)]
  }
  while (schema instanceof z.ZodOptional) schema = schema.unwrap()
  return schema instanceof z.ZodObject ? Object.keys(schema.shape as object) : undefined
}

type Issue = z.core.$ZodIssue

function unknownKeys(issue: Issue & { code: 'unrecognized_keys' }, place?: Place): Problem[] {
  const table = issue.path.length === 0 ? 'the answer' : `[${issue.path.join('.')}]`
  const known = knownKeys(issue.path)?.join(', ') ?? 'none'
  return issue.keys.map(key =>
    answerError('unknown-key', `${table} has an unknown key "${key}"`, `known here: ${known}`, place),
  )
}

function isMissing(answer: AnswerTable, path: readonly PropertyKey[]): boolean {
  let value: unknown = answer
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return true
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return false
}

/** Zod's own messages name what was expected and the type of what stands there, never the value: it may be a secret. */
function describeIssue(issue: Issue, answer: AnswerTable): Problem[] {
  if (issue.code === 'unrecognized_keys') return unknownKeys(issue)
  const path = issue.path.join('.')
  if (isMissing(answer, issue.path)) {
    return [answerError('missing-key', `${path} is missing`, 'add it to one of the layers')]
  }
  if (path === 'global.fqdn') {
    const hint = 'write a full name such as "node1.example.org", or { source = "from-dhcp" }'
    return [answerError('wrong-value', 'global.fqdn is neither a name nor the form from DHCP', hint)]
  }
  return [answerError('wrong-value', `${path}: ${issue.message}`, 'write what is expected there')]
}

const NOT_A_TABLE = answerError('wrong-value', 'the answer is not a table', 'start with a [global] section')

/** Reads an answer in either spelling. All problems of form at once. */
export function readAnswer(value: unknown): Answer | Problem[] {
  if (!isTable(value)) return [NOT_A_TABLE]
  const spelled = spellWithHyphens(value)
  const read = answerSchema.safeParse(spelled.table)
  const problems = [
    ...spelled.problems,
    ...(read.error?.issues ?? []).flatMap(issue => describeIssue(issue, spelled.table)),
  ]
  return problems.length > 0 || !read.data ? problems : read.data
}

/** What can be said of a layer alone, which may be any part of an answer: keys that no answer has. */
export function checkLayerKeys(table: AnswerTable, place: Place): Problem[] {
  const issues = answerSchema.safeParse(table).error?.issues ?? []
  return issues.filter(issue => issue.code === 'unrecognized_keys').flatMap(issue => unknownKeys(issue, place))
}
