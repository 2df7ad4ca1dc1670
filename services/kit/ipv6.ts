/** IPv6 addresses as text: only what the site file needs, since the appliance speaks IPv4. */

const GROUPS = 8

/** Groups of hexadecimal digits, one run of zeros left out at most (RFC 4291 §2.2); no zone, no embedded dotted form. */
export function isPlainIpv6(text: string): boolean {
  const [left = '', right, more] = text.split('::')
  const groupsOf = (part: string): string[] => (part === '' ? [] : part.split(':'))
  const groups = [...groupsOf(left), ...groupsOf(right ?? '')]
  if (more !== undefined || !groups.every(group => /^[0-9a-f]{1,4}$/i.test(group))) return false
  return right === undefined ? groups.length === GROUPS : groups.length < GROUPS
}
