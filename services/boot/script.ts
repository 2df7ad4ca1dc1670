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
  kernelArgs: readonly string[]
  scriptUrl: string
}

/** Seconds before a failed fetch is tried again through a fresh script; long enough for a switch port to come up. */
const RETRY_SECONDS = 10
/** Seconds a person has to read why nothing is installed. */
const READING_SECONDS = 5

/**
 * Words for the kernel. All begin with `proxmox-` or are dropped by the installer, apart from `initrd=`, which UEFI loaders without
 * LoadFile2 (iPXE before 2023) need to find the initrd at all; it stays in the installed system's command line, harmlessly.
 */
const INSTALLER_WORDS = ['initrd=initrd.img', 'rw', 'quiet', 'splash=silent', 'proxmox-start-auto-installer']

export function installScript(script: InstallScript): string {
  const words = [...INSTALLER_WORDS, ...script.kernelArgs].join(' ')
  return lines(
    '#!ipxe',
    `echo Rackrise: installing ${script.title}, attempt ${script.attempt}`,
    `kernel ${script.kernelUrl} ${words} || goto failed`,
    `initrd ${script.initrdUrl} || goto failed`,
    'boot || goto failed',
    ':failed',
    `echo Rackrise: loading failed, next try in ${RETRY_SECONDS} seconds`,
    `sleep ${RETRY_SECONDS}`,
    'imgfree',
    `chain --replace ${script.scriptUrl}`,
  )
}

const REASONS: Record<LocalDiskReason, string> = {
  held: 'NOT APPROVED: nothing is installed on this machine',
  installing: 'the answer was served: booting the local disk',
  installed: 'installed: booting the local disk',
  failed: 'the installation failed: booting the local disk',
  stalled: 'the installation stalled: booting the local disk',
  blocked: 'blocked: booting the local disk',
}

export type LocalDiskScript = {
  because: LocalDiskReason
  title: string
  /** What a person types to go on, shown where nothing was approved. */
  advice?: string
  /** Where iPXE says that the disk did not boot. */
  diskFailedUrl: string
  /** The disk has failed already in this boot: hand over to the firmware's next boot device. */
  diskFailed: boolean
}

/**
 * Boots the local disk: by `sanboot` under BIOS, by giving the boot option back to the firmware under UEFI, where a status other than 0
 * makes it try the next one instead of showing its menu.
 */
export function localDiskScript(script: LocalDiskScript): string {
  const wordy = script.because === 'held' || script.because === 'failed' || script.because === 'stalled'
  const identity = wordy
    ? [
        'echo MAC ${netX/mac} serial ${serial} uuid ${uuid}',
        ...(script.advice ? [`echo ${script.advice}`] : []),
        `sleep ${READING_SECONDS}`,
      ]
    : []
  const boot = script.diskFailed
    ? ['echo Rackrise: no bootable local disk', 'exit 1']
    : [
        'iseq ${platform} efi && exit 1 ||',
        'sanboot --no-describe --drive 0x80 ||',
        `chain --replace ${script.diskFailedUrl} ||`,
        'exit 1',
      ]
  return lines('#!ipxe', `echo Rackrise: ${script.title}: ${REASONS[script.because]}`, ...identity, ...boot)
}

function lines(...text: string[]): string {
  return `${text.join('\n')}\n`
}
