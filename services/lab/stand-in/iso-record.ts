/** One directory record of ISO 9660 (ECMA-119 §9.1) with its Rock Ridge entries (IEEE P1281 §4, P1282 §4). */

/** Bytes of a logical sector. */
export const SECTOR = 2048

export type RecordFacts = {
  /** As ISO 9660 spells it; `\0` is the directory itself, `\x01` its parent. */
  identifier: string
  /** First sector. */
  extent: number
  /** Bytes. */
  length: number
  directory: boolean
  /** The Rock Ridge name; absent for the directory itself and its parent. */
  name?: string
  /** Which Rock Ridge entries: `root` announces the extension, `plain` has file modes, absent has none. */
  rockRidge?: 'root' | 'plain'
  /** Where the continuation area is (sector), for `root`. */
  continuation?: number
}

/** 2026-01-01 00:00:00 UTC, seven bytes (ECMA-119 §9.1.5): years from 1900, month, day, hour, minute, second, zone. */
const RECORDED = Buffer.from([126, 1, 1, 0, 0, 0, 0])

export function directoryRecord(facts: RecordFacts): Buffer {
  const identifier = Buffer.from(facts.identifier, 'latin1')
  const system = facts.rockRidge ? systemUse(facts) : Buffer.alloc(0)
  // The identifier field is padded to an even length, and so is the record (§9.1.12, §9.1.13).
  const start = 33 + identifier.length + ((identifier.length + 1) % 2)
  const size = start + system.length + (system.length % 2)
  if (size > 254) throw new RangeError(`the name ${facts.name} is too long for one directory record`)
  const record = Buffer.alloc(size)
  record[0] = size
  record.writeUInt32LE(facts.extent, 2)
  record.writeUInt32BE(facts.extent, 6)
  record.writeUInt32LE(facts.length, 10)
  record.writeUInt32BE(facts.length, 14)
  RECORDED.copy(record, 18)
  record[25] = facts.directory ? 2 : 0
  record.writeUInt16LE(1, 28)
  record.writeUInt16BE(1, 30)
  record[32] = identifier.length
  identifier.copy(record, 33)
  system.copy(record, start)
  return record
}

function systemUse(facts: RecordFacts): Buffer {
  return Buffer.concat([
    ...(facts.rockRidge === 'root' ? [sharingProtocol()] : []),
    posixAttributes(facts.directory),
    timeStamps(),
    ...(facts.name === undefined ? [] : [alternateName(facts.name)]),
    ...(facts.continuation === undefined ? [] : [continuationEntry(facts.continuation)]),
  ])
}

/** `SP`: SUSP is in use here (P1281 §5.3). */
function sharingProtocol(): Buffer {
  return Buffer.from([0x53, 0x50, 7, 1, 0xbe, 0xef, 0])
}

/** `PX`: mode, links, owner, group, serial number (P1282 §4.1.1). */
function posixAttributes(directory: boolean): Buffer {
  const entry = Buffer.alloc(44)
  entry.write('PX', 'latin1')
  entry[2] = 44
  entry[3] = 1
  both(entry, 4, directory ? 0o040555 : 0o100444)
  both(entry, 12, directory ? 2 : 1)
  return entry
}

/** `TF`: modified, accessed, changed in the seven-byte form (P1282 §4.1.6). */
function timeStamps(): Buffer {
  return Buffer.concat([Buffer.from([0x54, 0x46, 26, 1, 0x0e]), RECORDED, RECORDED, RECORDED])
}

/** `NM`: the name as POSIX spells it (P1282 §4.1.4). */
function alternateName(name: string): Buffer {
  const bytes = Buffer.from(name, 'utf8')
  return Buffer.concat([Buffer.from([0x4e, 0x4d, 5 + bytes.length, 1, 0]), bytes])
}

/** `CE`: more entries elsewhere (P1281 §5.1). */
function continuationEntry(sector: number): Buffer {
  const entry = Buffer.alloc(28)
  entry.write('CE', 'latin1')
  entry[2] = 28
  entry[3] = 1
  both(entry, 4, sector)
  both(entry, 20, EXTENSION.length)
  return entry
}

/** `ER`: which extension this is (P1281 §5.5). Too long for a record, so it lives in a continuation area, as xorriso does it. */
const EXTENSION = (() => {
  const id = 'IEEE_1282'
  const description = 'THE IEEE 1282 PROTOCOL PROVIDES SUPPORT FOR POSIX FILE SYSTEM SEMANTICS'
  const source = 'PLEASE CONTACT THE IEEE STANDARDS DEPARTMENT, PISCATAWAY, NJ, USA FOR THE 1282 SPECIFICATION'
  const head = [
    0x45,
    0x52,
    8 + id.length + description.length + source.length,
    1,
    id.length,
    description.length,
    source.length,
    1,
  ]
  return Buffer.concat([Buffer.from(head), Buffer.from(id + description + source, 'latin1')])
})()

/** The sector that `ER` lives in. */
export function continuationArea(): Buffer {
  return Buffer.concat([EXTENSION, Buffer.alloc(SECTOR)], SECTOR)
}

function both(target: Buffer, offset: number, value: number): void {
  target.writeUInt32LE(value, offset)
  target.writeUInt32BE(value, offset + 4)
}
