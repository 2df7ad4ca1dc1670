/**
 * `/auto-installer-mode.toml` in the root of an image: tells an automated installer where its answer is. Without this
 * file the installer stops in a shell, whatever its kernel command line says.
 */
import { parse, stringify } from 'smol-toml'
import { compareVersions, type Product, type Release } from './release.ts'

export const MODE_FILE_NAME = 'auto-installer-mode.toml'

/** What mode `http` may carry; without a URL the installer asks DHCP (option 250), then DNS. */
export type HttpMode = { url?: string; certFingerprint?: string; token?: string }

export type ParsedModeFile = HttpMode & { mode: 'iso' | 'http' | 'partition'; partitionLabel?: string }

/** The default of every installer that has the key. */
const PARTITION_LABEL = 'proxmox-ais'

type Feature = 'partition_label' | 'first_boot' | 'token'

/**
 * First releases by feature of their installer. Installers up to 8.2.6 refuse `partition_label`: PVE 8.2 has such a
 * one, and by its date PBS 3.2. First-boot scripts came with 8.3.0, the bearer token with 9.2.0.
 */
const FIRST_RELEASES: Record<Feature, Record<Product, string>> = {
  partition_label: { pve: '8.3', pbs: '3.3', pmg: '8.2', pdm: '1.0' },
  first_boot: { pve: '8.3', pbs: '3.3', pmg: '8.2', pdm: '1.0' },
  token: { pve: '9.2', pbs: '4.2', pmg: '9.1', pdm: '1.1' },
}

/** Whether this release's installer knows a key or a file of a preparation. */
export function hasFeature(feature: Feature, { product, release }: Release): boolean {
  return compareVersions(release, FIRST_RELEASES[feature][product]) >= 0
}

/** Whether this release's installer sends the mode file's token with its request; older ones ignore it silently. */
export function understandsToken(release: Release): boolean {
  return hasFeature('token', release)
}

/** The text of a mode file, for mode `http` unless it says another; a token that this release would not send is left out. */
export function renderModeFile(release: Release, modeFile: HttpMode | ParsedModeFile): string {
  const {
    mode = 'http',
    partitionLabel = PARTITION_LABEL,
    url,
    certFingerprint,
    token,
  }: Partial<ParsedModeFile> = modeFile
  const http = {
    ...(url !== undefined ? { url } : {}),
    ...(certFingerprint !== undefined ? { cert_fingerprint: certFingerprint } : {}),
    ...(token !== undefined && understandsToken(release) ? { token } : {}),
  }
  return `${stringify({
    mode,
    // Proxmox's own tool writes it in every mode.
    ...(hasFeature('partition_label', release) ? { partition_label: partitionLabel } : {}),
    ...(Object.keys(http).length > 0 ? { http } : {}),
  }).trimEnd()}\n`
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseTable(text: string): Record<string, unknown> | undefined {
  try {
    return parse(text)
  } catch {
    // Not TOML: what a person put into an image is no bug of ours.
    return undefined
  }
}

/** Reads a mode file that somebody baked into an image. Unknown keys are passed over; undefined if it names no known mode. */
export function parseModeFile(text: string): ParsedModeFile | undefined {
  const table = parseTable(text)
  const mode = table?.['mode']
  if (!table || (mode !== 'iso' && mode !== 'http' && mode !== 'partition')) return undefined
  const http = isTable(table['http']) ? table['http'] : {}
  const entry = <Key extends string>(key: Key, value: unknown) =>
    typeof value === 'string' ? ({ [key]: value } as Record<Key, string>) : {}
  return {
    mode,
    ...entry('partitionLabel', table['partition_label']),
    ...entry('url', http['url']),
    ...entry('certFingerprint', http['cert_fingerprint']),
    ...entry('token', http['token']),
  }
}
