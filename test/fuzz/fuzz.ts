/** Fuzzes one target from its corpus: bounded by runs or by time, and the same for the same seed and number of runs. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { Chance, mutate } from './mutate.ts'
import type { Target } from './target.ts'

/** No input may keep the event loop longer: everybody else waits. */
export const MOST_MS = 5
/** A collection of garbage is no fault of the input, which is slow each time. So often, since kernels count in steps of ten milliseconds. */
const SECOND_LOOKS = 20
/** New behaviour beyond that is left to the next run: the pool stays one that is changed evenly. */
const MOST_POOLED = 4000

export type Finding = { bytes: Uint8Array; error: string }
export type Report = { runs: number; behaviours: number; finding?: Finding }

/** Inputs that were found, as lines of hexadecimal digits. */
export function corpusOf(name: string, folder: string): Uint8Array[] {
  const path = join(folder, name)
  mkdirSync(path, { recursive: true })
  const files = readdirSync(path).filter(file => file.endsWith('.hex'))
  return files
    .toSorted()
    .map(file => Uint8Array.from(Buffer.from(readFileSync(join(path, file), 'utf8').replaceAll(/\s/g, ''), 'hex')))
}

/** Keeps a finding for ever; returns its file. */
export function keep(name: string, folder: string, bytes: Uint8Array): string {
  const file = join(folder, name, `found-${createHash('sha256').update(bytes).digest('hex').slice(0, 12)}.hex`)
  const lines =
    Buffer.from(bytes)
      .toString('hex')
      .match(/.{1,96}/g) ?? []
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}

/** Time of this thread on a processor: others that are busy there do not count. */
function busyMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

type Ran = { behaviour: string } | { error: string }

/** One input: what it made the target do, or what does not hold. */
export async function runOnce(target: Target, bytes: Uint8Array): Promise<Ran> {
  try {
    const began = performance.now()
    const behaviour = await target.run(bytes)
    const mostMs = target.mostMs ?? MOST_MS
    if (performance.now() - began > mostMs && (await isSlow(target, bytes, mostMs)))
      return { error: `takes more than ${mostMs} ms` }
    return { behaviour }
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

async function isSlow(target: Target, bytes: Uint8Array, mostMs: number): Promise<boolean> {
  const began = busyMs()
  for (let look = 0; look < SECOND_LOOKS; look += 1) await target.run(bytes)
  return busyMs() - began > mostMs * SECOND_LOOKS
}

/** Makes a failing input shorter for as long as something still does not hold. */
export async function shorten(target: Target, bytes: Uint8Array): Promise<Uint8Array> {
  let best = bytes
  for (let size = Math.ceil(bytes.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at + size <= best.length; ) {
      const tried = Uint8Array.from([...best.subarray(0, at), ...best.subarray(at + size)])
      if ('error' in (await runOnce(target, tried))) best = tried
      else at += size
    }
  }
  return best
}

/** First the corpus as it is, then changes of it, until the bound or a finding. */
export async function fuzz(
  target: Target,
  found: readonly Uint8Array[],
  { seed, until }: { seed: number; until: (runs: number) => boolean },
): Promise<Report> {
  const chance = new Chance(seed)
  const pool: Uint8Array[] = []
  const behaviours = new Set<string>()
  let runs = 0
  const failed = async (bytes: Uint8Array): Promise<Finding | undefined> => {
    runs += 1
    const ran = await runOnce(target, bytes)
    if ('error' in ran) return { bytes: await shorten(target, bytes), error: ran.error }
    const isNew = !behaviours.has(ran.behaviour)
    if (isNew && pool.length < MOST_POOLED) {
      behaviours.add(ran.behaviour)
      pool.push(bytes)
    }
    return undefined
  }
  for (const bytes of [...target.seeds(), ...found]) {
    const finding = await failed(bytes)
    if (finding) return { runs, behaviours: behaviours.size, finding }
  }
  while (!until(runs)) {
    const finding = await failed(mutate(chance.of(pool), chance.of(pool), target.words, target.maxBytes, chance))
    if (finding) return { runs, behaviours: behaviours.size, finding }
  }
  return { runs, behaviours: behaviours.size }
}
