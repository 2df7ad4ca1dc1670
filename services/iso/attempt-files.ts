/** What one attempt boots: the image's kernel as it is, and one initrd that carries the image with the attempt's mode file. */
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import type { Segment } from '../kit/segments.ts'
import type { IsoEntry } from './entry.ts'
import { injectFiles } from './inject.ts'
import { wrapInitrd } from './initrd.ts'
import { FIRST_DESCRIPTOR_OFFSET, type IsoFile } from './iso9660.ts'
import { MODE_FILE_NAME } from './mode-file.ts'

function fileSegment({ path }: IsoEntry, { offset, length }: IsoFile): Segment {
  return { from: 'file', path, offset, length }
}

export function kernelSegments(entry: IsoEntry): Segment[] {
  return [fileSegment(entry, entry.kernel)]
}

/** Whether the file still begins with the descriptor that the library has read; it may have been replaced since. */
async function isUnchanged({ image }: IsoEntry): Promise<boolean> {
  try {
    const bytes = await image.read(FIRST_DESCRIPTOR_OFFSET, image.descriptor.length)
    return Buffer.compare(bytes, image.descriptor) === 0
  } catch {
    // The file is gone or unreadable, which the caller tells as "changed".
    return false
  }
}

/**
 * The image with the attempt's mode file. Made anew for each request from the library's knowledge and one small read; the
 * bytes are the same every time. Problems: `iso-changed`, and those of `injectFiles`.
 */
export async function attemptIso(entry: IsoEntry, modeFileText: string): Promise<Segment[] | Problem> {
  if (!(await isUnchanged(entry))) {
    return {
      code: 'iso-changed',
      message: `${entry.file} was changed or removed while the appliance runs`,
      hint: 'boot the machine again in a minute: the library notices the new file by itself',
      severity: 'error',
      place: { file: entry.path },
    }
  }
  const file = { name: MODE_FILE_NAME, bytes: new TextEncoder().encode(modeFileText) }
  const whole: Segment = { from: 'file', path: entry.path, offset: 0, length: entry.size }
  const iso = injectFiles(entry.served ?? { segments: [whole], image: entry.image }, [file])
  return isProblem(iso) ? { ...iso, place: { file: entry.path } } : iso
}

/** The initrd of an attempt: that image, wrapped, and the image's own initrd. Problems: `iso-too-large`, and those of `attemptIso`. */
export async function attemptInitrd(entry: IsoEntry, modeFileText: string): Promise<Segment[] | Problem> {
  const iso = await attemptIso(entry, modeFileText)
  if (isProblem(iso)) return iso
  const initrd = wrapInitrd(iso, [fileSegment(entry, entry.initrd)])
  return isProblem(initrd) ? { ...initrd, place: { file: entry.path } } : initrd
}
