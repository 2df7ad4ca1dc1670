/** An image of the library as the rest of the appliance sees it. */
import type { IsoSource } from './inject.ts'
import type { IsoFile, IsoImage } from './iso9660.ts'
import type { ParsedModeFile } from './mode-file.ts'
import type { Release } from './release.ts'

/** What the official tool puts into the root of an image that it prepares. */
export type Baked = { modeFile: boolean; answer: boolean; firstBoot: boolean }

export type IsoEntry = {
  /** Its name in the library's folder. */
  file: string
  /** Absolute path. */
  path: string
  /** In bytes. */
  size: number
  release: Release
  kernel: IsoFile
  initrd: IsoFile
  /** The image carries the marker of automated installation. */
  autoInstallCapable: boolean
  /** What somebody baked into it; replaced when an attempt boots it. Absent also where nobody can read it: see `baked`. */
  modeFile?: ParsedModeFile
  /** Which files of a preparation are in its root, whatever is in them. */
  baked: Baked
  /** Bytes of the initrd unpacked, once that was measured. */
  unpackedInitrd?: number
  image: IsoImage
  /** What attempts are given: the image without the data in `/boot`, where that can be left out. */
  served?: IsoSource
}

/** Proxmox's initrd has about 55 MB compressed with zstd and 0.25 GB unpacked. */
const UNPACKED_BY_COMPRESSED = 4

/**
 * The memory a machine needs to boot this image over the network, in bytes; an estimate until the initrd was measured.
 * The kernel limits the initramfs to half of what is left beside the loaded initrd, and both the image and its initrd
 * are unpacked into it: loaded initrd + 2 x (image + unpacked initrd). Measured with an image of 1.73 GB: 5 GB failed,
 * 5.75 GB worked.
 */
export function memoryNeeded({
  size,
  initrd,
  unpackedInitrd = UNPACKED_BY_COMPRESSED * initrd.length,
  served,
}: Pick<IsoEntry, 'size' | 'initrd' | 'unpackedInitrd' | 'served'>): number {
  const iso = served?.image.size ?? size
  const loaded = iso + initrd.length
  return loaded + 2 * (iso + unpackedInitrd)
}
