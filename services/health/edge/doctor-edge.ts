/** What `doctor` looks at: the wire and this machine. One edge for one run, closed after it. */
import { randomBytes } from 'node:crypto'
import { access, constants } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { listLoaders } from '../../boot/load.ts'
import { urlsOf } from '../../boot/urls.ts'
import { inspectorMac } from '../../dhcp/question.ts'
import { certificateProblems, fingerprintOnDisk, keptCertificate } from '../../http/certificate.ts'
import type { IsoCatalogue } from '../../iso/catalogue.ts'
import { type AddressProbe, openAddressProbe } from '../../kit/address-probe.ts'
import { type Clock, systemClock } from '../../kit/clock.ts'
import type { Ipv4 } from '../../kit/ipv4.ts'
import { silentLog } from '../../kit/log.ts'
import { type Mac, parseMac } from '../../kit/mac.ts'
import { EnvironmentProblem, type Problem } from '../../kit/problem.ts'
import { foldMachines } from '../../machine/fold.ts'
import type { Site } from '../../site/types.ts'
import { readFleet, readLeases } from '../../store/read-state.ts'
import { runCheck } from '../check.ts'
import type { Ear } from '../probe/servers.ts'
import { SETTLE_MS, type SurroundingsEdge } from '../probe/surroundings.ts'
import type { DoctorEdge } from '../probes.ts'
import { askForwarder } from './ask-forwarder.ts'
import { diskEdge } from './check-edge.ts'
import { openEar } from './ear.ts'
import { readRulesets } from './firewall.ts'
import {
  describeCertificate,
  freeBytes,
  hasRoute,
  isClockSynchronised,
  readLoaderFacts,
  readResolvers,
  readState,
} from './host.ts'
import { openLibrary } from './library.ts'
import { readLink } from './link.ts'
import { readListeners, tryPorts } from './listeners.ts'
import { hearSpanningTree } from './spanning-tree.ts'

/** What only the appliance that runs knows better than its disk. */
export type Here = {
  /** Its process, if this is it. */
  pid: number
  ear(): Ear | Problem
  /** Addresses that are somebody's: leased, in quarantine, or written down by an installed system. */
  leased(): Promise<ReadonlySet<Ipv4>>
  library(): Promise<IsoCatalogue>
  problems(): Promise<Problem[]>
  /** Of the certificate that is served. */
  certificate(): { cert: string; fingerprint: string }
}

export type DoctorEdgeOptions = {
  /** Absent for a command. */
  here?: Here
  /** An appliance serves this site in another process. */
  isRunning?: boolean
  clock?: Clock
}

/** A token as long as real ones. */
const SAMPLE_TOKEN = 'x'.repeat(43)
const NOBODY = '02:52:72:00:00:01' as Mac

export function openDoctorEdge(
  site: Site,
  options: DoctorEdgeOptions = {},
): { edge: DoctorEdge; close: () => Promise<void> } {
  const { here, isRunning = here !== undefined, clock = systemClock } = options
  const device = site.network.interface
  let probe: Promise<AddressProbe | undefined> | undefined
  const openProbe = (): Promise<AddressProbe | undefined> => (probe ??= openQuietly(site, clock))
  let library: Promise<IsoCatalogue> | undefined
  const edge: DoctorEdge = {
    clock,
    isRunning,
    appliance: here?.pid,
    ear: async () => here?.ear() ?? openEar(device),
    inspector: () => inspectorMac(parseMac(networkInterfaces()[device]?.[0]?.mac ?? '') ?? NOBODY),
    transaction: () => randomBytes(4).readUInt32BE(),
    macAt: async address => (await (await openProbe())?.probe(address))?.mac,
    listeners: readListeners,
    tryPorts,
    link: readLink,
    spanningTree: name => hearSpanningTree(name, clock),
    rulesets: readRulesets,
    surroundings: async () => {
      const opened = await openProbe()
      return opened && surroundingsOf(site, opened, clock, here)
    },
    clockFacts: () => {
      const isSynchronised = isClockSynchronised()
      return { now: clock.now(), ...(isSynchronised === undefined ? {} : { isSynchronised }) }
    },
    certificate: async () => {
      const cert = here?.certificate().cert ?? (await keptCertificate(site))
      return cert === undefined ? undefined : describeCertificate(cert, site.http.certificateFile === undefined)
    },
    certificateProblems: () => certificateProblems(site, clock.now()),
    loaders: () => listLoaders(site.boot.loaders),
    loaderFacts: readLoaderFacts,
    library: () => (library ??= here?.library() ?? openLibrary(site)),
    libraryRoom: () => freeBytes(site.paths.isos),
    problems: async () => here?.problems() ?? (await runCheck(site.file, diskEdge)).problems,
    state: () => readState(site.paths.state),
    due: async () => {
      const fingerprint = here?.certificate().fingerprint ?? (await fingerprintOnDisk(site))
      return { url: urlsOf(site).answer(SAMPLE_TOKEN), ...(fingerprint ? { fingerprint } : {}) }
    },
    askForwarder: address => askForwarder(address, clock),
    resolvers: readResolvers,
  }
  return { edge, close: async () => (await probe)?.close() }
}

/** Without the interface or its address there is nothing to look around from. */
function openQuietly(site: Site, clock: Clock): Promise<AddressProbe | undefined> {
  return openAddressProbe(site.network, { clock, log: silentLog, pings: 'needed' }).catch((error: unknown) => {
    if (error instanceof EnvironmentProblem) return undefined
    throw error
  })
}

function surroundingsOf(site: Site, probe: AddressProbe, clock: Clock, here: Here | undefined): SurroundingsEdge {
  return {
    reaches: address => probe.reaches(address),
    answerer: address => probe.probe(address),
    hasRoute,
    leased: () => here?.leased() ?? leasedOnDisk(site),
    settle: () => new Promise(resolve => clock.after(SETTLE_MS, resolve)),
  }
}

async function leasedOnDisk({ paths }: Site): Promise<ReadonlySet<Ipv4> | undefined> {
  const isHidden = await access(paths.state, constants.R_OK | constants.X_OK).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
  if (isHidden) return undefined
  try {
    const statics = readFleet(paths.state, foldMachines).flatMap(({ staticAddress }) => staticAddress?.address ?? [])
    const leases = readLeases(paths.state).filter(({ state }) => state !== 'released')
    return new Set([...leases.map(({ address }) => address), ...statics])
  } catch {
    return undefined
  }
}
