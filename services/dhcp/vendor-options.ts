/** Option 43 as PXE uses it: a block of options of its own, code, length, value, ended by 255 (PXE 2.1 §2.2, RFC 2132 §8.4). */

export const VENDOR_OPTION = { discoveryControl: 6, bootItem: 71 } as const

/** Bit 3 of PXE_DISCOVERY_CONTROL (43.6): load the boot file of this reply, ask no boot server. */
export const LOAD_AT_ONCE = Uint8Array.of(8)

const PAD = 0
const END = 255

/** As far as it can be read: what follows an option that is cut off is not there. */
export function readVendorOptions(block: Uint8Array): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>()
  for (let at = 0; at < block.length && block[at] !== END; ) {
    if (block[at] === PAD) {
      at += 1
      continue
    }
    const length = block[at + 1]
    const next = at + 2 + (length ?? 0)
    if (length === undefined || next > block.length) break
    options.set(block[at]!, block.subarray(at + 2, next))
    at = next
  }
  return options
}

/** Values of at most 255 octets, which all of PXE's are. */
export function writeVendorOptions(options: Iterable<[number, Uint8Array]>): Uint8Array {
  const parts = [...options].flatMap(([code, value]) => [code, value.length, ...value])
  return Uint8Array.of(...parts, END)
}
