/** An ISO of the library as people and programs are shown it. No secret of a baked mode file is in it. */
import { maskUrl, printable } from '../iso/baked.ts'
import type { LibraryFile } from '../iso/catalogue.ts'
import { type IsoEntry, memoryNeeded } from '../iso/entry.ts'
import type { Verification } from '../iso/verification.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'

/** How somebody prepared it for the automated installer. */
export type Prepared = {
  /** `unreadable`: there is a mode file, and no installer could read it. */
  mode: 'iso' | 'http' | 'partition' | 'unreadable'
  /** Without password and query. */
  url?: string
  fingerprint?: string
  /** Whether it carries a bearer token; never the token. */
  token: boolean
  partitionLabel?: string
  /** Whether there is an answer file in its root. */
  answer: boolean
  /** Whether there is a first-boot script in its root. */
  firstBoot: boolean
}

export type IsoFacts = {
  product: string
  productLong: string
  release: string
  /** The spin of that release: `1` of 9.2-1. */
  spin: string
  architecture: string
  volume: string
  /** Whether it has an automated installer. */
  autoInstall: boolean
  /** Absent as Proxmox publishes it. */
  prepared?: Prepared
  kernel: { path: string; bytes: number }
  /** `unpackedBytes` once it was measured. */
  initrd: { path: string; bytes: number; unpackedBytes?: number }
  /** What a machine needs to boot it over the network; an estimate until the initrd was measured. */
  memoryBytes: number
}

/** As in `Verification`, with the time as ISO text. */
export type ChecksumView = Omit<Verification, 'at'> & { at: string }

export type IsoView = {
  file: string
  path: string
  bytes: number
  /** `growing`: somebody is still copying it. */
  state: 'usable' | 'growing' | 'unusable'
  /** Absent unless it is an image of Proxmox that can be read. */
  facts?: IsoFacts
  /** What `iso verify` found; absent if it never looked at this very file. */
  checksum?: ChecksumView
  /** Names of the profiles that install it. */
  profiles: string[]
  problems: Problem[]
}

function viewPrepared({ baked, modeFile }: IsoEntry): Prepared | undefined {
  if (!baked.modeFile) return undefined
  const { mode, url, certFingerprint, token, partitionLabel } = modeFile ?? { mode: 'unreadable' as const }
  return {
    mode,
    ...(url === undefined ? {} : { url: maskUrl(url) }),
    ...(certFingerprint === undefined ? {} : { fingerprint: printable(certFingerprint) }),
    token: token !== undefined,
    ...(partitionLabel === undefined ? {} : { partitionLabel: printable(partitionLabel) }),
    answer: baked.answer,
    firstBoot: baked.firstBoot,
  }
}

function viewFacts(entry: IsoEntry): IsoFacts {
  const { release, image, kernel, initrd, unpackedInitrd } = entry
  const prepared = viewPrepared(entry)
  return {
    product: release.product,
    productLong: printable(release.productLong),
    release: release.release,
    spin: release.isorelease,
    architecture: printable(release.arch),
    volume: printable(image.volumeId),
    autoInstall: entry.autoInstallCapable,
    ...(prepared ? { prepared } : {}),
    kernel: { path: kernel.path, bytes: kernel.length },
    initrd: {
      path: initrd.path,
      bytes: initrd.length,
      ...(unpackedInitrd === undefined ? {} : { unpackedBytes: unpackedInitrd }),
    },
    memoryBytes: memoryNeeded(entry),
  }
}

export function viewChecksum({ at, why, ...found }: Verification): ChecksumView {
  return { ...found, ...(why === undefined ? {} : { why: printable(why) }), at: new Date(at).toISOString() }
}

function stateOf(result: LibraryFile['result']): IsoView['state'] {
  if (!isProblem(result)) return 'usable'
  return result.code === 'iso-growing' ? 'growing' : 'unusable'
}

/** @param profiles names of those that install it */
export function viewIso(library: LibraryFile, profiles: string[]): IsoView {
  const { file, path, size, result, problems, entry, verification } = library
  return {
    file,
    path,
    bytes: size,
    state: stateOf(result),
    ...(entry ? { facts: viewFacts(entry) } : {}),
    ...(verification ? { checksum: viewChecksum(verification) } : {}),
    profiles,
    problems,
  }
}
