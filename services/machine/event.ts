/** Facts about a machine, in the past tense, appended in order. The state of a machine is their fold (lifecycle.ts). */
import { writeDuration } from '../kit/amount.ts'
import type { Instant } from '../kit/clock.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { Conflict } from './conflict.ts'
import type { Told } from './facts.ts'

declare const machineBrand: unique symbol
/** The first hardware address by which the machine became known. */
export type MachineId = Mac & { readonly [machineBrand]: 'MachineId' }

declare const attemptBrand: unique symbol
/** One permitted installation: eight hexadecimal digits. */
export type AttemptId = string & { readonly [attemptBrand]: 'AttemptId' }

export type EventSource = 'dhcp' | 'tftp' | 'http' | 'dns' | 'answer' | 'webhook' | 'operator' | 'site' | 'clock'

export type BootStage = 'firmware' | 'ipxe' | 'installer' | 'system'

/** What the installer reported about the finished system. */
export type Installed = {
  fqdn?: string
  machineId?: string
  address?: string
  product?: string
  kernel?: string
  hostKeys?: string[]
}

export type Fact =
  /** First sight, or something new about who it is. */
  | { type: 'sighted'; macs: Mac[]; uuid?: string; serial?: string; product?: string; told?: Told }
  /** An operator had it forgotten, and it is there again: a new machine that only a person approves. */
  | { type: 'returned'; name: string; forgottenAt: Instant; by: string }
  /** Its state came back from a backup: what was installed since is not known, so only a person approves it. `attempt` is the one that this ends. */
  | { type: 'restored'; backupOf: Instant; attempt?: AttemptId }
  /** It says of itself what is another machine's: held until a person has looked, unless it installs already. */
  | { type: 'identity-conflicted'; conflicts: Conflict[] }
  /** A rule gave it the next number of its series; a machine keeps its number for ever. */
  | { type: 'numbered'; series: string; index: number }
  | {
      type: 'attempt-started'
      attempt: AttemptId
      by: 'operator' | 'site'
      again: boolean
      profile: string
      /** The operator named the profile, so no rule is asked about it any more. */
      chosen?: true
      reason?: string
      /** The operator, where he was known. */
      who?: string
    }
  | { type: 'blocked'; reason?: string; who?: string }
  | { type: 'leased'; address: Ipv4; stage: BootStage; loader?: string }
  /** What to boot, without an address: by a proxy, or at the boot server's port. */
  | { type: 'boot-told'; stage: BootStage; loader?: string }
  | { type: 'loader-sent'; file: string; bytes: number }
  | { type: 'script-served'; attempt: AttemptId; address: Ipv4; resumed: boolean }
  /** `chosen`: by a person at the machine. */
  | { type: 'local-disk-told'; attempt?: AttemptId; chosen?: true }
  /** Its loader tried again and again to load or start a part, and says so. */
  | { type: 'load-failed'; attempt: AttemptId; part: 'kernel' | 'initrd' | 'start'; error?: string }
  | { type: 'kernel-sent'; attempt: AttemptId; bytes: number }
  | { type: 'initrd-started'; attempt: AttemptId; bytes: number }
  | { type: 'initrd-sent'; attempt: AttemptId; bytes: number }
  | { type: 'answer-looked-up'; attempt: AttemptId; address: string }
  | {
      type: 'answer-served'
      attempt: AttemptId
      address: string
      layers: string[]
      sha256: string
      leftOut: string[]
      withToken: boolean
      /** Its root password is random, and waits for an operator to see it. */
      randomPassword?: true
      /** The NIC whose lease the installer writes into the installed system, for good (network `source = "from-dhcp"`). */
      staticOn?: Mac
    }
  /** An operator saw the random root password of that attempt, which is kept no longer. */
  | { type: 'password-shown'; attempt: AttemptId; by: string }
  /** An operator saw the answer that it would get, secrets and all. */
  | { type: 'answer-revealed'; by: string }
  /** The address that an installed system wrote down is no longer kept for it. */
  | { type: 'address-given-up'; address: Ipv4; reason: string; who?: string }
  /** `code` is the word of a closed table, `reason` what a person reads. */
  | { type: 'answer-failed'; attempt: AttemptId; code?: string; reason: string }
  | { type: 'answer-refused'; reason: string; address: string }
  | { type: 'first-boot-served'; attempt: AttemptId; bytes: number }
  | { type: 'reported'; attempt: AttemptId; installed: Installed }
  | { type: 'installation-inferred'; attempt: AttemptId; evidence: string }
  | { type: 'stalled'; attempt: AttemptId; silentSeconds: number; stage: string }
  | { type: 'gave-up'; attempt: AttemptId; reason: string }
  /** How often something that changed nothing was told again, or, without words, all that came beyond the measure of a day. */
  | { type: 'repeated'; words?: string; times: number; seconds: number }
  /** It was given its loader (or iPXE its script's URL) again and again, and never fetched its script. */
  | { type: 'boot-looped'; stage: 'firmware' | 'ipxe'; boots: number; seconds: number }

/** A fact with its time, where it was seen, and, once kept, its number. */
export type MachineEvent = Fact & { at: Instant; source: EventSource; seq?: number; anomaly?: string }

/** Facts that somebody should look at, and those that the line of the decision behind them says already. */
const ATTENTION: { [T in Fact['type']]?: 'debug' | 'warn' | 'error' } = {
  leased: 'debug',
  'boot-told': 'debug',
  'answer-looked-up': 'debug',
  'answer-refused': 'warn',
  'answer-failed': 'error',
  'gave-up': 'error',
  stalled: 'error',
  restored: 'warn',
  'identity-conflicted': 'error',
  'address-given-up': 'warn',
  'load-failed': 'warn',
  'boot-looped': 'error',
}

/** How loud the log says a fact that fits. */
export function levelOf({ type }: Fact): 'debug' | 'info' | 'warn' | 'error' {
  return ATTENTION[type] ?? 'info'
}

/** The fields of its line in the log. What an event names itself counts: the attempt that it ends is open no more. */
export function fieldsOf(id: MachineId, event: MachineEvent): Record<string, string> {
  return {
    mac: id,
    ...('attempt' in event && event.attempt ? { attempt: event.attempt } : {}),
    source: event.source,
    event: event.type,
    ...(event.type === 'answer-refused' ? { reason: event.reason } : {}),
    ...(event.type === 'answer-failed' && event.code ? { reason: event.code } : {}),
    ...(event.anomaly ? { anomaly: event.anomaly } : {}),
  }
}

const CLAIMED = { mac: 'MAC', uuid: 'UUID', serial: 'serial number' } as const

/** Of claims to one identity, in words for the timeline and for the list of machines. */
export function describeConflicts(conflicts: readonly Conflict[]): string {
  const claims = conflicts.map(conflict => `${CLAIMED[conflict.by]} ${conflict.value} of ${conflict.with}`)
  return `it claims ${claims.join(' and ')}: one machine under two names, or two with one identity`
}

/** Of a boot loop, in words for the timeline and for the list of machines. */
export function describeLoop({ stage, boots, seconds }: Extract<Fact, { type: 'boot-looped' }>): string {
  const given = stage === 'firmware' ? 'its loader was given' : 'iPXE was given its script'
  return `${given} ${boots} times in ${Math.ceil(seconds / 60)} min and the script never fetched: it gets nothing more to boot until it fetches it or is approved`
}

/** In words for the timeline and the list of machines: in minutes from two on, written as `boot.stall-after` is. */
export function describeSilence({ silentSeconds, stage }: Extract<Fact, { type: 'stalled' }>): string {
  const seconds = silentSeconds < 2 * 60 ? silentSeconds : Math.round(silentSeconds / 60) * 60
  return `nothing heard for ${writeDuration(seconds * 1000)}, last stage ${stage}`
}

/** Of a machine that comes back after it was forgotten, in words for the timeline and for the list of machines. */
export function describeReturn({ name, forgottenAt, by }: Extract<Fact, { type: 'returned' }>): string {
  return `held: ${by} had ${name} forgotten at ${new Date(forgottenAt).toISOString()}, so only a person approves it`
}

/** Of a machine of a restored state, in words for the timeline and for the list of machines. */
export function describeRestored({ backupOf }: Pick<Extract<Fact, { type: 'restored' }>, 'backupOf'>): string {
  return `restored from a backup of ${new Date(backupOf).toISOString()}, and what was installed since is not known here, so only a person approves it`
}

type IdentityFact = Extract<Fact, { type: 'sighted' | 'returned' | 'restored' | 'identity-conflicted' | 'numbered' }>

/** Who it is. */
function describeIdentity(fact: IdentityFact): string {
  switch (fact.type) {
    case 'sighted': {
      const also = [
        fact.product,
        fact.serial && `serial ${fact.serial}`,
        fact.uuid && `uuid ${fact.uuid}`,
        fact.told && `told ${Object.keys(fact.told).join(', ')}`,
      ].filter(Boolean)
      return `seen as ${fact.macs.join(', ')}${also.length > 0 ? ` (${also.join(', ')})` : ''}`
    }
    case 'returned':
      return describeReturn(fact)
    case 'restored':
      return `held: ${describeRestored(fact)}`
    case 'identity-conflicted':
      return `held: ${describeConflicts(fact.conflicts)}`
    case 'numbered':
      return `is number ${fact.index} of ${fact.series}`
  }
}

type Order = Extract<Fact, { type: 'attempt-started' | 'blocked' | 'password-shown' | 'answer-revealed' }>

/** What people, or the site in their name, wanted. */
function describeOrder(fact: Order): string {
  switch (fact.type) {
    case 'attempt-started':
      return `approved by ${fact.by === 'site' ? 'the site file' : (fact.who ?? 'an operator')}: attempt ${fact.attempt}${fact.again ? ', another installation' : ''}${fact.reason ? ` (${fact.reason})` : ''}`
    case 'blocked':
      return `blocked by ${fact.who ?? 'an operator'}${fact.reason ? `: ${fact.reason}` : ''}`
    case 'password-shown':
      return `showed the random root password of attempt ${fact.attempt} to ${fact.by}; it is kept no longer`
    case 'answer-revealed':
      return `showed its answer with all secrets to ${fact.by}`
  }
}

/** One line for people: what happened, to whom, why; nothing secret. */
export function describeFact(fact: Fact): string {
  switch (fact.type) {
    case 'sighted':
    case 'returned':
    case 'restored':
    case 'identity-conflicted':
    case 'numbered':
      return describeIdentity(fact)
    case 'attempt-started':
    case 'blocked':
    case 'password-shown':
    case 'answer-revealed':
      return describeOrder(fact)
    case 'leased':
      return `gave ${fact.address} to the ${fact.stage}${fact.loader ? `, loader ${fact.loader}` : ''}`
    case 'boot-told':
      return `told the ${fact.stage} to load ${fact.loader ?? 'its boot script'}`
    case 'loader-sent':
      return `sent loader ${fact.file}, ${fact.bytes} bytes`
    case 'script-served':
      return `told ${fact.address} to install${fact.resumed ? ' again: it came back without booting its disk' : ''}, attempt ${fact.attempt}`
    case 'local-disk-told':
      return `told it to boot its local disk${fact.chosen ? ', as a person chose at the machine' : ''}${fact.attempt ? `, attempt ${fact.attempt}` : ''}`
    case 'load-failed':
      return `could not ${fact.part === 'start' ? 'start the kernel' : `load the ${fact.part}`}${fact.error ? `: error ${fact.error}, see https://ipxe.org/${fact.error.slice(2)}` : ''}`
    case 'kernel-sent':
      return `sent the kernel, ${fact.bytes} bytes`
    case 'initrd-started':
      return `sending initrd and ISO, ${fact.bytes} bytes`
    case 'initrd-sent':
      return `sent initrd and ISO, ${fact.bytes} bytes`
    case 'answer-looked-up':
      return `gave the answer URL to ${fact.address} by DNS TXT`
    case 'answer-served':
      return `served the answer from ${fact.layers.join(' + ')} to ${fact.address}${fact.withToken ? '' : ', without a token'}${fact.leftOut.length > 0 ? `; left out, newer than its ISO: ${fact.leftOut.join(', ')}` : ''}${fact.randomPassword ? '; its root password is random' : ''}${fact.staticOn ? `; it installs ${fact.address} as static: reserved from now on` : ''}`
    case 'address-given-up':
      return `${fact.address} is no longer reserved for the installed system, which uses it until it is changed or reinstalled: ${fact.reason}`
    case 'answer-failed':
      return `no valid answer: ${fact.reason}`
    case 'answer-refused':
      return `refused an answer to ${fact.address}: ${fact.reason}`
    case 'first-boot-served':
      return `served the first-boot script, ${fact.bytes} bytes`
    case 'reported':
      return `installed: ${fact.installed.fqdn ?? 'unnamed'}${fact.installed.product ? `, ${fact.installed.product}` : ''}${fact.installed.address ? `, ${fact.installed.address}` : ''}`
    case 'installation-inferred':
      return `installed (inferred): ${fact.evidence}`
    case 'stalled':
      return describeSilence(fact)
    case 'repeated':
      return `${fact.times} times more within ${Math.ceil(fact.seconds / 60)} min: ${fact.words ?? 'what changes nothing, beyond the measure of a day'}`
    case 'boot-looped':
      return describeLoop(fact)
    case 'gave-up':
      return `gave up: ${fact.reason}`
  }
}
