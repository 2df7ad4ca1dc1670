/** Runs all probes beside each other, and none of them for too long: what one can't find out keeps nobody from the rest. */
import type { Clock, Instant } from '../kit/clock.ts'
import type { WorkNews } from '../kit/work.ts'
import { type Finding, finding, worstFirst } from './finding.ts'
import type { ProbeName } from './probe-names.ts'

/** One look at one thing. */
export type Probe = {
  name: ProbeName
  /** What it looks at, for a person who waits. */
  title: string
  /** What it waits for the answers of others, milliseconds; what it does itself comes on top. */
  waitsMs: number
  run(): Promise<Finding[]>
}

/** `at` is when it began. */
export type DoctorRun = { at: Instant; tookMs: number; findings: Finding[] }

/** A DHCP server that looks itself whether its address is in use takes up to five seconds; nothing else takes that long. */
export const PROBE_LIMIT_MS = 12_000

/** How far it is, whenever a probe has ended. */
export type OnProgress = (news: Required<WorkNews>) => void

/** What a look takes beside the waiting. */
const LOOK_MS = 1_000

function newsOf(all: readonly Probe[], waitingFor: readonly Probe[], elapsedMs: number): Required<WorkNews> {
  const longest = Math.max(0, ...waitingFor.map(({ waitsMs }) => Math.min(waitsMs + LOOK_MS, PROBE_LIMIT_MS)))
  return {
    total: all.length,
    done: all.length - waitingFor.length,
    doing: waitingFor.map(({ title }) => title).join(', '),
    leftMs: Math.max(0, longest - elapsedMs),
  }
}

async function runOne(probe: Probe, clock: Clock): Promise<Finding[]> {
  const late = Promise.withResolvers<Finding[]>()
  const cancel = clock.after(PROBE_LIMIT_MS, () => late.resolve([tooLate(probe)]))
  try {
    return await Promise.race([probe.run(), late.promise])
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return [finding('probe-failed', `${probe.title}: ${why}`, { subject: probe.name })]
  } finally {
    cancel()
  }
}

function tooLate({ name, title }: Probe): Finding {
  return finding('probe-late', `${title}: no result within ${PROBE_LIMIT_MS / 1000} seconds`, { subject: name })
}

/** Never rejects. The worst first. */
export async function runDoctor(
  probes: readonly Probe[],
  { clock, onProgress = () => {} }: { clock: Clock; onProgress?: OnProgress },
): Promise<DoctorRun> {
  const at = clock.now()
  const since = clock.elapsed()
  const waitingFor = new Set(probes)
  const tell = (): void => onProgress(newsOf(probes, [...waitingFor], clock.now() - at))
  tell()
  const findings = await Promise.all(
    probes.map(async probe => {
      const found = await runOne(probe, clock)
      waitingFor.delete(probe)
      tell()
      return found.map(one => ({ ...one, probe: probe.name }))
    }),
  )
  return { at, tookMs: clock.elapsed() - since, findings: worstFirst(findings.flat()) }
}
