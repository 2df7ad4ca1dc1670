/**
 * An image that is prepared for a medium, as `proxmox-auto-install-assistant prepare-iso` makes one: mode file, answer
 * and first-boot script in its root, everything else as it was, and bootable as before. Pure, but for a first read.
 */
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import { type Segment, totalLength } from '../kit/segments.ts'
import type { IsoEntry } from './entry.ts'
import { growTables, SYSTEM_AREA_BYTES } from './grow.ts'
import { injectFiles, type NewFile, patchAll, volumeSizePatches } from './inject.ts'
import { ANSWER_NAME, FIRST_BOOT_NAME } from './inspect.ts'
import { hasFeature, MODE_FILE_NAME, type ParsedModeFile, renderModeFile } from './mode-file.ts'
import { formatRelease } from './release.ts'

export type Preparation = {
  mode: ParsedModeFile
  /** Of mode `iso`: the answer file, as it is. */
  answer?: Uint8Array
  /** The script of `first-boot.source = "from-iso"`. */
  firstBoot?: Uint8Array
}

function refused(path: string, code: string, message: string, hint: string): Problem {
  return { code, message, hint, severity: 'error', place: { file: path } }
}

/** Problems `iso-not-capable`, `iso-prepared` and `iso-too-old`: what this image cannot be made to do. */
export function checkPreparation(
  { path, release, autoInstallCapable, baked, modeFile }: IsoEntry,
  { mode, firstBoot }: Preparation,
): Problem[] {
  const problems: Problem[] = []
  if (!autoInstallCapable) {
    const hint = 'use PVE 8.2, PBS 3.2, PMG 8.2, PDM 1.0 or later'
    problems.push(refused(path, 'iso-not-capable', 'this ISO has no automated installation', hint))
  }
  // Their records go, their bytes would stay where they are.
  if (baked.answer || baked.firstBoot || modeFile?.token !== undefined) {
    const message =
      'this ISO was prepared before; its answer, script or token would stay in it, where anybody can find it'
    problems.push(refused(path, 'iso-prepared', message, 'use the ISO as Proxmox publishes it'))
  }
  const lacks = (what: string) =>
    refused(
      path,
      'iso-too-old',
      `the installer of ${formatRelease(release)} does not know ${what}`,
      'use a newer release',
    )
  if (mode.token !== undefined && !hasFeature('token', release)) problems.push(lacks('a token in its mode file'))
  if (mode.partitionLabel !== undefined && !hasFeature('partition_label', release))
    problems.push(lacks('another partition label'))
  if (firstBoot && !hasFeature('first_boot', release)) problems.push(lacks('first-boot scripts'))
  return problems
}

/** `a-auto-from-http-url-fp.iso`: the name that the official tool gives. */
export function preparedName(file: string, { mode, url, certFingerprint }: ParsedModeFile): string {
  const stem = file.replace(/\.iso$/i, '')
  return `${stem}-auto-from-${mode}${url === undefined ? '' : '-url'}${certFingerprint === undefined ? '' : '-fp'}.iso`
}

/** The prepared image. Rejects when the image cannot be read; problems are those of `injectFiles`. */
export async function prepareImage(entry: IsoEntry, preparation: Preparation): Promise<Segment[] | Problem> {
  const { path, size, image, release } = entry
  const { mode, answer, firstBoot } = preparation
  const files: NewFile[] = [
    { name: MODE_FILE_NAME, bytes: new TextEncoder().encode(renderModeFile(release, mode)) },
    ...(answer ? [{ name: ANSWER_NAME, bytes: answer }] : []),
    ...(firstBoot ? [{ name: FIRST_BOOT_NAME, bytes: firstBoot }] : []),
  ]
  const whole: Segment = { from: 'file', path, offset: 0, length: size }
  const injected = injectFiles({ segments: [whole], image }, files)
  if (isProblem(injected)) return { ...injected, place: { file: path } }
  const { patches, appended } = growTables(await image.read(0, SYSTEM_AREA_BYTES), size, totalLength(injected))
  const grown: Segment[] = appended.length > 0 ? [...injected, { from: 'memory', bytes: appended }] : injected
  return patchAll(grown, [...patches, ...volumeSizePatches(image, totalLength(grown))])
}
