/** From what firmware asks to a name of the catalogue; no file is ever looked for by what a client wrote (K19). */

const LONGEST_NAME = 255

/**
 * Leading slashes go and backslashes turn. Some ROMs send the boot file name of DHCP without its end: 0xFF is the end
 * option behind it, and what follows is whatever lay in memory; the name ends at the first octet that no name has.
 * Undefined for an empty name, and for one that climbs with `..`.
 */
export function catalogueName(raw: string): string | undefined {
  const printable = /^[ -~]*/.exec(raw)?.[0] ?? ''
  const parts = printable
    .trim()
    .replaceAll('\\', '/')
    .split('/')
    .filter(part => part !== '' && part !== '.')
  const name = parts.join('/')
  if (name === '' || name.length > LONGEST_NAME || parts.includes('..')) return undefined
  return name
}
