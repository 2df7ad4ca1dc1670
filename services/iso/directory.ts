/** Directory records of ISO 9660 (ECMA-119 §9.1) as bytes in and out; Joliet uses the same records with wider names. */

/** ECMA-119 §6.1.2: everything in the image begins on one of these; other block sizes exist on paper only. */
export const SECTOR_BYTES = 2048

/** Fixed part of a record, before the identifier. */
const RECORD_HEAD = 33
/** The length is written in one byte (§9.1.1). */
const MOST_RECORD_BYTES = 255
const FLAG_DIRECTORY = 0x02
const FLAG_MULTI_EXTENT = 0x80
/** Extent and data length, each as little- and big-endian number, side by side: what moves when data moves. */
const LOCATION_AT = 2

export type DirectoryRecord = {
  /** The whole record, as it stands in the image. */
  bytes: Uint8Array
  /** Where its data begins in the image, in bytes; an extended attribute record is already skipped. */
  offset: number
  /** Length of its data in bytes. */
  length: number
  extendedAttributes: number
  directory: boolean
  /** The next record continues this file (§9.1.6, bit 7). */
  continues: boolean
  /** Interleaved recording, which no tool writes and nobody here reads. */
  interleaved: boolean
  identifier: Uint8Array
  /** What stands behind the identifier and its padding: Rock Ridge lives there. */
  systemUse: Uint8Array
}

/** Reads the record at `at`; undefined if it is shorter than its parts or runs out of `bytes`. */
export function readRecord(bytes: Uint8Array, at = 0): DirectoryRecord | undefined {
  const size = bytes[at] ?? 0
  const identifierLength = bytes[at + RECORD_HEAD - 1] ?? 0
  // The identifier is padded to an even length (§9.1.12).
  const systemUseAt = RECORD_HEAD + identifierLength + (identifierLength % 2 === 0 ? 1 : 0)
  if (identifierLength === 0 || size < RECORD_HEAD + identifierLength || at + size > bytes.length) return undefined
  const record = bytes.subarray(at, at + size)
  const view = new DataView(record.buffer, record.byteOffset, record.length)
  const extendedAttributes = view.getUint8(1)
  const flags = view.getUint8(25)
  return {
    bytes: record,
    offset: (view.getUint32(LOCATION_AT, true) + extendedAttributes) * SECTOR_BYTES,
    length: view.getUint32(LOCATION_AT + 8, true),
    extendedAttributes,
    directory: (flags & FLAG_DIRECTORY) !== 0,
    continues: (flags & FLAG_MULTI_EXTENT) !== 0,
    interleaved: view.getUint8(26) !== 0 || view.getUint8(27) !== 0,
    identifier: record.subarray(RECORD_HEAD, RECORD_HEAD + identifierLength),
    systemUse: record.subarray(Math.min(systemUseAt, size)),
  }
}

/** All records of a directory, in order; undefined if one is damaged or crosses a sector (§6.8.1.1). */
export function splitRecords(directory: Uint8Array): DirectoryRecord[] | undefined {
  const records: DirectoryRecord[] = []
  for (let sector = 0; sector < directory.length; sector += SECTOR_BYTES) {
    const bytes = directory.subarray(sector, sector + SECTOR_BYTES)
    let at = 0
    // A length of zero means that the rest of the sector is unused.
    while (at < bytes.length && bytes[at] !== 0) {
      const record = readRecord(bytes, at)
      if (!record) return undefined
      records.push(record)
      at += record.bytes.length
    }
  }
  return records
}

/** Records laid out in whole sectors, none crossing the end of its sector. */
export function packRecords(records: readonly Uint8Array[]): Uint8Array {
  const starts: number[] = []
  let at = 0
  for (const record of records) {
    if ((at % SECTOR_BYTES) + record.length > SECTOR_BYTES) at = roundToSector(at)
    starts.push(at)
    at += record.length
  }
  const packed = new Uint8Array(roundToSector(at))
  for (const [index, record] of records.entries()) packed.set(record, starts[index]!)
  return packed
}

export function roundToSector(bytes: number): number {
  return Math.ceil(bytes / SECTOR_BYTES) * SECTOR_BYTES
}

/** A number in both byte orders (§7.3.3). */
export function bothOrders32(value: number): Uint8Array {
  const bytes = new Uint8Array(8)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, value, true)
  view.setUint32(4, value, false)
  return bytes
}

/** The 16 bytes that say where data is (its first sector) and how long (in bytes). */
export function locationBytes(sector: number, length: number): Uint8Array {
  const bytes = new Uint8Array(16)
  bytes.set(bothOrders32(sector), 0)
  bytes.set(bothOrders32(length), 8)
  return bytes
}

/** Where those 16 bytes are within a record. */
export const LOCATION_IN_RECORD = LOCATION_AT

/** The same record for data elsewhere. */
export function moveRecord(record: Uint8Array, sector: number, length: number): Uint8Array {
  const moved = record.slice()
  moved.set(locationBytes(sector, length), LOCATION_AT)
  return moved
}

/** A new record of a plain file; `date` is the seven bytes of §9.1.5. Undefined if it does not fit into 255 bytes. */
export function buildFileRecord(file: {
  identifier: Uint8Array
  sector: number
  length: number
  date: Uint8Array
  systemUse: Uint8Array
}): Uint8Array | undefined {
  const systemUseAt = RECORD_HEAD + file.identifier.length + (file.identifier.length % 2 === 0 ? 1 : 0)
  const used = systemUseAt + file.systemUse.length
  const size = used + (used % 2)
  if (size > MOST_RECORD_BYTES) return undefined
  const record = new Uint8Array(size)
  record[0] = size
  record.set(locationBytes(file.sector, file.length), LOCATION_AT)
  record.set(file.date.subarray(0, 7), 18)
  // Volume sequence number 1 in both byte orders (§9.1.9).
  record.set([1, 0, 0, 1], 28)
  record[RECORD_HEAD - 1] = file.identifier.length
  record.set(file.identifier, RECORD_HEAD)
  record.set(file.systemUse, systemUseAt)
  return record
}
