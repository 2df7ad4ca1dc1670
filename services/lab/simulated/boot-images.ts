/** What a simulated iPXE downloads: the script as text, kernel and initrd counted and looked into as they pass. */
import type { Clock } from '../../kit/clock.ts'
import type { Stage } from '../stage.ts'
import { download, type HttpTools } from './http-client.ts'
import { InitrdReader, ISO_MEMBER } from './initrd-reader.ts'
import type { Fetched, LoadedImage } from './ipxe.ts'
import { IsoReader } from './iso-reader.ts'

/** No boot script is longer. */
const LARGEST_SCRIPT_BYTES = 256 * 1024
const REPORT_EVERY_MS = 200

type Reader = {
  push(chunk: Uint8Array): void
  finish(): { ok: true; files: Map<string, Uint8Array> } | { ok: false; reason: string }
}

export class BootImages {
  private readonly http: HttpTools
  private readonly clock: Clock
  private readonly idleMs: number
  private readonly wanted: readonly string[]
  private readonly report: (stage: Stage) => void
  /** By image name; an image that is loaded twice counts as loaded last. */
  private readonly initrds = new Map<string, Reader>()

  constructor(
    http: HttpTools,
    clock: Clock,
    idleMs: number,
    wanted: readonly string[],
    report: (stage: Stage) => void,
  ) {
    this.http = http
    this.clock = clock
    this.idleMs = idleMs
    this.wanted = wanted
    this.report = report
  }

  fetch(address: string, use: 'script' | 'kernel' | 'initrd', name: string): Promise<Fetched> {
    const url = new URL(address)
    if (use === 'script') return this.script(url)
    return use === 'kernel' ? this.kernel(url) : this.initrd(url, name)
  }

  private async script(url: URL): Promise<Fetched> {
    this.report({ at: 'script' })
    const chunks: Uint8Array[] = []
    let size = 0
    const take = (chunk: Uint8Array) => {
      size += chunk.length
      if (size <= LARGEST_SCRIPT_BYTES) chunks.push(chunk)
    }
    const result = await download(this.http, { url, idleMs: this.idleMs, take })
    return result.ok ? { ok: true, text: Buffer.concat(chunks).toString('utf8') } : result
  }

  private async kernel(url: URL): Promise<Fetched> {
    this.report({ at: 'kernel' })
    const result = await download(this.http, { url, idleMs: this.idleMs, take: () => {} })
    if (result.ok && result.size === 0) return { ok: false, reason: `${url.pathname} is empty` }
    return result
  }

  private async initrd(url: URL, name: string): Promise<Fetched> {
    const reader: Reader = name === ISO_MEMBER ? new IsoReader(this.wanted) : new InitrdReader(this.wanted)
    let received = 0
    let total: number | undefined
    let toldAt = 0
    const tell = () => this.report({ at: 'iso', received, ...(total === undefined ? {} : { total }) })
    const result = await download(this.http, {
      url,
      idleMs: this.idleMs,
      begin: length => {
        total = length
        tell()
      },
      take: chunk => {
        reader.push(chunk)
        received += chunk.length
        if (this.clock.now() - toldAt < REPORT_EVERY_MS) return
        toldAt = this.clock.now()
        tell()
      },
    })
    if (!result.ok) return result
    tell()
    this.initrds.set(name, reader)
    return { ok: true }
  }

  /** Files of the ISO that the booted kernel finds: in the one wrapped initrd, or as an initrd of its own beside the original one. */
  isoFiles(
    loaded: readonly LoadedImage[],
  ): { ok: true; files: Map<string, Uint8Array> } | { ok: false; reason: string } {
    const readers = loaded.flatMap(image => this.initrds.get(image.name) ?? [])
    if (readers.length === 0) return { ok: false, reason: 'no initrd was loaded: the kernel panics' }
    const separate = this.initrds.get(ISO_MEMBER)
    if (!separate) return readers[0]!.finish()
    return readers.length < 2
      ? { ok: false, reason: 'only the ISO was loaded: the original initrd is missing' }
      : separate.finish()
  }
}
