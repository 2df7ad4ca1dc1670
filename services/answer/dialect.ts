/**
 * What the asking installer understands. It does not tell its own version, so the version comes from the product
 * release of its ISO and from the `Accept` header.
 */

/** Version of the package `proxmox-installer`; the product's own version is another. Without the third number it is 0. */
export type InstallerVersion = readonly [major: number, minor: number, patch?: number]

/** Which installer is going to read an answer, and what it installs: `pve`, `pbs`, `pmg` or `pdm`. */
export type AnswerTarget = { installer: InstallerVersion; product: string }

export type Dialect = {
  /** The newest format that the installer is known to understand; never newer than the real one. */
  installer: InstallerVersion
  /** It parses an answer in JSON too (from 9.2.0 on). */
  acceptsJson: boolean
  /** Multi-word keys may be written with hyphens (from 8.4.0 on). */
  kebabCase: boolean
}

const OLDEST: InstallerVersion = [8, 2, 4]
export const NEWEST: InstallerVersion = [9, 2, 2]
const FIRST_WITH_JSON: InstallerVersion = [9, 2]
const LAST_WITHOUT_JSON: InstallerVersion = [9, 1]

type Release = { release: InstallerVersion; installer: InstallerVersion }

/** First product release of each installer, oldest first, with the oldest installer that any of its ISOs holds. */
const RELEASES: Record<string, readonly Release[]> = {
  pve: [
    { release: [8, 2], installer: OLDEST },
    { release: [8, 3], installer: [8, 3] },
    { release: [8, 4], installer: [8, 4, 3] },
    { release: [9, 0], installer: [9, 0, 5] },
    { release: [9, 1], installer: [9, 1] },
    { release: [9, 2], installer: NEWEST },
  ],
  pbs: [
    { release: [3, 2], installer: OLDEST },
    { release: [3, 3], installer: [8, 3] },
    { release: [3, 4], installer: [8, 4, 3] },
    { release: [4, 0], installer: [9, 0, 5] },
    { release: [4, 1], installer: [9, 1] },
    { release: [4, 2], installer: NEWEST },
  ],
  pmg: [
    { release: [8, 2], installer: [8, 4] },
    { release: [9, 0], installer: [9, 0, 5] },
    { release: [9, 1], installer: NEWEST },
  ],
  pdm: [
    { release: [1, 0], installer: [9, 1] },
    { release: [1, 1], installer: NEWEST },
  ],
}

/** Products that have the automated installer. */
export const PRODUCTS: readonly string[] = Object.keys(RELEASES)

/** The releases of a product that are known, oldest first, as `9.2`; empty for a product that is none. */
export function releasesOf(product: string): string[] {
  const known = Object.hasOwn(RELEASES, product) ? RELEASES[product]! : []
  return known.map(({ release }) => formatVersion(release))
}

/** Orders versions: negative if `a` is older than `b`. */
export function compareVersions(a: InstallerVersion, b: InstallerVersion): number {
  return a[0] - b[0] || a[1] - b[1] || (a[2] ?? 0) - (b[2] ?? 0)
}

export function isAtLeast(version: InstallerVersion, wanted: InstallerVersion): boolean {
  return compareVersions(version, wanted) >= 0
}

export function formatVersion(version: InstallerVersion): string {
  return version.join('.')
}

/** Reads the numbers of `9.2.7`, `9.2-1` or `9`, three at most; anything else is undefined. */
export function parseVersion(text: string): InstallerVersion | undefined {
  const match = /^(\d{1,3})(?:\.(\d{1,3}))?(?:\.(\d{1,3}))?(?:[.-].*)?$/.exec(text.trim())
  if (!match) return undefined
  const [, major, minor = 0, patch] = match
  return patch === undefined ? [Number(major), Number(minor)] : [Number(major), Number(minor), Number(patch)]
}

/** A release between two known ones speaks like the older; one that nobody knows yet like the newest. */
function installerOf(product: string, release: string): InstallerVersion {
  const asked = parseVersion(release)
  const known = Object.hasOwn(RELEASES, product) ? RELEASES[product] : undefined
  if (!known || !asked) return NEWEST
  return known.findLast(({ release: first }) => isAtLeast(asked, first))?.installer ?? OLDEST
}

/** `application/json` as one of the media types of an `Accept` header (RFC 9110 §12.5.1); `*` + `/*` does not count. */
function listsJson(accept: string): boolean {
  return accept.split(',').some(type => type.split(';', 1)[0]!.trim().toLowerCase() === 'application/json')
}

export function dialectOfVersion(installer: InstallerVersion): Dialect {
  return { installer, acceptsJson: isAtLeast(installer, FIRST_WITH_JSON), kebabCase: isAtLeast(installer, [8, 4]) }
}

/**
 * The dialect of a request. `accept` is the header of the POST: 9.2.0 and later ask for JSON, so a request that does not
 * comes from an older installer whatever its release says. Absent: no request yet, and the release alone decides.
 */
export function dialectOf(asking: { product: string; release: string; accept?: string | undefined }): Dialect {
  const installer = installerOf(asking.product, asking.release)
  if (asking.accept === undefined) return dialectOfVersion(installer)
  if (listsJson(asking.accept)) return dialectOfVersion(NEWEST)
  return dialectOfVersion(isAtLeast(installer, FIRST_WITH_JSON) ? LAST_WITHOUT_JSON : installer)
}
