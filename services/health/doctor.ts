/** Runs all probes beside each other, and none of them for too long: what one can't find out keeps nobody from the rest. */
import type { Clock, Instant } from '../kit/clock.ts'
import { type Finding, finding, worstFirst } from './finding.ts'
import type { ProbeName } from './probe-names.ts'

/** One look at one thing. */
export type Probe = {
  name: ProbeName
  /** What it looks at, for a person who waits. */
  title: string
  run(): Promise<Finding[]>
}

/** `at` is when it began. */
export type DoctorRun = { at: Instant; tookMs: number; findings: Finding[] }

/** A DHCP server that looks itself whether its address is in use takes up to five seconds; nothing else takes that long. */
export const PROBE_LIMIT_MS = 12_000

/** How far it is: those that are still under way. */
export type OnProgress = (waitingFor: readonly Probe[]) => void

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
  onProgress([...waitingFor])
  const findings = await Promise.all(
    probes.map(async probe => {
      const found = await runOne(probe, clock)
      waitingFor.delete(probe)
      onProgress([...waitingFor])
      return found.map(one => ({ ...one, probe: probe.name }))
    }),
  )
  return { at, tookMs: clock.elapsed() - since, findings: worstFirst(findings.flat()) }
}
