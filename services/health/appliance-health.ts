/** The health of an appliance from within: what its API is asked, and what it looks at by itself every hour. */
import type { HealthSource } from '../console/health-api.ts'
import type { LeaseSource } from '../console/leases.ts'
import type { ServerWatch } from '../dhcp/server-watch.ts'
import { loadLayers, noKnownFiles } from '../answer/load.ts'
import type { ServedCertificate } from '../http/served-certificate.ts'
import type { IsoCatalogue } from '../iso/catalogue.ts'
import type { Alarms } from '../kit/alarms.ts'
import type { Clock } from '../kit/clock.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Log } from '../kit/log.ts'
import type { Problem } from '../kit/problem.ts'
import { repeat } from '../kit/repeat.ts'
import { sharedRun } from '../kit/shared-run.ts'
import type { WorkList } from '../kit/work.ts'
import type { Registry } from '../machine/registry.ts'
import type { Site } from '../site/types.ts'
import { type Checked, runCheck } from './check.ts'
import { alarmOfSteps } from './clock-step.ts'
import { type DoctorRun, type OnProgress, runDoctor } from './doctor.ts'
import { diskEdge } from './edge/check-edge.ts'
import { type Here, openDoctorEdge } from './edge/doctor-edge.ts'
import { earOf } from './edge/ear.ts'
import { stampOf } from './edge/stamp.ts'
import { kernelLink } from './edge/link.ts'
import { keepCheck } from './kept-check.ts'
import { watchLink } from './link-watch.ts'
import { PROBE_NAMES, type ProbeName } from './probe-names.ts'
import { probesFor, QUIET_PROBES } from './probes.ts'
import { alarmOfFindings } from './self-check.ts'
import { type WatchedStore, watchStore } from './store-watch.ts'

export const SELF_CHECK_MS = 3_600_000

export type ApplianceHealthOptions = {
  site: Site
  registry: Registry
  store: WatchedStore
  catalogue: IsoCatalogue
  certificate: ServedCertificate
  leases: LeaseSource
  /** Absent where DHCP is not ours. */
  watch: ServerWatch | undefined
  pid: number
  work: WorkList
  alarms: Alarms
  clock: Clock
  log: Log
}

const DOCTOR = { id: 'doctor', what: 'doctor', unit: 'steps', total: PROBE_NAMES.length, canCancel: false } as const

const NOT_OURS: Problem = {
  code: 'watch-deaf',
  message: 'the appliance has no port 68, since dhcp.mode is off',
  hint: 'run `rackrise doctor` as root',
  severity: 'warning',
}

/** The library of a site file: the one that is served, unless the file names another folder by now. */
function libraryFor(catalogue: IsoCatalogue) {
  return async (site: Site): Promise<IsoCatalogue> => {
    if (site.paths.isos !== catalogue.folder) return diskEdge.library(site)
    await catalogue.rescan()
    return catalogue
  }
}

/** Whose an address is by right, also where its machine is silent. */
async function leasedAddresses({ leases, registry }: ApplianceHealthOptions): Promise<ReadonlySet<Ipv4>> {
  const records = (await leases.all()).filter(({ state }) => state !== 'released')
  const reserved = registry.machines().flatMap(machine => registry.listing(machine).address ?? [])
  return new Set([...records.map(({ address }) => address), ...reserved])
}

export type ApplianceHealth = HealthSource & {
  /** All of `check` on a site file as it is now, which is not that of the appliance yet. */
  checkFile(file: string): Promise<Checked>
  close(): Promise<void>
}

export function watchHealth(options: ApplianceHealthOptions): ApplianceHealth {
  const { site, registry, catalogue, certificate, watch, pid, work, alarms, clock, log } = options
  const known = noKnownFiles(clock)
  const checkEdge = {
    ...diskEdge,
    library: libraryFor(catalogue),
    layers: (folder: string) => loadLayers(folder, known),
    machines: () => registry.machines(),
    now: () => clock.now(),
  }
  const check = keepCheck({
    run: async () => (await runCheck(site.file, checkEdge)).problems,
    // A copy that is under way ends without a further change of its file.
    stamp: async () => [await stampOf(site), ...catalogue.problems().map(({ code }) => code)].join('\n'),
    clock,
  })
  const here: Here = {
    pid,
    ear: () => (watch ? earOf(watch) : NOT_OURS),
    leased: () => leasedAddresses(options),
    library: () => libraryFor(catalogue)(site),
    problems: async () => (await check(false)).problems,
    certificate: () => certificate.current,
  }
  const look = async (names: readonly ProbeName[], onProgress: OnProgress = () => {}): Promise<DoctorRun> => {
    const { edge, close } = openDoctorEdge(site, { here, clock })
    try {
      return await runDoctor(probesFor(site, edge, names), { clock, onProgress })
    } finally {
      await close()
    }
  }
  let last: DoctorRun | undefined
  const examine = sharedRun(async () => (last = await work.run(DOCTOR, tell => look(PROBE_NAMES, tell))), {
    freshMs: 0,
    clock,
  })
  const raise = alarmOfFindings(alarms, log)
  const lookQuietly = async (): Promise<void> => raise((await look(QUIET_PROBES)).findings)
  const failed = (error: unknown): void => log.error({ error: String(error) }, 'the look at this host failed')
  const lookNow = (): void => void lookQuietly().catch(failed)
  lookNow()
  const stop = repeat(clock, SELF_CHECK_MS, lookQuietly, failed)
  const stopHearing = alarmOfSteps(clock, options, lookNow)
  const stopStore = watchStore({ ...options, look: lookNow })
  const stopLink = watchLink({ ...options, link: kernelLink, end: () => process.exit(1) })
  const close = async (): Promise<void> => {
    stopHearing()
    await Promise.all([stop(), stopStore(), stopLink()])
  }
  return { check, checkFile: file => runCheck(file, checkEdge), examine, lastExamination: () => last, close }
}
