/** What the boot script of one machine says, whatever the loader is that reads it, and the facts that saying so makes true. */
import { unfitFor } from '../boot/fitness.ts'
import type { Inquiry } from '../boot/inquiry.ts'
import { type ScriptPlan, scriptPlan } from '../boot/plan.ts'
import { isForPeople, type LocalDiskCause } from '../boot/script.ts'
import { silentReason } from '../boot/view.ts'
import { type IsoEntry, memoryNeeded } from '../iso/catalogue.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import type { AttemptId, EventSource } from '../machine/event.ts'
import type { Machine } from '../machine/lifecycle.ts'
import { openAttempt } from '../machine/machine-log.ts'
import { type HttpContext, standsAt } from './context.ts'
import { tellRefusal } from './refusal.ts'

/** Who asks, from where, by what, and what it says. */
export type Asker = { mac: Mac; address: Ipv4; inquiry: Omit<Inquiry, 'mac'>; by: EventSource }

/** What an attempt boots. */
export type Image = { iso: IsoEntry; kernelArgs: readonly string[]; isoDelivery?: 'second-initrd' }

export type Told =
  | { do: 'install'; attempt: AttemptId; image: Image; title: string }
  | { do: 'local-disk'; because: LocalDiskCause; title: string; advice?: string[] }
  /** Say more of yourself, and ask again. */
  | { do: 'describe' }

/** Who hears no script at all. */
export type Refused = { refused: 'elsewhere' | 'blocked' | 'ignored' }

export function imageOf({ site, catalogue }: HttpContext, profileName: string): Image | Problem {
  const profile = site.profiles.get(profileName)
  if (!profile)
    return {
      code: 'no-profile',
      message: `profile "${profileName}" is no longer in the site file`,
      hint: 'put it back, or start another attempt',
      severity: 'error',
    }
  const iso = catalogue.find(profile.iso)
  if (isProblem(iso)) return iso
  const { kernelArgs, isoDelivery } = profile
  return { iso, kernelArgs, ...(isoDelivery ? { isoDelivery } : {}) }
}

/** The long name is the image's word for itself: letters only, since `${` and line ends mean something in a script. */
export function nameOf({ release }: IsoEntry): string {
  return `${release.productLong.replaceAll(/[^A-Za-z0-9 ]/g, '')} ${release.release}`
}

/**
 * The serial number that the site lists or that was known when it was approved, where an attempt is open and another one is said: two boxes with one MAC, or
 * a board that was replaced. Not the UUID: firmware, iPXE and kernel may write its octets in different orders.
 */
function serialAwaited(
  { registry }: HttpContext,
  machine: Machine,
  { identity: { serial } }: Pick<Inquiry, 'identity'>,
): string | undefined {
  if (serial === undefined || openAttempt(machine) === undefined) return undefined
  const awaited = registry.listing(machine).serial ?? machine.serial
  return awaited?.toLowerCase() === serial.toLowerCase() ? undefined : awaited
}

/** Its disk, as for a stranger: nobody approved this one, and what it does says nothing of the other. */
function refuseOther(context: HttpContext, machine: Machine, { address }: Asker, awaited: string): Told {
  tellRefusal(context, 'script', 'serial-mismatch', { mac: machine.id, address })
  const title = context.registry.titleOf(machine)
  const advice = [
    `The machine with serial number ${awaited} was approved, and this one says another`,
    `If its board was replaced: rackrise machine block ${title}, power-cycle it, then approve it`,
  ]
  return { do: 'local-disk', because: 'held', title, advice }
}

async function localDisk(context: HttpContext, machine: Machine, { mac, inquiry, by }: Asker): Promise<Told> {
  const { registry, log } = context
  const now = registry.byMac(mac) ?? machine
  const chosen = inquiry.choice === 'disk'
  const state = now.state === 'approved' || now.state === 'booting' ? 'held' : now.state
  const attempt = now.attempt && state !== 'held' ? { attempt: now.attempt.id } : {}
  const fact = { type: 'local-disk-told', ...attempt, ...(chosen ? { chosen } : {}) } as const
  if (!inquiry.diskFailed) await registry.record(now.id, fact, by)
  else log.info({ mac: now.id }, 'its local disk did not boot')
  const title = registry.titleOf(now)
  const because = chosen ? 'chosen' : state
  const why = now.reason === undefined ? [] : [`Reason: ${now.reason}`]
  const advice =
    because === 'held'
      ? [`Approve it: rackrise machine approve ${title}`]
      : [...why, `See more: rackrise machine timeline ${title}`]
  return { do: 'local-disk', because, title, ...(isForPeople(because) ? { advice } : {}) }
}

async function giveUp(
  context: HttpContext,
  machine: Machine,
  asker: Asker,
  attempt: AttemptId,
  reason: string,
): Promise<Told> {
  await context.registry.record(machine.id, { type: 'gave-up', attempt, reason }, asker.by)
  return localDisk(context, machine, asker)
}

/** A loader that came by our own address is asked what else its machine is, once: what it cannot boot is not begun. */
async function install(
  context: HttpContext,
  machine: Machine,
  asker: Asker,
  plan: Extract<ScriptPlan, { do: 'install' }>,
): Promise<Told> {
  const { registry } = context
  const { inquiry, address, by } = asker
  const { attempt, resumed } = plan
  const image = imageOf(context, plan.profile)
  if (isProblem(image)) return giveUp(context, machine, asker, attempt, `${image.message}; ${image.hint}`)
  // A machine that resumes has been judged; asked again, it would not say any more that its disk has failed.
  if (!resumed && inquiry.canDescribe && !inquiry.description) return { do: 'describe' }
  const { iso } = image
  const demand = { file: iso.file, architecture: iso.release.arch, memoryBytes: memoryNeeded(iso) }
  const unfit = unfitFor(demand, inquiry.description ?? {})
  if (unfit !== undefined) return giveUp(context, machine, asker, attempt, unfit)
  const { anomaly } = await registry.record(machine.id, { type: 'script-served', attempt, address, resumed }, by)
  // It was being forgotten just then.
  if (anomaly !== undefined) return localDisk(context, machine, asker)
  return { do: 'install', attempt, image, title: registry.titleOf(machine) }
}

/** Known from here on, unless it stands elsewhere or there are too many that nobody knows. */
export async function admit(context: HttpContext, asker: Asker): Promise<Machine | Refused | undefined> {
  const { registry, site } = context
  const { mac, address, inquiry, by } = asker
  // One that nobody knows yet has to stand there, too: else one client could fill the fleet with machines that do not exist.
  if (!standsAt(context, registry.byMac(mac)?.macs ?? [mac], address)) {
    tellRefusal(context, 'script', 'address-mismatch', { mac, address })
    return { refused: 'elsewhere' }
  }
  if (!registry.admits(mac)) {
    tellRefusal(context, 'script', 'too-many-strangers', { mac, address })
    return undefined
  }
  const known = registry.byMac(mac)
  // What a second box says must not become what is known of the one that was approved.
  const isOther = known !== undefined && serialAwaited(context, known, inquiry) !== undefined
  const machine = await registry.sight({ macs: [mac], ...(isOther ? {} : inquiry.identity) }, by)
  const silent = silentReason(machine, registry.listing(machine), site.boot.unknown)
  if (silent) {
    tellRefusal(context, 'script', silent, { mac, address })
    return { refused: silent }
  }
  registry.heard(machine.id)
  return machine
}

/** What a stranger is told whom the fleet has no room for: its disk, like everybody who is not approved. */
export function tellStranger({ mac }: Asker): Told & { do: 'local-disk' } {
  const advice = ['Too many unknown machines: list it in the site file']
  return { do: 'local-disk', because: 'held', title: mac, advice }
}

export async function decideScript(context: HttpContext, machine: Machine, asker: Asker): Promise<Told> {
  const told = await decide(context, machine, asker)
  context.counts.decided(
    told.do === 'local-disk'
      ? { route: 'script', outcome: told.do, reason: told.because }
      : { route: 'script', outcome: told.do },
  )
  return told
}

async function decide(context: HttpContext, machine: Machine, asker: Asker): Promise<Told> {
  const { registry, clock } = context
  const { failed, diskFailed, choice } = asker.inquiry
  const awaited = serialAwaited(context, machine, asker.inquiry)
  if (awaited !== undefined) return refuseOther(context, machine, asker, awaited)
  if (failed && machine.attempt) {
    await registry.record(machine.id, { type: 'load-failed', attempt: machine.attempt.id, ...failed }, asker.by)
  }
  if (choice === 'disk') return localDisk(context, machine, asker)
  const plan = scriptPlan(registry.byMac(asker.mac) ?? machine, clock.now(), diskFailed)
  switch (plan.do) {
    case 'give-up':
      return giveUp(context, machine, asker, plan.attempt, plan.reason)
    case 'local-disk':
      return localDisk(context, machine, asker)
    case 'install':
      return install(context, machine, asker, plan)
  }
}
