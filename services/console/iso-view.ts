/** An ISO of the library as people and programs are shown it. No secret of a baked mode file is in it. */
import { maskUrl, printable } from '../iso/baked.ts'
import type { LibraryFile } from '../iso/catalogue.ts'
import { type IsoEntry, memoryNeeded } from '../iso/entry.ts'
import type { Verification } from '../iso/verification.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { ChecksumView, IsoFacts, IsoView, Prepared } from './schema/iso.ts'

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
