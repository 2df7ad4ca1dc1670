/** A FAT12 volume with files in the two levels of folders that boot loaders have (Microsoft FAT specification; ECMA-107). */

const BLOCK = 512
const BLOCKS_PER_CLUSTER = 4
const CLUSTER = BLOCK * BLOCKS_PER_CLUSTER
const ROOT_ENTRIES = 64
const FAT_BLOCKS = 12
const FAT_START = 1
const ROOT_START = FAT_START + 2 * FAT_BLOCKS
const DATA_START = ROOT_START + (ROOT_ENTRIES * 32) / BLOCK
/** FAT12 ends here; the volumes of the lab have about 1500 clusters. */
const MOST_CLUSTERS = 4084
const END_OF_CHAIN = 0xfff
const FIXED_DISK = 0xf8
const FOLDER = 0x10
const ARCHIVE = 0x20

/** `/EFI/BOOT/BOOTX64.EFI`: names of eight and three characters, in capitals. */
export type FatFile = { path: string; bytes: Uint8Array }

type Node = { name: string; cluster: number; bytes: Buffer; folder: boolean }

/** `blocks` of 512 bytes; `hidden` blocks lie before the volume on its disk. All files lie in folders of one folder of the root. */
export function fatVolume(blocks: number, hidden: number, files: readonly FatFile[]): Buffer {
  const clusters = Math.floor((blocks - DATA_START) / BLOCKS_PER_CLUSTER)
  const nodes = layOut(files)
  const last = nodes.at(-1)!
  if (clusters > MOST_CLUSTERS || last.cluster + clustersOf(last) > clusters + 2)
    throw new RangeError(`${blocks} blocks do not make a FAT12 volume`)
  const volume = Buffer.alloc(blocks * BLOCK)
  parameterBlock(blocks, hidden).copy(volume)
  const table = allocationTable(nodes)
  table.copy(volume, FAT_START * BLOCK)
  table.copy(volume, (FAT_START + FAT_BLOCKS) * BLOCK)
  const [root] = nodes
  entry(root!.name, FOLDER, root!.cluster, 0).copy(volume, ROOT_START * BLOCK)
  for (const node of nodes) node.bytes.copy(volume, at(node.cluster))
  return volume
}

function clustersOf({ bytes }: Pick<Node, 'bytes'>): number {
  return Math.max(1, Math.ceil(bytes.length / CLUSTER))
}

/** Clusters are counted from 2: the outer folder, the inner ones, then the files, one behind the other. */
function layOut(files: readonly FatFile[]): Node[] {
  const paths = files.map(({ path, bytes }) => ({ parts: path.split('/').filter(Boolean), bytes: Buffer.from(bytes) }))
  const outer = paths[0]!.parts[0]!
  const inner = [...new Set(paths.map(({ parts }) => parts[1]!))]
  let next = 2 + 1 + inner.length
  const leaves = paths.map(({ parts, bytes }) => {
    const node: Node = { name: shortName(parts[2]!), cluster: next, bytes, folder: false }
    next += clustersOf(node)
    return { node, parent: parts[1]! }
  })
  const folders = inner.map((name, index): Node => {
    const cluster = 3 + index
    const within = leaves.filter(({ parent }) => parent === name).map(({ node }) => entryOf(node))
    const bytes = Buffer.concat([entry('.', FOLDER, cluster, 0), entry('..', FOLDER, 2, 0), ...within])
    return { name, cluster, bytes, folder: true }
  })
  const top = Buffer.concat([entry('.', FOLDER, 2, 0), entry('..', FOLDER, 0, 0), ...folders.map(entryOf)])
  return [{ name: outer, cluster: 2, bytes: top, folder: true }, ...folders, ...leaves.map(({ node }) => node)]
}

function entryOf({ name, cluster, bytes, folder }: Node): Buffer {
  return entry(name, folder ? FOLDER : ARCHIVE, cluster, folder ? 0 : bytes.length)
}

function shortName(name: string): string {
  const [stem = '', extension = ''] = name.split('.')
  return `${stem.padEnd(8)}${extension}`
}

function at(cluster: number): number {
  return (DATA_START + (cluster - 2) * BLOCKS_PER_CLUSTER) * BLOCK
}

function parameterBlock(blocks: number, hidden: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  Buffer.from([0xeb, 0x3c, 0x90]).copy(block) // a jump over the parameters, as every volume has it
  block.write('RACKRISE', 3, 'latin1')
  block.writeUInt16LE(BLOCK, 11)
  block[13] = BLOCKS_PER_CLUSTER
  block.writeUInt16LE(FAT_START, 14)
  block[16] = 2
  block.writeUInt16LE(ROOT_ENTRIES, 17)
  block.writeUInt16LE(blocks, 19)
  block[21] = FIXED_DISK
  block.writeUInt16LE(FAT_BLOCKS, 22)
  block.writeUInt16LE(32, 24) // sectors of a track and heads: any, since blocks are counted
  block.writeUInt16LE(64, 26)
  block.writeUInt32LE(hidden, 28)
  block[36] = 0x80
  block[38] = 0x29 // serial number, label and type follow
  block.writeUInt32LE(0x5ac4_815e, 39)
  block.write('RACKRISE   FAT12   ', 43, 'latin1')
  block.writeUInt16LE(0xaa55, 510)
  return block
}

/** Twelve bits for each cluster, two in three bytes; the first two say what the medium is. */
function allocationTable(nodes: readonly Node[]): Buffer {
  const chains = nodes.flatMap(node => {
    const count = clustersOf(node)
    return Array.from({ length: count }, (_, index) => (index === count - 1 ? END_OF_CHAIN : node.cluster + index + 1))
  })
  const values = [0xf00 | FIXED_DISK, END_OF_CHAIN, ...chains]
  const table = Buffer.alloc(FAT_BLOCKS * BLOCK)
  values.forEach((value, index) => {
    const offset = Math.floor((index * 3) / 2)
    const shift = index % 2 === 0 ? 0 : 4
    table.writeUInt16LE(table.readUInt16LE(offset) | (value << shift), offset)
  })
  return table
}

/** `name` is eight and three characters without a dot. */
function entry(name: string, attributes: number, cluster: number, size: number): Buffer {
  const record = Buffer.alloc(32)
  record.write(name.padEnd(11), 'latin1')
  record[11] = attributes
  record.writeUInt16LE(cluster, 26)
  record.writeUInt32LE(size, 28)
  return record
}
