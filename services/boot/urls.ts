/** Every address of the appliance that a machine is told, in one place. Ports are left out where they are the scheme's own. */
import type { Mac } from '../kit/mac.ts'
import type { AttemptId } from '../machine/event.ts'
import { type Addressed, plainUrl, tlsUrl } from '../site/urls.ts'

export type Urls = {
  script(mac: Mac): string
  diskFailed(mac: Mac): string
  kernel(attempt: AttemptId): string
  initrd(attempt: AttemptId): string
  /** Without a token where none can be carried: another DHCP server, or a URL that was baked into an ISO. */
  answer(token?: string): string
  webhook(token: string): string
  firstBoot(token: string): string
}

/**
 * The answer URL goes into option 250: no blank, quote, `$`, `\`, `|` or `&` may be in it (H25), which holds for an address, a port
 * and a base64url token. The script URL is read by iPXE, which fills in `${...}` from its own settings before it fetches.
 */
export function urlsOf(site: Addressed): Urls {
  const plain = plainUrl(site)
  const tls = tlsUrl(site)
  const script = (mac: Mac): string =>
    `${plain}/boot.ipxe?mac=${mac}&uuid=\${uuid}&serial=\${serial:uristring}&product=\${product:uristring}`
  return {
    script,
    diskFailed: mac => `${script(mac)}&disk=failed`,
    kernel: attempt => `${plain}/boot/${attempt}/vmlinuz`,
    initrd: attempt => `${plain}/boot/${attempt}/initrd.img`,
    answer: token => (token === undefined ? `${tls}/answer` : `${tls}/answer/${token}`),
    webhook: token => `${tls}/webhook/${token}`,
    firstBoot: token => `${tls}/first-boot/${token}`,
  }
}
