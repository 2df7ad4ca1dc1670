/** Durations, sizes and rates as the site file writes them: "90s", "1h", "1MiB", "20MiB/s". */

const DURATION_UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const SIZE_UNITS: Record<string, number> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 }

function parseAmount(text: string, units: Record<string, number>): number | undefined {
  const match = /^(\d{1,9})([A-Za-z]{1,3})$/.exec(text)
  const unit = match && Object.hasOwn(units, match[2]!) ? units[match[2]!] : undefined
  return match && unit !== undefined ? Number(match[1]) * unit : undefined
}

/** Milliseconds; undefined if it is not a whole number with one of ms, s, m, h, d. */
export function parseDuration(text: string): number | undefined {
  return parseAmount(text, DURATION_UNITS)
}

/** Bytes; undefined if it is not a whole number with one of B, KiB, MiB, GiB. */
export function parseSize(text: string): number | undefined {
  return parseAmount(text, SIZE_UNITS)
}

/** Bytes a second, as `20MiB/s`; undefined if it is not a size and `/s`. */
export function parseRate(text: string): number | undefined {
  return text.endsWith('/s') ? parseSize(text.slice(0, -2)) : undefined
}

/** The largest unit that leaves a whole number: `90s`, `1h`. */
export function writeDuration(milliseconds: number): string {
  return writeAmount(milliseconds, DURATION_UNITS, 'ms')
}

/** Likewise `20MiB/s`. */
export function writeRate(bytesASecond: number): string {
  return `${writeAmount(bytesASecond, SIZE_UNITS, 'B')}/s`
}

function writeAmount(amount: number, units: Record<string, number>, smallest: string): string {
  const fitting = Object.entries(units).filter(([, size]) => amount > 0 && amount % size === 0)
  const [unit, size] = fitting.at(-1) ?? [smallest, 1]
  return `${amount / size}${unit}`
}

/** `1.7 GiB`, `64.0 MiB`, `512 B`: for people, one decimal from KiB on. */
export function formatSize(bytes: number): string {
  for (const unit of ['GiB', 'MiB', 'KiB'] as const) {
    if (bytes >= SIZE_UNITS[unit]!) return `${(bytes / SIZE_UNITS[unit]!).toFixed(1)} ${unit}`
  }
  return `${bytes} B`
}

/** `1 lease`, `2 leases`. */
export function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}

/** Names that one line has room for; a rack shares most of its mistakes. */
export const NAMES_MOST = 5

/** `node1, node2 and 7 more`. */
export function namesOf(names: readonly string[]): string {
  const more = names.length - NAMES_MOST
  return `${names.slice(0, NAMES_MOST).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
