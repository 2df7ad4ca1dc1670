/** What a machine should boot, as a pure function of its state and of what speaks. DHCP, TFTP, DNS and HTTP all ask here. */
import type { Architecture, BootClient } from './client.ts'

/** Why a client gets an address and nothing to boot. */
export type NoBootReason = 'not-booting' | 'unsupported-architecture' | 'no-answer-due'

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

/** Loaders by architecture: Debian's `ipxe` package has those for x86; snponly uses the firmware's own NIC driver. */
const LOADERS: Partial<Record<Architecture, string>> = {
  'x86-bios': 'undionly.kpxe',
  'x64-uefi': 'snponly.efi',
  'arm64-uefi': 'snponly-arm64.efi',
}

/** Files that a loader folder should hold for the machines most people have. */
export const COMMON_LOADERS = ['undionly.kpxe', 'snponly.efi'] as const

export function loaderFor(architecture: Architecture | undefined): string | undefined {
  return architecture && LOADERS[architecture]
}

/** What the lifecycle says about a machine, as far as booting is concerned. */
export type BootView = {
  /** `blocked` or `ignored` machines hear nothing; all others boot at least their disk. */
  silent?: 'blocked' | 'ignored'
  /** Present while an attempt expects the installer to ask for its answer. */
  answer?: { url: string; fingerprint: string }
  scriptUrl: string
}

/**
 * DHCP's part of the plan. Every machine that boots from the network gets loader and script, an installed one too:
 * the script is what tells it to boot its disk, and it can be told so on its own screen.
 */
export function dhcpPlan(client: BootClient, view: BootView): DhcpPlan {
  if (view.silent) return { do: 'silence', reason: view.silent }
  switch (client.stage) {
    case 'firmware': {
      const loader = loaderFor(client.architecture)
      if (!loader) return { do: 'nothing', reason: 'unsupported-architecture' }
      return { do: 'load', loader, via: client.via }
    }
    case 'ipxe':
      return { do: 'script', url: view.scriptUrl }
    case 'installer':
      return view.answer ? { do: 'answer', ...view.answer } : { do: 'nothing', reason: 'no-answer-due' }
    case 'system':
      return { do: 'nothing', reason: 'not-booting' }
  }
}
