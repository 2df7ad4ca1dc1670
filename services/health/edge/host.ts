/** This host: its clock, its disks, its routes, the files of loaders, whom it asks for names. */
import { X509Certificate } from 'node:crypto'
import { readFile, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import koffi from 'koffi'
import type { Loaders } from '../../boot/load.ts'
import { IPXE_LOADERS } from '../../boot/plan.ts'
import type { Instant } from '../../kit/clock.ts'
import type { Ipv4 } from '../../kit/ipv4.ts'
import { damageOf } from '../../store/damage.ts'
import { DATABASE_FILE } from '../../store/store.ts'
import { isRouted } from '../probe/kernel-tables.ts'
import { ipxeVersionIn, type LoaderFacts } from '../probe/sent.ts'
import type { StateFacts } from '../probe/state.ts'
import type { CertificateFacts } from '../probe/time.ts'

/** struct timex has 208 octets where words have 8; `modes` at its beginning is 0: only look (adjtimex(2)). */
const TIMEX_BYTES = 208
/** The clock is not synchronised. */
const TIME_ERROR = 5

/** What the kernel was told by whoever keeps the time; undefined where it does not say. */
export function isClockSynchronised(): boolean | undefined {
  const adjtimex = koffi.load('libc.so.6').func('int adjtimex(_Inout_ uint8_t *)')
  const state = adjtimex(new Uint8Array(TIMEX_BYTES)) as number
  return state < 0 ? undefined : state !== TIME_ERROR
}

/** Octets that an ordinary user may still write; undefined where that can't be known. */
export async function freeBytes(folder: string): Promise<number | undefined> {
  return statfs(folder).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => undefined,
  )
}

export async function readState(folder: string): Promise<StateFacts | undefined> {
  const about = await stat(folder).catch(() => undefined)
  const free = await freeBytes(folder)
  if (!about || free === undefined) return undefined
  const damage = await damageOf(join(folder, DATABASE_FILE))
  return { mode: about.mode, freeBytes: free, ...(damage === undefined ? {} : { damage }) }
}

/** Whether the kernel knows a way there. */
export async function hasRoute(address: Ipv4): Promise<boolean> {
  return isRouted(await readFile('/proc/net/route', 'utf8').catch(() => ''), address)
}

/** Of the loaders that machines are given. */
export async function readLoaderFacts(loaders: Loaders): Promise<Map<string, LoaderFacts>> {
  const facts = new Map<string, LoaderFacts>()
  for (const name of Object.values(IPXE_LOADERS).flat()) {
    const file = loaders.get(name)
    const about = file && (await stat(file.path).catch(() => undefined))
    const text = file && (await readFile(file.path, 'latin1').catch(() => undefined))
    if (!about || text === undefined) continue
    const version = ipxeVersionIn(text)
    facts.set(name, { madeAt: about.mtimeMs, ...(version === undefined ? {} : { version }) })
  }
  return facts
}

export async function readResolvers(): Promise<string[]> {
  const text = await readFile('/etc/resolv.conf', 'utf8').catch(() => '')
  return [...text.matchAll(/^nameserver\s+(\S+)/gm)].map(([, server]) => server!)
}

export function describeCertificate(pem: string, isOwn: boolean): CertificateFacts {
  const leaf = new X509Certificate(pem)
  const at = (text: string): Instant => new Date(text).getTime()
  return { notBefore: at(leaf.validFrom), notAfter: at(leaf.validTo), isOwn }
}
