/** Machines as people and programs are shown them, and what is said about them. No secret is in it. */
import { z } from 'zod'
import { byteCount, pageLimit, time, wholeNumber } from './parts.ts'
import { problemSchema } from './problem.ts'
import { schemas } from './registry.ts'

export const machineState = z.enum([
  'held',
  'approved',
  'booting',
  'installing',
  'installed',
  'failed',
  'stalled',
  'blocked',
])

const claim = z.strictObject({
  name: z.string(),
  id: z.string(),
  by: z.enum(['mac', 'uuid', 'serial']),
  value: z.string(),
})

const staticAddress = z
  .strictObject({ address: z.string(), nic: z.string(), since: time })
  .meta({ description: 'What its installed system has written down: reserved for it, whatever becomes of its lease' })

const password = z
  .strictObject({ attempt: z.string(), shownTo: z.string().exactOptional(), shownAt: time.exactOptional() })
  .meta({ description: 'A random root password was installed; shown to nobody yet where there is no `shownTo`' })

const progress = z.strictObject({
  file: z.enum(['loader', 'kernel', 'initrd', 'iso']),
  sent: byteCount,
  total: byteCount,
  bytesPerSecond: z.number().int().nonnegative(),
})

const installed = z.strictObject({
  at: time,
  inferred: z.boolean().meta({ description: 'It booted its disk, and no report came' }),
  fqdn: z.string().exactOptional(),
  address: z.string().exactOptional(),
  product: z.string().exactOptional(),
  kernel: z.string().exactOptional(),
  machineId: z.string().exactOptional(),
  hostKeys: z.array(z.string()).exactOptional(),
})

export const machineView = z
  .strictObject({
    id: z.string().meta({ description: 'The first MAC by which it became known' }),
    name: z.string().meta({ description: 'Host name, else the MAC' }),
    fqdn: z.string().exactOptional(),
    macs: z.array(z.string()),
    serial: z.string().exactOptional(),
    uuid: z.string().exactOptional(),
    product: z.string().exactOptional(),
    state: machineState,
    stage: z
      .enum(['firmware', 'ipxe', 'installer', 'system'])
      .exactOptional()
      .meta({ description: 'The latest thing known about its boot' }),
    reason: z.string().exactOptional().meta({ description: 'Why it failed, stands still or is blocked' }),
    address: z.string().exactOptional(),
    staticAddress: staticAddress.exactOptional(),
    password: password.exactOptional(),
    conflicts: z
      .array(claim)
      .exactOptional()
      .meta({ description: 'Claims to one identity, its own and those of others: `name` is the other machine' }),
    profile: z.string().exactOptional(),
    listed: z.enum(['machine', 'rule', 'nothing']),
    attempt: z
      .strictObject({ id: z.string(), startedAt: time, resumes: z.number().int().nonnegative() })
      .exactOptional()
      .meta({ description: 'The latest one, finished or not' }),
    attempts: z.number().int().nonnegative(),
    progress: progress.exactOptional(),
    installed: installed.exactOptional(),
    firstSeenAt: time,
    heardAt: time,
  })
  .register(schemas, { id: 'Machine' })
export type MachineView = z.infer<typeof machineView>

export const timelineEntry = z
  .strictObject({
    seq: z.number().int().exactOptional().meta({ description: 'Its number among the events of all machines' }),
    at: time,
    source: z.enum(['dhcp', 'tftp', 'http', 'dns', 'answer', 'webhook', 'operator', 'site', 'clock']),
    type: z.string(),
    attempt: z.string().exactOptional().meta({ description: 'The attempt that it names' }),
    profile: z.string().exactOptional().meta({ description: 'Of the attempt that it starts' }),
    stage: z
      .string()
      .exactOptional()
      .meta({ description: 'Of the boot, where it was given an address or told what to load' }),
    bytes: byteCount.exactOptional().meta({ description: 'Of a file that was sent, or is being sent' }),
    who: z.string().exactOptional().meta({ description: 'The person who ordered or saw it' }),
    text: z.string().meta({ description: 'What happened, in words' }),
    anomaly: z.string().exactOptional().meta({ description: 'Why it changed nothing' }),
  })
  .register(schemas, { id: 'TimelineEntry' })
export type TimelineEntry = z.infer<typeof timelineEntry>

export const TIMELINE_MOST = 10_000

export const machinesQuery = z.strictObject({
  state: z
    .union([machineState, z.array(machineState)])
    .exactOptional()
    .meta({ description: 'Only in this state; may be repeated' }),
  search: z
    .string()
    .max(100)
    .exactOptional()
    .meta({ description: 'Only those with this text in name, MAC, address, serial number, UUID, product or profile' }),
  limit: pageLimit.exactOptional(),
  after: z.string().max(64).exactOptional().meta({ description: 'The `id` of the last machine of the page before' }),
})
export type MachinesQuery = z.infer<typeof machinesQuery>

export const timelineQuery = z.strictObject({
  after: wholeNumber.default(0).meta({ description: 'Only events with a number above' }),
  limit: wholeNumber.min(1).max(TIMELINE_MOST).default(TIMELINE_MOST),
})

export const order = z.strictObject({
  profile: z.string().max(64).exactOptional(),
  reason: z.string().max(500).exactOptional().meta({ description: 'Kept on the timeline' }),
  confirmDisks: z
    .boolean()
    .exactOptional()
    .meta({ description: 'Although the rehearsal on the hardware that it reported last has doubts' }),
})
export type Order = z.infer<typeof order>

export const action = z.enum(['approve', 'reinstall', 'block'])
export type Action = z.infer<typeof action>

/** More than a row of racks; what is more is said twice. */
export const ORDERS_MOST = 500

export const orders = z.strictObject({
  action,
  machines: z
    .array(z.string().min(1).max(64))
    .min(1)
    .max(ORDERS_MOST)
    .meta({ description: 'Their `id`s; one that stands twice is ordered once' }),
  ...order.shape,
})

const orderResult = z
  .discriminatedUnion('ok', [
    z.strictObject({ machine: z.string(), ok: z.literal(true), view: machineView }),
    z.strictObject({ machine: z.string(), ok: z.literal(false), problem: problemSchema }),
  ])
  .register(schemas, { id: 'OrderResult' })
export type OrderResult = z.infer<typeof orderResult>

export const ordersOutcome = z.strictObject({
  results: z.array(orderResult).meta({ description: 'In the order of the list' }),
})
