/** The addresses by which machines reach the appliance, in a form that every reader on the way leaves alone. */
import type { HttpSite, Site } from './types.ts'

/** What of a site its addresses are made of. */
export type Addressed = Pick<Site, 'network'> & { http: Pick<HttpSite, 'port' | 'tlsPort'> }

const PLAIN_PORT = 80
const TLS_PORT = 443

/** `http://10.77.0.1`, with the port only where it is not the usual one; no slash at its end. */
export function plainUrl({ network, http }: Addressed): string {
  return `http://${network.address}${http.port === PLAIN_PORT ? '' : `:${http.port}`}`
}

/** `https://10.77.0.1`: answers, webhook and first-boot scripts. */
export function tlsUrl({ network, http }: Addressed): string {
  return `https://${network.address}${http.tlsPort === TLS_PORT ? '' : `:${http.tlsPort}`}`
}

const LONGEST_CARRIED = 255
const CARRIED = /^[\x21-\x7e]+$/
/** dhclient escapes these when it writes a lease; dig escapes the semicolon. The installer undoes neither. */
const ESCAPED = /["'`$\\|&;]/

/**
 * Whether DHCP option 250 and the TXT record both bring that text to the installer unchanged: it takes the last word of
 * a line of dhclient's lease file, so no blank, no quote, nothing that is escaped, and never an empty text (H25).
 */
export function reachesInstaller(url: string): boolean {
  return url.length <= LONGEST_CARRIED && CARRIED.test(url) && !ESCAPED.test(url)
}

/** What people are shown of the target of a webhook: paths and queries of such URLs are secrets more often than not. */
export function shownUrl(url: string): string {
  const { origin, pathname, search } = new URL(url)
  return pathname === '/' && search === '' ? origin : `${origin}/…`
}
