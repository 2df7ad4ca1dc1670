/** IPv6 addresses as text: only what the site file needs, since the appliance speaks IPv4. */
import { isIPv6 } from 'node:net'

/** Groups of hexadecimal digits; no zone (`%eth0`) and no embedded dotted form. */
export function isPlainIpv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%') && !text.includes('.')
}
