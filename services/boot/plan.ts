/** What a machine should boot, as a pure function of its state and of what speaks. DHCP, TFTP, DNS and HTTP all ask here. */
import type { Instant } from '../kit/clock.ts'
import type { AttemptId } from '../machine/event.ts'
import {
  type Attempt,
  BACK_WITHIN_MS,
  LOAD_FAILURES_MOST,
  type Machine,
  type MachineState,
  RESUMES_MOST,
} from '../machine/lifecycle.ts'
import type { LoaderKind } from '../site/types.ts'
import type { Architecture, BootClient } from './client.ts'

/** Why a client gets an address and nothing to boot. */
export type NoBootReason = 'not-booting' | 'unsupported-architecture' | 'loader-missing' | 'no-answer-due' | 'boot-loop'

/** What DHCP tells a client about booting. */
export type DhcpPlan =
  /** Firmware: load this file of the loaders folder, by the protocol the firmware speaks. */
  | { do: 'load'; loader: string; via: 'tftp' | 'http' }
  /** iPXE: fetch the boot script of this machine. */
  | { do: 'script'; url: string }
  /** The installer of an attempt: where the answer is, and the certificate that serves it. */
  | { do: 'answer'; url: string; fingerprint: string }
  /** An address only. */
  | { do: 'nothing'; reason: NoBootReason }
  /** No reply at all. */
  | { do: 'silence'; reason: 'blocked' | 'ignored' }

/**
 * iPXE by architecture, best first. Debian's package `ipxe` has the two for x86, and from Debian 13 on `ipxe-arm64.efi`; what upstream builds as
 * `bin-arm64-efi/snponly.efi` has to be put beside the other one under a name of its own. snponly uses the firmware's own NIC driver. There is no 32-bit
 * loader, since Proxmox is 64-bit.
 */
export const IPXE_LOADERS: Partial<Record<Architecture, readonly string[]>> = {
  'x86-bios': ['undionly.kpxe'],
  'x64-uefi': ['snponly.efi'],
  'arm64-uefi': ['snponly-arm64.efi', 'ipxe-arm64.efi'],
}

/** Files that a loader folder should hold for the machines most people have. */
export const COMMON_LOADERS = ['undionly.kpxe', 'snponly.efi'] as const

/**
 * What a machine with Secure Boot loads, by the name it is served under: shim, which Microsoft has signed, then from the same folder `grubx64.efi`, which has
 * to be signed by whoever signed the kernel, since shim knows one maker. In the folder of loaders they have the names of Debian's and Proxmox's packages.
 */
export const SIGNED_LOADERS: Readonly<Record<string, readonly string[]>> = {
  'grub/shimx64.efi': ['shimx64.efi.signed', 'shimx64.efi'],
  'grub/grubx64.efi': ['grubnetx64.efi.signed', 'grubnetx64.efi'],
}
const SHIM = 'grub/shimx64.efi'

/** The file of the loader folder that is served under that name. */
export function loaderFileFor(name: string, there: LoaderNames): string | undefined {
  const files = Object.hasOwn(SIGNED_LOADERS, name) ? SIGNED_LOADERS[name] : undefined
  return files ? files.find(file => there.has(file)) : name
}

/** The first name of every signed loader that a folder lacks. */
export function signedLoadersMissing(there: LoaderNames): string[] {
  return Object.values(SIGNED_LOADERS).flatMap(files => (files.some(file => there.has(file)) ? [] : files[0]!))
}

/** Names of the files in the loader folder. */
export type LoaderNames = Pick<ReadonlySet<string>, 'has'>

function loaderFor(
  architecture: Architecture | undefined,
  there: LoaderNames,
  kind: LoaderKind = 'ipxe',
): { loader: string } | { reason: 'unsupported-architecture' | 'loader-missing' } {
  if (kind === 'grub' && architecture === 'x64-uefi')
    return signedLoadersMissing(there).length === 0 ? { loader: SHIM } : { reason: 'loader-missing' }
  const names = architecture && IPXE_LOADERS[architecture]
  if (!names) return { reason: 'unsupported-architecture' }
  const loader = names.find(name => there.has(name))
  return loader === undefined ? { reason: 'loader-missing' } : { loader }
}

/** What the lifecycle says about a machine, as far as booting is concerned. */
export type BootView = {
  /** `blocked` or `ignored` machines hear nothing; all others boot at least their disk. */
  silent?: 'blocked' | 'ignored'
  /** Present while an attempt expects the installer to ask for its answer. */
  answer?: { url: string; fingerprint: string }
  /** It went in circles, and is given nothing that would let it go on so. */
  loops?: boolean
  /** iPXE if not said. */
  loader?: LoaderKind
  scriptUrl: string
}

/**
 * DHCP's part of the plan. Every machine that boots from the network gets loader and script, an installed one too:
 * the script is what tells it to boot its disk, and it can be told so on its own screen.
 */
export function dhcpPlan(client: BootClient, view: BootView, loaders: LoaderNames): DhcpPlan {
  if (view.silent) return { do: 'silence', reason: view.silent }
  // Without a file firmware tries its next boot device, the disk; iPXE ends, and firmware does the same (H19).
  if (view.loops && (client.stage === 'firmware' || client.stage === 'ipxe'))
    return { do: 'nothing', reason: 'boot-loop' }
  switch (client.stage) {
    case 'firmware': {
      const found = loaderFor(client.architecture, loaders, view.loader)
      if ('reason' in found) return { do: 'nothing', reason: found.reason }
      return { do: 'load', loader: found.loader, via: client.via }
    }
    case 'ipxe':
      return { do: 'script', url: view.scriptUrl }
    case 'installer':
      return view.answer ? { do: 'answer', ...view.answer } : { do: 'nothing', reason: 'no-answer-due' }
    case 'system':
      return { do: 'nothing', reason: 'not-booting' }
  }
}

/** Why a machine is told to boot its disk: its state, in the words of the lifecycle. */
export type LocalDiskReason = Exclude<MachineState, 'approved' | 'booting'>

/** What the boot script of a machine says, and the fact that serving it makes true. */
export type ScriptPlan =
  | { do: 'install'; attempt: AttemptId; profile: string; resumed: boolean }
  | { do: 'local-disk'; because: LocalDiskReason }
  | { do: 'give-up'; attempt: AttemptId; reason: string }

/** The machine came back after it was told to boot its disk: firmware asked again, or the script's own attempt to boot it failed. */
function cameBack(attempt: Attempt, now: Instant, diskFailed: boolean): boolean {
  if (attempt.toldLocalAt === undefined || now - attempt.toldLocalAt > BACK_WITHIN_MS) return false
  // The clock was set back since, so nobody knows how long ago that was: its disk is the safe side.
  if (now < attempt.toldLocalAt) return false
  return diskFailed || attempt.backAt !== undefined
}

/**
 * The script's part of the plan. Only an attempt that was started and has not been answered leads to the installer; one that
 * was answered leads there again only while its disk proves not to boot.
 * @param diskFailed the boot script reports that booting the disk failed
 */
export function scriptPlan(machine: Machine, now: Instant, diskFailed: boolean): ScriptPlan {
  const { state, attempt } = machine
  // One that was stalled for going in circles has made its way after all: the attempt that a person approved goes on.
  if (state === 'approved' || state === 'booting' || (state === 'stalled' && machine.loop !== undefined)) {
    // These states exist only through an attempt; without one nothing is installed.
    if (!attempt) return { do: 'local-disk', because: 'held' }
    if ((attempt.loadFailures ?? 0) < LOAD_FAILURES_MOST)
      return { do: 'install', attempt: attempt.id, profile: attempt.profile, resumed: false }
    const reason = `it came back ${LOAD_FAILURES_MOST} times because it could not load or start what it was sent; look at its memory and its cable`
    return { do: 'give-up', attempt: attempt.id, reason }
  }
  if (state !== 'installing' || !attempt || !cameBack(attempt, now, diskFailed))
    return { do: 'local-disk', because: state }
  if (attempt.resumes < RESUMES_MOST)
    return { do: 'install', attempt: attempt.id, profile: attempt.profile, resumed: true }
  return {
    do: 'give-up',
    attempt: attempt.id,
    reason: `its disk did not boot after ${RESUMES_MOST} resumed installations`,
  }
}
