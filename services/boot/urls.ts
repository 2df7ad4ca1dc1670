/** Every address of the appliance that a machine is told, in one place. Ports are left out where they are the scheme's own. */
import type { Mac } from '../kit/mac.ts'
import type { AttemptId } from '../machine/event.ts'
import { type Addressed, plainUrl, tlsUrl } from '../site/urls.ts'

export type Urls = {
  script(mac: Mac): string
  diskFailed(mac: Mac): string
  /** Where iPXE says which part it could not load (`part`), and why (`error`), both settings of our script. */
  loadFailed(mac: Mac): string
  /** The script again, with what only an installation needs to know of the machine, and with what was chosen before. */
  described(mac: Mac, choice?: Choice): string
  /** What a person chose at the machine. */
  chosen(mac: Mac, choice: Choice): string
  loader(file: string): string
  kernel(attempt: AttemptId): string
  initrd(attempt: AttemptId): string
  /** The ISO with the attempt's mode file, by itself. */
  iso(attempt: AttemptId): string
  /** The initrd of an ISO as it is; `file` is a name of the library. */
  ownInitrd(file: string): string
  /** Without a token where none can be carried: another DHCP server, or a URL that was baked into an ISO. */
  answer(token?: string): string
  webhook(token: string): string
  firstBoot(token: string): string
}

/** What a person at the machine may choose. */
export type Choice = 'menu' | 'disk' | 'install'

/** What iPXE says of its machine whenever it asks; with the MAC it is short enough for the boot file field of DHCP. */
export const IDENTITY_PARAMETERS = 'uuid=${uuid}&serial=${serial:uristring}&product=${product:uristring}'

/** SMBIOS structures of type 19 that are asked for; a machine with more has memory enough. */
export const MEMORY_RANGES_ASKED = 4

/** Start and end of each mapped range in KiB, as they stand in the structure (SMBIOS 3.6 §7.20); nothing where there is none. */
const MEMORY_RANGES = Array.from(
  { length: MEMORY_RANGES_ASKED },
  (_, at) => `\${smbios/${at}.19.4.4:hexraw}-\${smbios/${at}.19.8.4:hexraw}`,
).join(',')

/** `memsize` is there in few builds of iPXE, SMBIOS in all. */
const DESCRIPTION = `arch=\${buildarch}&memsize=\${memsize}&memory=${MEMORY_RANGES}`

/**
 * The answer URL goes into option 250: no blank, quote, `$`, `\`, `|` or `&` may be in it (H25), which holds for an address, a port
 * and a base64url token. The script URL is read by iPXE, which fills in `${...}` from its own settings before it fetches.
 */
export function urlsOf(site: Addressed): Urls {
  const plain = plainUrl(site)
  const tls = tlsUrl(site)
  const script = (mac: Mac): string => `${plain}/boot.ipxe?mac=${mac}&${IDENTITY_PARAMETERS}`
  return {
    script,
    diskFailed: mac => `${script(mac)}&disk=failed`,
    loadFailed: mac => `${script(mac)}&failed=\${part}&error=\${error}`,
    described: (mac, choice) => `${script(mac)}&${DESCRIPTION}${choice ? `&choice=${choice}` : ''}`,
    chosen: (mac, choice) => `${script(mac)}&choice=${choice}`,
    loader: file => `${plain}/loaders/${file}`,
    kernel: attempt => `${plain}/boot/${attempt}/vmlinuz`,
    initrd: attempt => `${plain}/boot/${attempt}/initrd.img`,
    iso: attempt => `${plain}/boot/${attempt}/proxmox.iso`,
    ownInitrd: file => `${plain}/isos/${file}/initrd.img`,
    answer: token => (token === undefined ? `${tls}/answer` : `${tls}/answer/${token}`),
    webhook: token => `${tls}/webhook/${token}`,
    firstBoot: token => `${tls}/first-boot/${token}`,
  }
}
