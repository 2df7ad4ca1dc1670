/**
 * The iPXE script of a machine. It is put together from words of ours and checked site values only; what a machine says of itself
 * is shown by iPXE from its own settings (`${serial}`), so that nothing a machine sends can become a command.
 */
import type { LocalDiskReason } from './plan.ts'

export type InstallScript = {
  attempt: string
  title: string
  kernelUrl: string
  initrdUrl: string
  /** The ISO's own initrd and the ISO, for a BIOS loader that is to pack the ISO itself. Absent: the one wrapped initrd for all. */
  apart?: { initrdUrl: string; isoUrl: string }
  kernelArgs: readonly string[]
  /** Where iPXE tells that it could not load a part. */
  loadFailedUrl: string
  /** Absent where a person has chosen already. */
  menuUrl?: string
}

/** For one that has to say more of itself: it asks again, at once. */
export function introduceScript(url: string): string {
  return lines('#!ipxe', `chain --replace ${url}`)
}

/** Waits between tries double, from 2 seconds; none is this long, so there are five tries within half a minute. */
const FIRST_WAIT_SECONDS = 2
const WAIT_TOO_LONG_SECONDS = 32
export const LOAD_TRIES = 5
/** Time to press a key. Servers take minutes for their self test, so a rack does not notice. */
const KEY_SECONDS = 2
/** Seconds a person has to read why nothing is installed. */
const READING_SECONDS = 5

/**
 * Words for the kernel. All begin with `proxmox-` or are dropped by the installer, apart from `initrd=`, which UEFI loaders without
 * LoadFile2 (iPXE before 2023) need to find the initrd at all; it stays in the installed system's command line, harmlessly.
 */
export const INSTALLER_WORDS = ['rw', 'quiet', 'splash=silent', 'proxmox-start-auto-installer'] as const
const INITRD_WORD = 'initrd=initrd.img'

/**
 * Loads kernel and initrd, and starts over with a fresh kernel when either fails: a connection that was cut in the middle leaves nothing usable. `errno` is
 * iPXE's number of the last failure, and a comparison that fails is one, so it is kept first.
 */
export function installScript(script: InstallScript): string {
  const words = [INITRD_WORD, ...INSTALLER_WORDS, ...script.kernelArgs].join(' ')
  return lines(
    '#!ipxe',
    `echo Rackrise: installing ${script.title}, attempt ${script.attempt}`,
    ...waitForKey(KEY_SECONDS, script.menuUrl),
    `set wait:int32 ${FIRST_WAIT_SECONDS}`,
    ':load',
    'imgfree',
    'set part kernel',
    `kernel ${script.kernelUrl} ${words} || goto again`,
    'set part initrd',
    ...loadInitrd(script),
    'set part start',
    'boot ||',
    'set error ${errno}',
    'goto failed',
    ':again',
    'set error ${errno}',
    `iseq \${wait} ${WAIT_TOO_LONG_SECONDS} && goto failed ||`,
    'echo Rackrise: the ${part} was not loaded (${error}), next try in ${wait} seconds',
    'sleep ${wait}',
    'inc wait ${wait}',
    'goto load',
    ':failed',
    'echo Rackrise: the ${part} was not loaded (${error})',
    'imgfree',
    ...chainPatiently(script.loadFailedUrl),
  )
}

/**
 * iPXE makes a cpio archive of an initrd that has a name. Under UEFI it does so from 2021 on only: Debian 12's iPXE (2019) hands the kernel the ISO as it is,
 * or the first initrd alone, which ends in a panic. Nothing in a script tells the two apart, so that UEFI machines get the wrapped one.
 */
function loadInitrd({ initrdUrl, apart }: InstallScript): string[] {
  const wrapped = `initrd ${initrdUrl} || goto again`
  if (!apart) return [wrapped]
  return [
    'iseq ${platform} efi && goto wrapped ||',
    `initrd ${apart.initrdUrl} || goto again`,
    `initrd ${apart.isoUrl} proxmox.iso || goto again`,
    'goto loaded',
    ':wrapped',
    wrapped,
    ':loaded',
  ]
}

/** Goes to another script, and if that cannot be fetched either, gives the boot back to the firmware. */
function chainPatiently(url: string): string[] {
  return [
    `set wait:int32 ${FIRST_WAIT_SECONDS}`,
    ':chain',
    `chain --replace ${url} ||`,
    `iseq \${wait} ${WAIT_TOO_LONG_SECONDS} && exit 1 ||`,
    'sleep ${wait}',
    'inc wait ${wait}',
    'goto chain',
  ]
}

/** One key only: a serial line that is not connected delivers all sorts of others. */
function waitForKey(seconds: number, menuUrl: string | undefined): string[] {
  if (menuUrl === undefined) return []
  return [`prompt --key m --timeout ${seconds * 1000} Press m for a menu && chain --replace ${menuUrl} ||`]
}

/** Why the disk is booted: the machine's state, or the word of a person at the machine. */
export type LocalDiskCause = LocalDiskReason | 'chosen'

export const LOCAL_DISK_CAUSES: Record<LocalDiskCause, string> = {
  held: 'NOT APPROVED: nothing is installed on this machine',
  installing: 'the answer was served: booting the local disk',
  installed: 'installed: booting the local disk',
  failed: 'the installation failed: booting the local disk',
  stalled: 'the installation stalled: booting the local disk',
  blocked: 'blocked: booting the local disk',
  chosen: 'chosen here: booting the local disk',
}

/** Whether somebody who stands before the machine has something to read. */
export function isForPeople(cause: LocalDiskCause): boolean {
  return cause === 'held' || cause === 'failed' || cause === 'stalled'
}

export type LocalDiskScript = {
  because: LocalDiskCause
  title: string
  /** Lines for people: why, and what they type to go on. Shown where nothing was approved, or where it failed. */
  advice?: readonly string[]
  /** Where iPXE says that the disk did not boot. */
  diskFailedUrl: string
  /** The disk has failed already in this boot: hand over to the firmware's next boot device. */
  diskFailed: boolean
  /** Absent where a person has chosen already. */
  menuUrl?: string
}

/**
 * Boots the local disk: by `sanboot` under BIOS, by giving the boot option back to the firmware under UEFI, where a status other than 0
 * makes it try the next one instead of showing its menu.
 */
export function localDiskScript(script: LocalDiskScript): string {
  const wordy = isForPeople(script.because)
  const identity = wordy
    ? [
        'echo MAC ${netX/mac} serial ${serial} uuid ${uuid}',
        ...(script.advice ?? []).map(line => `echo ${sayable(line)}`),
      ]
    : []
  const menuUrl = script.diskFailed ? undefined : script.menuUrl
  const seconds = wordy ? READING_SECONDS : KEY_SECONDS
  const pause = wordy && menuUrl === undefined ? [`sleep ${READING_SECONDS}`] : waitForKey(seconds, menuUrl)
  const boot = script.diskFailed
    ? ['echo Rackrise: no bootable local disk', 'exit 1']
    : [
        'iseq ${platform} efi && exit 1 ||',
        'sanboot --no-describe --drive 0x80 ||',
        `chain --replace ${script.diskFailedUrl} ||`,
        'exit 1',
      ]
  return lines(
    '#!ipxe',
    `echo Rackrise: ${script.title}: ${LOCAL_DISK_CAUSES[script.because]}`,
    ...identity,
    ...pause,
    ...boot,
  )
}

const SAYABLE_CHARACTERS = 200

/**
 * Any text as words that a loader only shows: no `${`, no `||`, `&&` or `;`, which would end a command, no `#`, no quote and no line end. The first
 * character is never a dash, which `echo` would take for an option.
 */
export function sayable(text: string): string {
  return text
    .slice(0, SAYABLE_CHARACTERS)
    .replaceAll(';', ',')
    .replaceAll(/[^A-Za-z0-9 .,:()/_=+-]/g, ' ')
    .replaceAll(/ +/g, ' ')
    .replace(/^[ -]+/, '')
    .trimEnd()
}

export function lines(...text: string[]): string {
  return `${text.join('\n')}\n`
}
