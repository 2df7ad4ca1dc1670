/** Which options of a read request are accepted, and with what values (RFC 2347, 2348, 2349, 7440). */
import type { TftpOption } from './packet.ts'

/** What a transfer runs with; `offered` is the OACK, empty when plain DATA starts at once (K11). */
export type Terms = {
  blockSize: number
  /** Blocks sent before an ACK is awaited. */
  windowSize: number
  /** Fixed by the client, else the server adapts. */
  retransmitMs?: number
  /** What follows block 65,535 (K07). */
  rollTo: 0 | 1
  offered: TftpOption[]
}

const DEFAULT_BLOCK_SIZE = 512
const SMALLEST_BLOCK_SIZE = 8
const LARGEST_BLOCK_SIZE = 65_464
/** IPv4, UDP and TFTP headers: a block of MTU - 32 fills one frame; ROMs cannot put fragments together. */
const HEADERS = 32
/** More in flight than this overruns the buffers of NICs in firmware and gains nothing. */
const LARGEST_WINDOW = 64
const LARGEST_WINDOW_OCTETS = 256 * 1024

/** `mtu` of the served interface and `size` of the file, both in octets. */
export function negotiate(requested: readonly TftpOption[], mtu: number, size: number): Terms {
  const terms: Terms = { blockSize: DEFAULT_BLOCK_SIZE, windowSize: 1, rollTo: 0, offered: [] }
  let window: { name: string; value: number } | undefined
  for (const [name, value] of requested) {
    const accepted = accept(terms, name.toLowerCase(), value, mtu, size)
    if (accepted !== undefined) terms.offered.push([name, accepted])
    const blocks = name.toLowerCase() === 'windowsize' ? wholeNumber(value, 1, 0xffff) : undefined
    if (blocks !== undefined) window = { name, value: blocks }
  }
  // After the loop, since the block size may stand behind the window size.
  if (window) {
    const fitting = Math.max(1, Math.floor(LARGEST_WINDOW_OCTETS / terms.blockSize))
    terms.windowSize = Math.min(window.value, LARGEST_WINDOW, fitting)
    terms.offered.push([window.name, String(terms.windowSize)])
  }
  return terms
}

/** The value to answer; undefined leaves the option out, which declines it (K10). */
function accept(terms: Terms, name: string, value: string, mtu: number, size: number): string | undefined {
  switch (name) {
    case 'blksize': {
      const asked = wholeNumber(value, SMALLEST_BLOCK_SIZE, Number.MAX_SAFE_INTEGER)
      if (asked === undefined) return undefined
      const largest = Math.max(SMALLEST_BLOCK_SIZE, Math.min(LARGEST_BLOCK_SIZE, mtu - HEADERS))
      terms.blockSize = Math.min(asked, largest)
      return String(terms.blockSize)
    }
    case 'tsize':
      return wholeNumber(value, 0, Number.MAX_SAFE_INTEGER) === undefined ? undefined : String(size)
    case 'timeout': {
      // Another value than the one asked for is not allowed (RFC 2349 §2): exactly this one or none (K15).
      const seconds = wholeNumber(value, 1, 255)
      if (seconds === undefined) return undefined
      terms.retransmitMs = seconds * 1000
      return value
    }
    case 'rollover': {
      if (value !== '0' && value !== '1') return undefined
      terms.rollTo = value === '1' ? 1 : 0
      return value
    }
    default:
      return undefined
  }
}

function wholeNumber(text: string, least: number, most: number): number | undefined {
  if (!/^\d{1,15}$/.test(text)) return undefined
  const value = Number(text)
  return value >= least && value <= most ? value : undefined
}
