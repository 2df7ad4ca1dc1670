/**
 * Options 124 and 125 (RFC 3925 §3, §4): blocks of enterprise number, length and data, one after the other. A block that is cut off
 * makes all of the value unread: what stands behind it could be anything.
 */

/** What one vendor says of a client's class. */
export type VendorClass = { enterprise: number; data: Uint8Array }
export type VendorOption = { enterprise: number; code: number; data: Uint8Array }

const ENTERPRISE_OCTETS = 4

function* blocksOf(value: Uint8Array): Generator<{ enterprise: number; data: Uint8Array } | undefined> {
  const wire = new DataView(value.buffer, value.byteOffset, value.length)
  for (let at = 0; at < value.length; ) {
    const begin = at + ENTERPRISE_OCTETS + 1
    const length = value[begin - 1]
    if (length === undefined || begin + length > value.length) return yield undefined
    yield { enterprise: wire.getUint32(at), data: value.subarray(begin, begin + length) }
    at = begin + length
  }
}

/** Option 124: each block holds counted strings. Undefined if a block or a string is cut off. */
export function readVendorClasses(value: Uint8Array): VendorClass[] | undefined {
  const classes: VendorClass[] = []
  for (const block of blocksOf(value)) {
    if (!block) return undefined
    const { enterprise, data } = block
    for (let at = 0; at < data.length; at += 1 + data[at]!) {
      const end = at + 1 + data[at]!
      if (end > data.length) return undefined
      classes.push({ enterprise, data: data.subarray(at + 1, end) })
    }
  }
  return classes
}

/** Option 125: each block holds options of that vendor, as code, length and data. Undefined if one is cut off. */
export function readVendorOptions(value: Uint8Array): VendorOption[] | undefined {
  const options: VendorOption[] = []
  for (const block of blocksOf(value)) {
    if (!block) return undefined
    const { enterprise, data } = block
    for (let at = 0; at < data.length; at += 2 + data[at + 1]!) {
      const length = data[at + 1]
      if (length === undefined || at + 2 + length > data.length) return undefined
      options.push({ enterprise, code: data[at]!, data: data.subarray(at + 2, at + 2 + length) })
    }
  }
  return options
}
