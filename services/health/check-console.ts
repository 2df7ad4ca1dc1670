/** Whether the console can listen where the site says, and whether anybody can sign in there. Pure. */
import { isLoopback } from '../console/hosts.ts'
import type { Problem } from '../kit/problem.ts'
import type { Site } from '../site/types.ts'

const isEverywhere = (host: string): boolean => host === '0.0.0.0' || host === '::'

/** The same address of IPv6 has many spellings; a URL knows one. */
function spelled(host: string): string {
  return host.includes(':') ? new URL(`http://[${host}]`).hostname : host
}

/**
 * @param addresses all that this machine has
 * @param users what is wrong with the users file; it is read while the appliance runs, so none of it keeps that from starting
 */
export function checkConsole(
  { console: { host, port } }: Pick<Site, 'console'>,
  addresses: readonly string[],
  users: readonly Problem[],
): Problem[] {
  const isOurs = isLoopback(host) || isEverywhere(host) || addresses.map(spelled).includes(spelled(host))
  const message = `the console is to listen on ${host}:${port}, and this machine has no address ${host}`
  const hint = 'see `ip address`, and set console.listen to one of them'
  return [...(isOurs ? [] : [{ code: 'console-address', message, hint, severity: 'error' as const }]), ...users]
}
