/** Is this image one that the appliance can boot? Pure over the image. */
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import type { Segment } from '../kit/segments.ts'
import type { IsoEntry } from './entry.ts'
import { injectFiles } from './inject.ts'
import { wrapInitrd } from './initrd.ts'
import { findFile, type IsoImage, readFile } from './iso9660.ts'
import { leaveOutFolder } from './leave-out.ts'
import { MODE_FILE_NAME, parseModeFile } from './mode-file.ts'
import { parseRelease, type Release } from './release.ts'

/** Its files are of no use in the image once it is in memory: kernel and initrd travel by themselves. */
const BOOT_FOLDER = 'boot'
const KERNEL = '/boot/linux26'
const INITRD = '/boot/initrd.img'
const CAPABLE_MARKER = '/auto-installer-capable'
/** The two have the same content; either may be missing in images that people made. */
const RELEASE_FILES = ['/.cd-info', '/.disk/info']
/** The answer of mode `iso`, and the script of `first-boot.source = "from-iso"`. */
export const ANSWER_NAME = 'answer.toml'
export const FIRST_BOOT_NAME = 'proxmox-first-boot'
const MOST_TEXT_BYTES = 16 * 1024

async function readText(image: IsoImage, path: string): Promise<string | undefined> {
  const bytes = await readFile(image, path, MOST_TEXT_BYTES)
  return bytes && new TextDecoder().decode(bytes)
}

async function readRelease(image: IsoImage): Promise<Release | Problem> {
  for (const path of RELEASE_FILES) {
    const text = await readText(image, path)
    const release = text === undefined ? undefined : parseRelease(text)
    if (release) return release
  }
  return {
    code: 'iso-not-proxmox',
    message: `this is no installation image of Proxmox (its volume is called ${JSON.stringify(image.volumeId)})`,
    hint: 'remove it, or replace it by one from enterprise.proxmox.com/iso',
    severity: 'error',
  }
}

/** Longer than any mode file that an attempt gets, so that what is served later cannot be larger than what is tried out. */
const TRIAL_BYTES = 4096

/** Whether an attempt could be given this image with its mode file: told when it is put into the library, not when it boots. */
function servingProblem(image: IsoImage, path: string): Problem | undefined {
  const whole: Segment = { from: 'file', path, offset: 0, length: image.size }
  const file = { name: MODE_FILE_NAME, bytes: new Uint8Array(TRIAL_BYTES) }
  const iso = injectFiles({ segments: [whole], image }, [file])
  const served = isProblem(iso) ? iso : wrapInitrd(iso, [])
  return isProblem(served) ? served : undefined
}

/**
 * Reads release, boot files and mode file. Problems: `iso-not-proxmox`, `iso-no-boot-files`, and those of putting a mode
 * file into it: `iso-no-long-names`, `iso-damaged`, `iso-too-large`.
 */
export async function inspectImage(
  image: IsoImage,
  place: { file: string; path: string },
): Promise<IsoEntry | Problem> {
  const serving = servingProblem(image, place.path)
  // Without long names nothing of Proxmox could be found either.
  if (serving?.code === 'iso-no-long-names') return serving
  const release = await readRelease(image)
  if (isProblem(release)) return release
  const kernel = await findFile(image, KERNEL)
  const initrd = await findFile(image, INITRD)
  if (!kernel || !initrd) {
    return {
      code: 'iso-no-boot-files',
      message: `this ISO lacks ${kernel ? INITRD : KERNEL}, as those do that were prepared for PXE with other tools`,
      hint: 'put the ISO there as Proxmox publishes it',
      severity: 'error',
    }
  }
  if (serving) return serving
  const modeText = await readText(image, `/${MODE_FILE_NAME}`)
  const isThere = async (path: string): Promise<boolean> => (await findFile(image, path)) !== undefined
  const modeFile = modeText === undefined ? undefined : parseModeFile(modeText)
  const served = await leaveOutFolder(place.path, image, BOOT_FOLDER)
  return {
    ...place,
    size: image.size,
    release,
    kernel,
    initrd,
    autoInstallCapable: await isThere(CAPABLE_MARKER),
    baked: {
      modeFile: await isThere(`/${MODE_FILE_NAME}`),
      answer: await isThere(`/${ANSWER_NAME}`),
      firstBoot: await isThere(`/${FIRST_BOOT_NAME}`),
    },
    ...(modeFile ? { modeFile } : {}),
    image,
    ...(served ? { served } : {}),
  }
}
