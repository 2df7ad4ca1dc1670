/**
 * The lifecycle of a machine as a pure reducer: state and event in, state out. Nothing but an `attempt-started` event, which
 * only an operator or `approve = true` of the site can cause, ever leads towards an installation.
 */
import type { Instant } from '../kit/clock.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { Conflict } from './conflict.ts'
import type { Told } from './facts.ts'
import { countBoot, type FutileBoots, stageToldOf } from './boot-loop.ts'
import {
  type AttemptId,
  type BootStage,
  describeConflicts,
  describeLoop,
  describeRestored,
  describeReturn,
  describeSilence,
  type Installed,
  type MachineEvent,
  type MachineId,
} from './event.ts'

export type MachineState =
  | 'held'
  | 'approved'
  | 'booting'
  | 'installing'
  | 'installed'
  | 'failed'
  | 'stalled'
  | 'blocked'

export type Attempt = {
  id: AttemptId
  profile: string
  /** A person named the profile; else the site did. */
  chosen?: true
  /** Begun by `approve = true` of the site; else a person approved this machine. */
  bySite?: true
  startedAt: Instant
  /** How often the installer was started again because the machine came back without booting its disk. */
  resumes: number
  /** How often its loader came back because it could not load or start what it was told to. */
  loadFailures?: number
  /** Set while the answer has been served and the report has not come. */
  answeredAt?: Instant
  answeredTo?: string
  /** Last time the machine was told to boot its disk, and when it booted from the network after that. */
  toldLocalAt?: Instant
  backAt?: Instant
}

export type Machine = {
  id: MachineId
  macs: Mac[]
  uuid?: string
  serial?: string
  product?: string
  /** What it told of itself beside that, for rules. */
  told?: Told
  /** What it claimed that is another machine's, as it was found; a person who approves it has seen them. */
  conflicts?: Conflict[]
  /** It was forgotten once: the site does not approve it. */
  returned?: true
  /** Held since the state that it is of was restored: the site does not approve it. */
  restored?: true
  /** Its number in the series of a rule. */
  number?: { series: string; index: number }
  state: MachineState
  /** The latest attempt, finished or not. */
  attempt?: Attempt
  attempts: number
  address?: Ipv4
  /** What the installed system has written down for good (network `source = "from-dhcp"`), so nobody else may have it, however silent it is. */
  staticAddress?: { address: Ipv4; nic: Mac; at: Instant }
  /** The random root password of its latest installation that has one; `shownTo` is who saw it. */
  password?: { attempt: AttemptId; shownTo?: string; shownAt?: Instant }
  stage?: BootStage
  /** Network boots since it last fetched its script or booted a system. */
  futile?: FutileBoots
  /** Set while it is given nothing more to boot, since it went in circles; why, in words. */
  loop?: string
  /** Why it failed, stalled or is blocked, in words. */
  reason?: string
  installed?: Installed & { at: Instant; inferred: boolean }
  firstSeenAt: Instant
  lastEventAt: Instant
}

/** A machine that is back this soon after it was told to boot its disk did not boot it. */
export const BACK_WITHIN_MS = 3 * 60_000
export const RESUMES_MOST = 3
/** A loader has tried several times before it comes back, so this is enough. */
export const LOAD_FAILURES_MOST = 3

export function newMachine(id: MachineId, at: Instant): Machine {
  return { id, macs: [id], state: 'held', attempts: 0, firstSeenAt: at, lastEventAt: at }
}

/** `anomaly` says why the event changed nothing. */
export type Step = { machine: Machine; anomaly?: string }

function refuse(machine: Machine, anomaly: string): Step {
  return { machine, anomaly }
}

function without<T extends object, K extends keyof T>(value: T, ...keys: K[]): Omit<T, K> {
  const copy = { ...value }
  for (const key of keys) delete copy[key]
  return copy
}

type Of<T extends MachineEvent['type']> = Extract<MachineEvent, { type: T }>

/** Events that name an attempt are facts about the latest one only, and only in the states where they can be true. */
function inAttempt(
  machine: Machine,
  event: { attempt: AttemptId; type: string },
  states: MachineState[],
): Attempt | string {
  if (machine.attempt?.id !== event.attempt) return `attempt ${event.attempt} is not the latest`
  return states.includes(machine.state) ? machine.attempt : `${event.type} does not fit state ${machine.state}`
}

function sight(machine: Machine, event: Of<'sighted'>): Step {
  const macs = [...new Set([...machine.macs, ...event.macs])]
  const { uuid, serial, product } = { ...machine, ...event }
  const told = event.told && { ...machine.told, ...event.told }
  return {
    machine: {
      ...machine,
      macs,
      ...(uuid ? { uuid } : {}),
      ...(serial ? { serial } : {}),
      ...(product ? { product } : {}),
      ...(told ? { told } : {}),
    },
  }
}

function isOnItsWay({ state }: Machine): boolean {
  return state === 'approved' || state === 'booting' || state === 'stalled'
}

/** An installation that was answered goes on: what there was to erase is erased. */
function holdForConflict(machine: Machine, event: Of<'identity-conflicted'>): Step {
  const conflicts = [...(machine.conflicts ?? []), ...event.conflicts]
  const held = isOnItsWay(machine) ? ({ state: 'held', reason: describeConflicts(event.conflicts) } as const) : {}
  return { machine: { ...machine, conflicts, ...held } }
}

/**
 * It may carry an installed system (T20). One that shows a forgotten NIC when it is known already is held as well, as long as the site alone approved it and
 * its answer was not served; a person who approved it meant this box.
 */
function holdReturned(machine: Machine, event: Of<'returned'>): Step {
  const { state, attempt } = machine
  const isApprovedBlindly = isOnItsWay(machine) && attempt?.bySite === true && attempt.answeredAt === undefined
  if (state !== 'held' && !isApprovedBlindly) return { machine }
  return { machine: { ...machine, state: 'held', returned: true, reason: describeReturn(event) } }
}

/**
 * What was installed since the backup is not known, so nothing that a person said before it leads to an installation any more, and what the site says does not
 * either: whatever could still come to an answer is held. One that is installed or failed boots its disk, and one that is blocked nothing.
 */
function holdSinceRestore(machine: Machine, event: Of<'restored'>): Step {
  const { state } = machine
  if (state === 'installed' || state === 'failed' || state === 'blocked') return { machine }
  return { machine: { ...machine, state: 'held', restored: true, reason: describeRestored(event) } }
}

function startAttempt(machine: Machine, event: Of<'attempt-started'>): Step {
  if (event.by === 'site' && machine.attempts > 0) return refuse(machine, 'the site approves the first attempt only')
  if (event.by === 'site' && machine.state !== 'held')
    return refuse(machine, `the site approves a held machine only, not ${machine.state}`)
  if (event.by === 'site' && machine.returned) return refuse(machine, 'it was forgotten: only a person approves it')
  if (event.by === 'site' && machine.restored) return refuse(machine, 'it was restored: only a person approves it')
  if (machine.state === 'installed' && !event.again)
    return refuse(machine, 'an installed machine needs `machine reinstall`')
  if (machine.state === 'installing' && !event.again)
    return refuse(machine, 'an installation is under way; `machine reinstall` starts another one')
  const attempt: Attempt = {
    id: event.attempt,
    profile: event.profile,
    ...(event.chosen ? { chosen: true } : {}),
    ...(event.by === 'site' ? { bySite: true } : {}),
    startedAt: event.at,
    resumes: 0,
  }
  return {
    machine: {
      ...without(machine, 'reason', 'futile', 'loop', 'returned', 'restored'),
      state: 'approved',
      attempt,
      attempts: machine.attempts + 1,
    },
  }
}

/** Heard of early in a boot: by the lease it took or, where another server gives those, by what it was told to boot. */
function beginStage(machine: Machine, event: Of<'leased'> | Of<'boot-told'>): Step {
  const address = event.type === 'leased' ? { address: event.address } : {}
  const next: Machine = { ...countedBoot(machine, event), ...address, stage: event.stage }
  const { attempt } = machine
  const fromNetwork = event.stage === 'firmware' || event.stage === 'ipxe'
  if (!attempt || !fromNetwork || attempt.toldLocalAt === undefined) return { machine: next }
  return { machine: { ...next, attempt: { ...attempt, backAt: event.at } } }
}

/** An installer or a system that asks for its address was booted by something, so the boots before it led somewhere. */
function countedBoot(machine: Machine, event: Of<'leased'> | Of<'boot-told'>): Machine {
  const stage = stageToldOf(event)
  if (stage) return { ...machine, futile: countBoot(machine.futile ?? {}, stage, event.at) }
  return event.stage === 'firmware' || event.stage === 'ipxe' ? machine : without(machine, 'futile')
}

/** An attempt that waits for its machine is stalled; in every other state the machine boots its disk, as it would have. */
function goInCircles(machine: Machine, event: Of<'boot-looped'>): Step {
  const loop = describeLoop(event)
  const isAwaited = machine.state === 'approved' || machine.state === 'booting'
  return { machine: { ...machine, loop, ...(isAwaited ? { state: 'stalled', reason: loop } : {}) } }
}

/** It fetched its script: whatever went in circles goes on. */
function withoutLoop(machine: Machine): Machine {
  return machine.loop === undefined && machine.futile === undefined ? machine : without(machine, 'futile', 'loop')
}

function serveScript(before: Machine, event: Of<'script-served'>): Step {
  const states: MachineState[] =
    before.loop === undefined ? ['approved', 'booting'] : ['approved', 'booting', 'stalled']
  const attempt = inAttempt(before, event, event.resumed ? ['installing'] : states)
  const machine = before.state === 'stalled' ? without(withoutLoop(before), 'reason') : withoutLoop(before)
  if (typeof attempt === 'string') return refuse(before, attempt)
  const fresh: Attempt = without(attempt, 'toldLocalAt', 'backAt')
  return {
    machine: {
      ...machine,
      // Where another server gives the addresses, this is how we come to know it.
      address: event.address,
      state: 'booting',
      attempt: event.resumed ? { ...fresh, resumes: attempt.resumes + 1 } : fresh,
    },
  }
}

function tellLocalDisk(before: Machine, event: Of<'local-disk-told'>): Step {
  const machine = withoutLoop(before)
  if (machine.state !== 'installing' || !machine.attempt) return { machine }
  return { machine: { ...machine, attempt: { ...without(machine.attempt, 'backAt'), toldLocalAt: event.at } } }
}

function serveAnswer(machine: Machine, event: Of<'answer-served'>): Step {
  const attempt = inAttempt(machine, event, ['approved', 'booting', 'installing', 'stalled'])
  if (typeof attempt === 'string') return refuse(machine, attempt)
  const answered: Attempt = {
    ...without(attempt, 'toldLocalAt', 'backAt'),
    answeredAt: event.at,
    answeredTo: event.address,
  }
  const network = event.staticOn
    ? { staticAddress: { address: event.address as Ipv4, nic: event.staticOn, at: event.at } }
    : {}
  const rest = {
    ...without(machine, 'reason', 'staticAddress', 'password'),
    ...network,
    ...passwordAfter(machine, event),
  }
  return { machine: { ...rest, state: 'installing', attempt: answered } }
}

/** Served again it is the same password, seen or not; another installation has another one, or none that is random. */
function passwordAfter(
  { password }: Machine,
  { attempt, randomPassword }: Of<'answer-served'>,
): Pick<Machine, 'password'> {
  if (!randomPassword) return {}
  return { password: password?.attempt === attempt ? password : { attempt } }
}

function showPassword(machine: Machine, { attempt, by, at }: Of<'password-shown'>): Step {
  if (machine.password?.attempt !== attempt) return refuse(machine, `attempt ${attempt} has no random password`)
  return { machine: { ...machine, password: { attempt, shownTo: by, shownAt: at } } }
}

function giveUpAddress(machine: Machine, event: Of<'address-given-up'>): Step {
  return machine.staticAddress?.address === event.address
    ? { machine: without(machine, 'staticAddress') }
    : refuse(machine, `${event.address} is not its static address`)
}

/** A report may come after the stall alarm, a restore or a conflict: the machine did install, however late it says so. */
const REPORTING: MachineState[] = ['installing', 'stalled', 'failed', 'installed', 'held']

function finish(machine: Machine, event: Of<'reported'> | Of<'installation-inferred'>): Step {
  const attempt = inAttempt(machine, event, event.type === 'reported' ? REPORTING : ['installing'])
  if (typeof attempt === 'string') return refuse(machine, attempt)
  if (attempt.answeredAt === undefined) return refuse(machine, 'a report before the answer was served')
  if (event.type === 'reported' && machine.state === 'installed' && !machine.installed?.inferred) return { machine }
  const installed =
    event.type === 'reported' ? { ...event.installed, at: event.at, inferred: false } : { at: event.at, inferred: true }
  return {
    machine: {
      ...without(machine, 'reason', 'restored'),
      state: 'installed',
      installed,
      attempt: without(attempt, 'toldLocalAt', 'backAt'),
    },
  }
}

function fail(machine: Machine, event: Of<'answer-failed'> | Of<'gave-up'> | Of<'stalled'>): Step {
  const attempt = inAttempt(machine, event, ['approved', 'booting', 'installing', 'stalled'])
  if (typeof attempt === 'string') return refuse(machine, attempt)
  if (event.type !== 'stalled') return { machine: { ...machine, state: 'failed', reason: event.reason } }
  return { machine: { ...machine, state: 'stalled', reason: describeSilence(event) } }
}

function failToLoad(machine: Machine, event: Of<'load-failed'>): Step {
  const attempt = inAttempt(machine, event, ['booting', 'stalled'])
  if (typeof attempt === 'string') return refuse(machine, attempt)
  return { machine: { ...machine, attempt: { ...attempt, loadFailures: (attempt.loadFailures ?? 0) + 1 } } }
}

/** Facts that only say how far a machine is; they belong to an attempt or they are anomalies. */
function progress(machine: Machine, event: MachineEvent & { attempt: AttemptId }): Step {
  const attempt = inAttempt(machine, event, ['approved', 'booting', 'installing', 'stalled'])
  return typeof attempt === 'string' ? refuse(machine, attempt) : { machine }
}

function fold(machine: Machine, event: MachineEvent): Step {
  switch (event.type) {
    case 'sighted':
      return sight(machine, event)
    case 'returned':
      return holdReturned(machine, event)
    case 'restored':
      return holdSinceRestore(machine, event)
    case 'identity-conflicted':
      return holdForConflict(machine, event)
    case 'numbered':
      return { machine: { ...machine, number: { series: event.series, index: event.index } } }
    case 'attempt-started':
      return startAttempt(machine, event)
    case 'blocked':
      return {
        machine: { ...machine, state: 'blocked', reason: event.reason ?? `blocked by ${event.who ?? 'an operator'}` },
      }
    case 'leased':
    case 'boot-told':
      return beginStage(machine, event)
    case 'boot-looped':
      return goInCircles(machine, event)
    case 'script-served':
      return serveScript(machine, event)
    case 'local-disk-told':
      return tellLocalDisk(machine, event)
    case 'answer-served':
      return serveAnswer(machine, event)
    case 'load-failed':
      return failToLoad(machine, event)
    case 'password-shown':
      return showPassword(machine, event)
    case 'address-given-up':
      return giveUpAddress(machine, event)
    case 'reported':
    case 'installation-inferred':
      return finish(machine, event)
    case 'answer-failed':
    case 'gave-up':
    case 'stalled':
      return fail(machine, event)
    case 'loader-sent':
    case 'repeated':
    case 'answer-refused':
    case 'answer-revealed':
      return { machine }
    case 'kernel-sent':
    case 'initrd-started':
    case 'initrd-sent':
    case 'answer-looked-up':
    case 'first-boot-served':
      return progress(machine, event)
  }
}

/** The whole lifecycle. An event that does not fit changes nothing but is kept, marked with the reason. */
export function advance(machine: Machine, event: MachineEvent): Step {
  const step = fold(machine, event)
  // What was only counted was heard when it was counted.
  return step.anomaly || event.type === 'repeated' ? step : { machine: { ...step.machine, lastEventAt: event.at } }
}
