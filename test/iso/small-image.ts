/** A small ISO 9660 image made by hand, sector by sector, for tests that want to know every byte. */
import type { ReadAt } from '../../services/iso/iso9660.ts'

const SECTOR = 2048
const DATE = [126, 7, 1, 12, 0, 0, 0]

export type SmallFile = { name: string; text: string }
export type SmallFolder = { name: string; files: SmallFile[] }
export type SmallImage = {
  files: SmallFile[]
  folders?: SmallFolder[]
  rockRidge?: boolean
  /** Texts are octets, one a character. */
  latin1?: boolean
  /** Sectors behind the volume that belong to no file. */
  extraBytes?: number
}

function both32(value: number): number[] {
  const bytes = new DataView(new ArrayBuffer(8))
  bytes.setUint32(0, value, true)
  bytes.setUint32(4, value, false)
  return [...new Uint8Array(bytes.buffer)]
}

export function record(
  identifier: number[],
  sector: number,
  length: number,
  flags: number,
  systemUse: number[],
): number[] {
  const padded = identifier.length % 2 === 0 ? [...identifier, 0] : identifier
  const rest = [
    ...both32(sector),
    ...both32(length),
    ...DATE,
    flags,
    0,
    0,
    1,
    0,
    0,
    1,
    identifier.length,
    ...padded,
    ...systemUse,
  ]
  const size = 2 + rest.length
  return size % 2 === 0 ? [size, 0, ...rest] : [size + 1, 0, ...rest, 0]
}

const ascii = (text: string) => [...Buffer.from(text)]

function posix(mode: number, name?: string): number[] {
  const attributes = [0x50, 0x58, 36, 1, ...both32(mode), ...both32(1), ...both32(0), ...both32(0)]
  return name === undefined ? attributes : [...attributes, 0x4e, 0x4d, 5 + name.length, 1, 0, ...ascii(name)]
}

function packed(records: number[][]): number[] {
  const bytes: number[] = []
  for (const one of records) {
    if ((bytes.length % SECTOR) + one.length > SECTOR)
      bytes.push(...Array<number>(SECTOR - (bytes.length % SECTOR)).fill(0))
    bytes.push(...one)
  }
  return [...bytes, ...Array<number>((SECTOR - (bytes.length % SECTOR)) % SECTOR).fill(0)]
}

/** Sector 16 descriptor, 17 terminator, 18 path table, 19 and on: root, folders, data. */
export function smallImage({
  files,
  folders = [],
  rockRidge = true,
  extraBytes = 0,
  latin1 = false,
}: SmallImage): Uint8Array {
  const identifier = (name: string) => ascii(`${name.toUpperCase().replace(/[^A-Z0-9]/g, '_')}.;1`)
  const namesOf = (name: string, mode: number) => (rockRidge ? posix(mode, name) : [])
  const dot = (sector: number, length: number, byte: number, extra: number[]) =>
    record([byte], sector, length, 2, extra)
  const rootUse = rockRidge ? [0x53, 0x50, 7, 1, 0xbe, 0xef, 0, ...posix(0o40555)] : []
  const fileRecords = (list: SmallFile[], from: number) =>
    list.map((file, index) =>
      record(identifier(file.name), from + index, file.text.length, 0, namesOf(file.name, 0o100444)),
    )
  const folderStart = (rootSectors: number) => 19 + rootSectors
  const build = (rootSectors: number) => {
    const root = 19
    const filesAt = folderStart(rootSectors) + folders.length
    let dataAt = filesAt + files.length
    const folderBytes = folders.map((folder, index) => {
      const self = folderStart(rootSectors) + index
      const bytes = packed([
        dot(self, SECTOR, 0, []),
        dot(root, rootSectors * SECTOR, 1, []),
        ...fileRecords(folder.files, dataAt),
      ])
      dataAt += folder.files.length
      return bytes
    })
    const folderRecords = folders.map((folder, index) =>
      record(
        ascii(folder.name.toUpperCase().replace(/[^A-Z0-9]/g, '_')),
        folderStart(rootSectors) + index,
        SECTOR,
        2,
        namesOf(folder.name, 0o40555),
      ),
    )
    const links = [dot(root, rootSectors * SECTOR, 0, rootUse), dot(root, rootSectors * SECTOR, 1, [])]
    return { rootBytes: packed([...links, ...fileRecords(files, filesAt), ...folderRecords]), folderBytes, end: dataAt }
  }
  const rootSectors = build(1).rootBytes.length / SECTOR
  const { rootBytes, folderBytes, end } = build(rootSectors)
  const image = new Uint8Array(end * SECTOR + extraBytes)
  const descriptor = new Uint8Array(SECTOR)
  descriptor.set([1, ...ascii('CD001'), 1])
  descriptor.set(ascii('PVE'.padEnd(32)), 40)
  descriptor.set(both32(end), 80)
  descriptor.set([0, 8, 8, 0], 128)
  descriptor.set([18, 0, 0, 0], 140)
  descriptor.set([0, 0, 0, 18], 148)
  descriptor.set(record([0], 19, rootSectors * SECTOR, 2, []), 156)
  image.set(descriptor, 16 * SECTOR)
  image.set([255, ...ascii('CD001'), 1], 17 * SECTOR)
  image.set([1, 0, 19, 0, 0, 0, 1, 0, 0, 0], 18 * SECTOR)
  image.set([...rootBytes, ...folderBytes.flat()], 19 * SECTOR)
  const texts = [...files, ...folders.flatMap(folder => folder.files)].map(file => file.text)
  const dataAt = end - texts.length
  for (const [index, text] of texts.entries()) {
    image.set(latin1 ? Buffer.from(text, 'latin1') : ascii(text), (dataAt + index) * SECTOR)
  }
  return image
}

/** Reads from memory as a file would be read: fewer bytes at the end. */
export function readerOf(image: Uint8Array): ReadAt {
  return async (offset, length) => image.subarray(offset, offset + length)
}

export const CD_INFO = "RELEASE='9.2'\nISORELEASE='1'\nISONAME='proxmox-ve'\nPRODUCT='pve'\nPRODUCTLONG='Proxmox VE'\n"

/** What makes an image one of Proxmox's, in very small. */
export function proxmoxImage(cdInfo = CD_INFO, more: SmallFile[] = []): Uint8Array {
  return smallImage({
    files: [{ name: '.cd-info', text: cdInfo }, { name: 'auto-installer-capable', text: '' }, ...more],
    folders: [
      {
        name: 'boot',
        files: [
          { name: 'linux26', text: 'kernel bytes' },
          { name: 'initrd.img', text: 'initrd bytes' },
        ],
      },
    ],
  })
}
