/**
 * What is speaking? Firmware, iPXE, the Proxmox installer or an installed system, told apart by what a DHCP
 * message says (options 60, 77, 93, 97 and 55). Knows nothing of DHCP's wire format.
 */

/** The options that matter, already decoded; absent ones are undefined. */
export type ClientFacts = {
  /** Option 60 as text. */
  vendorClass?: string
  /** Option 77 as text, one entry per class; iPXE sends a bare string (RFC 3004 §4 asks for a list). */
  userClasses: string[]
  /** Option 93 (RFC 4578 §2.1), in the order sent. */
  architectures: number[]
  /** Option 55. */
  requested: readonly number[]
}

export type Architecture = 'x86-bios' | 'x86-uefi' | 'x64-uefi' | 'arm32-uefi' | 'arm64-uefi'

/** `via` says how firmware loads files: a PXEClient by TFTP, an HTTPClient by HTTP. */
export type BootClient =
  | { stage: 'firmware'; via: 'tftp' | 'http'; architecture?: Architecture }
  | { stage: 'ipxe'; architecture?: Architecture }
  | { stage: 'installer' }
  | { stage: 'system' }

/** Architecture codes of RFC 4578 §2.1 and the IANA registry; 9 is x64 in practice. */
const ARCHITECTURES: Record<number, { architecture: Architecture; via: 'tftp' | 'http' }> = {
  0: { architecture: 'x86-bios', via: 'tftp' },
  6: { architecture: 'x86-uefi', via: 'tftp' },
  7: { architecture: 'x64-uefi', via: 'tftp' },
  9: { architecture: 'x64-uefi', via: 'tftp' },
  10: { architecture: 'arm32-uefi', via: 'tftp' },
  11: { architecture: 'arm64-uefi', via: 'tftp' },
  15: { architecture: 'x86-uefi', via: 'http' },
  16: { architecture: 'x64-uefi', via: 'http' },
  18: { architecture: 'arm32-uefi', via: 'http' },
  19: { architecture: 'arm64-uefi', via: 'http' },
  20: { architecture: 'x86-bios', via: 'http' },
}

/** The answer URL in the request list: only an automated Proxmox installer asks for it. */
const OPTION_ANSWER_URL = 250

export function describeClient(facts: ClientFacts): BootClient {
  const known = facts.architectures.map(code => ARCHITECTURES[code]).find(entry => entry !== undefined)
  const architecture = known ? { architecture: known.architecture } : {}
  if (facts.userClasses.includes('iPXE')) return { stage: 'ipxe', ...architecture }
  if (facts.vendorClass?.startsWith('HTTPClient')) return { stage: 'firmware', via: 'http', ...architecture }
  if (facts.vendorClass?.startsWith('PXEClient')) return { stage: 'firmware', via: 'tftp', ...architecture }
  return facts.requested.includes(OPTION_ANSWER_URL) ? { stage: 'installer' } : { stage: 'system' }
}
