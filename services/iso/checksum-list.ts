/** Lists of SHA-256 checksums, as `sha256sum` (with and without `--tag`) writes them. */

export type Listed = { name: string; sha256: string }

/** Longer lists are not read; Proxmox's has some dozens of lines. */
export const MOST_LIST_BYTES = 1024 ** 2
const MOST_LINE_CHARACTERS = 1024
const PLAIN = /^([0-9a-f]{64}) [ *](?:\.\/)?(.+)$/i
const TAGGED = /^SHA256 \((?:\.\/)?(.+)\) = ([0-9a-f]{64})$/i
const BARE = /^([0-9a-f]{64})$/i

function readLine(line: string, alone: string | undefined): Listed | undefined {
  if (line.length > MOST_LINE_CHARACTERS) return undefined
  const plain = PLAIN.exec(line)
  if (plain) return { name: plain[2]!, sha256: plain[1]!.toLowerCase() }
  const tagged = TAGGED.exec(line)
  if (tagged) return { name: tagged[1]!, sha256: tagged[2]!.toLowerCase() }
  const bare = alone === undefined ? null : BARE.exec(line)
  return bare ? { name: alone!, sha256: bare[1]!.toLowerCase() } : undefined
}

/**
 * What a list says, in its order; lines of other forms are passed over.
 * @param alone the one file that a list beside it (`NAME.sha256`) is about: there the checksum may stand without a name
 */
export function parseChecksums(text: string, alone?: string): Listed[] {
  return text.split(/\r?\n/).flatMap(line => readLine(line.trimEnd(), alone) ?? [])
}
