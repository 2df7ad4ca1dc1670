/** All that `doctor` looks at, put together for one site. */
import type { Loaders } from '../boot/load.ts'
import type { IsoCatalogue } from '../iso/catalogue.ts'
import type { Problem } from '../kit/problem.ts'
import type { Site } from '../site/types.ts'
import { checkProfiles } from './check-host.ts'
import { type FindingCode, FINDINGS } from './codes.ts'
import type { Probe } from './doctor.ts'
import type { Finding } from './finding.ts'
import type { ProbeName } from './probe-names.ts'
import { type FirewallEdge, lookAtFirewall, RULES_MS } from './probe/firewall.ts'
import { type LinkEdge, lookAtLink } from './probe/link.ts'
import { ANSWER_MS, ANSWER_TRIES, lookAtNames, type NamesEdge } from './probe/names.ts'
import { lookAtPorts, type PortsEdge } from './probe/ports.ts'
import { judgeCheck, judgeIsos, judgeLoaders, type LoaderFacts } from './probe/sent.ts'
import { LISTEN_MS, lookForServers, type ServersEdge } from './probe/servers.ts'
import { HELLOS_MS } from './probe/spanning-tree.ts'
import { judgeState, type StateFacts } from './probe/state.ts'
import { lookAtPools, lookAtRelays, lookAtRouters, SETTLE_MS, type SurroundingsEdge } from './probe/surroundings.ts'
import { type CertificateFacts, type ClockFacts, judgeCertificate, judgeClock } from './probe/time.ts'

/** Everything outside that a judgement rests on. */
export type DoctorEdge = ServersEdge &
  PortsEdge &
  LinkEdge &
  FirewallEdge &
  NamesEdge & {
    /** Undefined where the interface or its address is missing, of which another probe tells. */
    surroundings(): Promise<SurroundingsEdge | undefined>
    clockFacts(): ClockFacts
    certificate(): Promise<CertificateFacts | undefined>
    /** What is wrong with the site's own certificate. */
    certificateProblems(): Promise<Problem[]>
    loaders(): Promise<Loaders>
    loaderFacts(loaders: Loaders): Promise<ReadonlyMap<string, LoaderFacts>>
    library(): Promise<IsoCatalogue>
    /** Octets that are left on its disk. */
    libraryRoom(): Promise<number | undefined>
    /** What `check` says. */
    problems(): Promise<Problem[]>
    state(): Promise<StateFacts | undefined>
  }

const TITLES: Record<ProbeName, string> = {
  servers: 'other DHCP servers, and this one',
  ports: 'ports',
  link: 'the interface and its switch',
  firewall: 'the firewall of this host',
  relays: 'relay agents',
  routers: 'routers',
  pools: 'addresses of the pools',
  clock: 'the clock',
  certificate: 'the certificate',
  loaders: 'loaders',
  isos: 'ISOs',
  check: 'site and answers',
  dns: 'names',
  state: 'the state folder',
}

/** Where they wait for others: for silence to be silence. */
const WAITS_MS: Partial<Record<ProbeName, number>> = {
  servers: LISTEN_MS,
  link: HELLOS_MS,
  firewall: RULES_MS,
  pools: SETTLE_MS,
  dns: ANSWER_TRIES * ANSWER_MS,
}

async function around(edge: DoctorEdge, look: (edge: SurroundingsEdge) => Promise<Finding[]>): Promise<Finding[]> {
  const surroundings = await edge.surroundings()
  return surroundings ? look(surroundings) : []
}

async function lookAtCheck(site: Site, edge: DoctorEdge): Promise<Finding[]> {
  const [problems, library] = await Promise.all([edge.problems(), edge.library()])
  // What a probe of its own tells is told there.
  const told = new Set(checkProfiles(site, library).map(({ message }) => message))
  return judgeCheck(problems.filter(({ code, message }) => !(code in FINDINGS) && !told.has(message)))
}

async function lookAtLoaders(site: Site, edge: DoctorEdge): Promise<Finding[]> {
  const loaders = await edge.loaders()
  return judgeLoaders(site, loaders, await edge.loaderFacts(loaders), edge.clock.now())
}

/** Probes by name; each asks its part of the edge when it runs. */
function looks(site: Site, edge: DoctorEdge): Record<ProbeName, () => Promise<Finding[]>> {
  return {
    servers: () => lookForServers(site, edge),
    ports: () => lookAtPorts(site, edge),
    link: () => lookAtLink(site, edge),
    firewall: () => lookAtFirewall(site, edge),
    relays: () => around(edge, surroundings => lookAtRelays(site, surroundings)),
    routers: () => around(edge, surroundings => lookAtRouters(site, surroundings)),
    pools: () => around(edge, surroundings => lookAtPools(site, surroundings)),
    clock: async () => judgeClock(edge.clockFacts()),
    certificate: async () =>
      judgeCertificate(await edge.certificate(), await edge.certificateProblems(), edge.clock.now()),
    loaders: () => lookAtLoaders(site, edge),
    isos: async () => judgeIsos(site, await edge.library(), await edge.libraryRoom()),
    check: () => lookAtCheck(site, edge),
    dns: () => lookAtNames(site, edge),
    state: async () => judgeState(await edge.state(), site.paths.state),
  }
}

/** What somebody with more rights may find out, by what is told without them. */
const NEEDS_RIGHTS: Partial<Record<FindingCode, ProbeName>> = {
  'watch-deaf': 'servers',
  'forwarding-unknown': 'link',
  'firewall-unknown': 'firewall',
  'relays-unasked': 'relays',
  'clock-unknown': 'clock',
}

/** The probes that could not find out what they wanted to for lack of a right. */
export function unknownTo(findings: readonly Pick<Finding, 'code'>[]): ProbeName[] {
  return [...new Set(findings.flatMap(({ code }) => NEEDS_RIGHTS[code] ?? []))]
}

/** Those that send nothing and cost next to nothing: what the appliance looks at by itself. */
export const QUIET_PROBES: readonly ProbeName[] = ['clock', 'loaders', 'state']

export function probesFor(site: Site, edge: DoctorEdge, names: readonly ProbeName[]): Probe[] {
  const all = looks(site, edge)
  return names.map(name => ({ name, title: TITLES[name], waitsMs: WAITS_MS[name] ?? 0, run: all[name] }))
}
