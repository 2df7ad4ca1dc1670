/** What TFTP serves: loaders from their folder, and for GRUB, which may know nothing else, what a machine is told and what its attempt boots. */
import type { Endpoint } from '../kit/datagram-port.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Segment } from '../kit/segments.ts'
import type { TftpFile } from './file.ts'
import { inMemory } from './load.ts'
import { openSegments } from './segment-file.ts'

export type AttemptPart = 'kernel' | 'initrd'

export type MachineFiles = {
  /** A file of the folder. */
  loader: (file: string) => Promise<TftpFile | undefined>
  /** The file of the folder that is served under that name, if it is there. */
  loaderFileFor: (name: string) => string | undefined
  /** GRUB's configuration for who stands at that address; undefined if there is none. */
  grubConfig: (name: string, address: Ipv4) => Promise<string | undefined>
  /** What the attempt boots, if it is that of who stands at the address. */
  attemptFile: (attempt: string, part: AttemptPart, address: Ipv4) => Promise<Segment[] | undefined>
}

const ATTEMPT_FILE = /^boot\/([0-9a-f]{8})\/(vmlinuz|initrd\.img)$/

/** Which part of which attempt a name means. */
export function attemptFileOf(name: string): { attempt: string; part: AttemptPart } | undefined {
  const [, attempt, file] = ATTEMPT_FILE.exec(name) ?? []
  return attempt === undefined ? undefined : { attempt, part: file === 'vmlinuz' ? 'kernel' : 'initrd' }
}

export function machineFiles(files: MachineFiles) {
  return async (name: string, { address }: Endpoint): Promise<TftpFile | undefined> => {
    const wanted = attemptFileOf(name)
    if (wanted) {
      const segments = await files.attemptFile(wanted.attempt, wanted.part, address)
      return segments && openSegments(segments)
    }
    const loader = files.loaderFileFor(name)
    const file = loader === undefined ? undefined : await files.loader(loader)
    if (file) return file
    const text = await files.grubConfig(name, address)
    return text === undefined ? undefined : inMemory(new TextEncoder().encode(text))
  }
}
