/**
 * What the console's listener is called. A page of a stranger can have its own name resolve to the listener's address (DNS rebinding) and then asks as that
 * name's own site; so a request that names another host is not answered. An address is no name, and can't be rebound.
 */
import { X509Certificate } from 'node:crypto'
import { isIPv4 } from 'node:net'

/** `host` of the site file's `console.listen`. */
export type Listening = { host: string; port: number }

const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|localhost)$/

export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host)
}

/** The host of a `Host` header (RFC 9110 §7.2), in lower case, without port and brackets. */
export function hostOf(header: string | undefined): string | undefined {
  const match = /^(\[[\da-f:.]+\]|[a-z\d._-]{1,253})(:\d{1,5})?$/i.exec(header ?? '')
  return match?.[1]!
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
}

const isAddress = (host: string): boolean => isIPv4(host) || host.includes(':')

/**
 * Whether a request for that host is meant for this listener. Ports are not compared: a tunnel has its own at the person's end.
 * @param certificate PEM, where there is TLS: its names are the listener's
 */
export function isOurHost(host: string | undefined, listening: Listening, certificate?: string): boolean {
  if (host === undefined) return false
  // The end of a tunnel, wherever its other end is.
  if (isLoopback(host)) return true
  if (isLoopback(listening.host)) return false
  if (isAddress(host)) return true
  return certificate !== undefined && new X509Certificate(certificate).checkHost(host) !== undefined
}
