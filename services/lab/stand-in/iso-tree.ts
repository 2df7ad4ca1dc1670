/** Folders of an ISO image, their ISO 9660 spellings, and where every extent lies. */
import { type Segment, totalLength } from '../../kit/segments.ts'
import { directoryRecord, SECTOR } from './iso-record.ts'

/** A file of the image; `path` is absolute, with slashes: `/boot/linux26`. */
export type IsoFile = { path: string; content: Uint8Array | Segment[] }

export type Leaf = { name: string; identifier: string; segments: Segment[]; extent: number }

export type Directory = {
  name: string
  identifier: string
  parent: Directory
  directories: Directory[]
  leaves: Leaf[]
  extent: number
  /** Bytes, whole sectors. */
  length: number
  records(): Buffer
}

export type Layout = {
  /** Parents before children, level by level: the order of the path table (ECMA-119 §6.9.1). */
  directories: Directory[]
  leaves: Leaf[]
  pathTableLittle: number
  pathTableBig: number
  pathTableBytes: number
  sectors: number
}

const PATH_TABLE_LITTLE = 18
const PATH_TABLE_BIG = 19
const FIRST_DIRECTORY = 20

export function layOut(files: readonly IsoFile[]): Layout {
  const root = newDirectory('', '\0')
  for (const file of files) add(root, file)
  const directories = levels(root)
  const pathTableBytes = directories.reduce((sum, { identifier: { length } }) => sum + 8 + length + (length % 2), 0)
  if (pathTableBytes > SECTOR) throw new RangeError('too many folders for a path table of one sector')
  let next = FIRST_DIRECTORY
  for (const directory of directories) {
    directory.extent = next
    directory.length = sectorsOf(directory.records().length) * SECTOR
    next += directory.length / SECTOR
  }
  root.continuation = next
  next += 1
  const leaves = directories.flatMap(directory => directory.leaves)
  for (const leaf of leaves) {
    leaf.extent = next
    next += sectorsOf(totalLength(leaf.segments))
  }
  return {
    directories,
    leaves,
    pathTableLittle: PATH_TABLE_LITTLE,
    pathTableBig: PATH_TABLE_BIG,
    pathTableBytes,
    sectors: next,
  }
}

type Node = Directory & { continuation?: number }

function newDirectory(name: string, identifier: string, parent?: Directory): Node {
  const directory: Node = {
    name,
    identifier,
    parent: undefined as unknown as Directory,
    directories: [],
    leaves: [],
    extent: 0,
    length: 0,
    records: () => recordsOf(directory),
  }
  directory.parent = parent ?? directory
  return directory
}

function add(root: Directory, file: IsoFile): void {
  const parts = file.path.split('/').filter(part => part !== '')
  const name = parts.pop()
  if (name === undefined) throw new RangeError(`${file.path} is not the path of a file`)
  let directory = root
  for (const part of parts) {
    let next = directory.directories.find(entry => entry.name === part)
    if (!next) {
      next = newDirectory(part, spell(part, taken(directory), true), directory)
      directory.directories.push(next)
    }
    directory = next
  }
  const segments: Segment[] = Array.isArray(file.content) ? file.content : [{ from: 'memory', bytes: file.content }]
  directory.leaves.push({ name, identifier: spell(name, taken(directory), false), segments, extent: 0 })
}

function taken(directory: Directory): Set<string> {
  return new Set([...directory.directories, ...directory.leaves].map(entry => entry.identifier))
}

/** Eight and three of A-Z, 0-9 and `_` (ECMA-119 §7.5, level 1), numbered where two names would be spelled alike. */
function spell(name: string, used: Set<string>, directory: boolean): string {
  const clean = name.toUpperCase().replaceAll(/[^A-Z0-9_.]/g, '_')
  const dot = directory ? -1 : clean.lastIndexOf('.')
  const stem = (dot > 0 ? clean.slice(0, dot) : clean).replaceAll('.', '_')
  const extension = dot > 0 ? clean.slice(dot + 1, dot + 4) : ''
  for (let number = 0; ; number++) {
    const suffix = number === 0 ? '' : String(number)
    const short = stem.slice(0, 8 - suffix.length) + suffix
    const identifier = directory ? short : `${short}.${extension};1`
    if (!used.has(identifier)) return identifier
  }
}

function levels(root: Directory): Directory[] {
  const all: Directory[] = []
  for (let level = [root]; level.length > 0; ) {
    all.push(...level)
    level = level.flatMap(directory => directory.directories.toSorted(byIdentifier))
  }
  return all
}

function byIdentifier(a: { identifier: string }, b: { identifier: string }): number {
  return a.identifier < b.identifier ? -1 : 1
}

function sectorsOf(bytes: number): number {
  return Math.ceil(bytes / SECTOR)
}

/** Records in the order of their identifiers (ECMA-119 §9.3); none crosses a sector (§6.8.1.1). */
function recordsOf(directory: Node): Buffer {
  const self = { extent: directory.extent, length: directory.length, directory: true }
  const { extent, length } = directory.parent
  const root = directory.parent === directory
  const extension = root ? ({ rockRidge: 'root', continuation: directory.continuation ?? 0 } as const) : undefined
  const records = [
    directoryRecord({ identifier: '\0', ...self, ...(extension ?? { rockRidge: 'plain' }) }),
    directoryRecord({ identifier: '\x01', extent, length, directory: true, rockRidge: 'plain' }),
    ...[...directory.directories, ...directory.leaves].toSorted(byIdentifier).map(recordOf),
  ]
  const parts: Buffer[] = []
  let position = 0
  for (const record of records) {
    const left = SECTOR - (position % SECTOR)
    const gap = record.length > left ? left : 0
    parts.push(Buffer.alloc(gap), record)
    position += gap + record.length
  }
  return Buffer.concat(parts)
}

function recordOf(entry: Directory | Leaf): Buffer {
  const { identifier, extent, name } = entry
  const directory = 'leaves' in entry
  const length = directory ? entry.length : totalLength(entry.segments)
  return directoryRecord({ identifier, extent, length, directory, name, rockRidge: 'plain' })
}
