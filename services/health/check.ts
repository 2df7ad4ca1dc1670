/** Everything that can be wrong before power-on, all of it at once: behind `rackrise check` and behind the API. Opens no port and starts nothing. */
import type { Layers } from '../answer/layer.ts'
import type { Loaders } from '../boot/load.ts'
import type { IsoCatalogue } from '../iso/catalogue.ts'
import type { Instant } from '../kit/clock.ts'
import type { Place, Problem } from '../kit/problem.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Path } from '../site/finding.ts'
import type { ParsedSite } from '../site/parse.ts'
import type { Site } from '../site/types.ts'
import { unavailable } from '../site/unavailable.ts'
import { checkAnswers } from './check-answers.ts'
import { checkConsole } from './check-console.ts'
import { checkInterface, checkLoaders, checkPings, checkProfiles } from './check-host.ts'
import { checkLeases, type KeptLease } from './check-leases.ts'
import { slowDownloads } from './check-rate.ts'
import { checkState } from './check-state.ts'
import { checkRoom, type StateFacts } from './probe/state.ts'

/** What `check` looks at. */
export type CheckEdge = {
  site(file: string): Promise<ParsedSite>
  /** Of an interface; undefined where there is none of that name. */
  addresses(device: string): readonly string[] | undefined
  loaders(folder: string): Promise<Loaders>
  layers(folder: string): Promise<Layers>
  library(site: Site): Promise<IsoCatalogue>
  /** Of all interfaces. */
  allAddresses(): readonly string[]
  /** What is wrong with who may use the console. */
  users(file: string): Promise<Problem[]>
  /** The kernel's net.ipv4.ping_group_range; empty where it can't be read. */
  pingGroups(): Promise<string>
  certificate(site: Site, now: Instant): Promise<Problem[]>
  /** Those that were seen. May throw. */
  machines(site: Site): readonly Machine[]
  /** Those on disk. May throw. */
  leases(site: Site): readonly KeptLease[]
  /** Of the state folder; undefined where there is none on this machine. */
  state(folder: string): Promise<StateFacts | undefined>
  now(): Instant
  /** Lets others work: answers of a rack take a while. */
  breathe(): Promise<void>
}

export type Checked = {
  problems: Problem[]
  /** Absent where the site file itself is wrong: then nothing else was looked at. */
  found?: { site: Site; catalogue: IsoCatalogue; loaders: Loaders; placeOf: (path: Path) => Place }
}

export async function runCheck(file: string, edge: CheckEdge): Promise<Checked> {
  const loaded = await edge.site(file)
  if ('problems' in loaded) return { problems: loaded.problems }
  const { site, warnings, placeOf } = loaded
  const catalogue = await edge.library(site)
  const loaders = await edge.loaders(site.boot.loaders)
  const layers = await edge.layers(site.paths.answers)
  const problems = [
    ...warnings,
    ...unavailable(site),
    ...checkInterface(site, edge.addresses(site.network.interface)),
    ...checkLoaders(site, loaders),
    ...checkPings(site, await edge.pingGroups()),
    ...checkConsole(site, edge.allAddresses(), await usersProblems(site, edge)),
    ...(await edge.certificate(site, edge.now())),
    ...catalogue.problems(),
    ...checkProfiles(site, catalogue),
    ...slowDownloads(site, catalogue),
    ...(await checkAnswers(site, layers, catalogue, () => edge.breathe())),
    ...checkState(site, () => edge.machines(site)),
    ...checkLeases(site, () => edge.leases(site)),
    ...checkRoom(await edge.state(site.paths.state), site.paths.state),
  ]
  return { problems, found: { site, catalogue, loaders, placeOf } }
}

function usersProblems({ console: { usersFile } }: Site, edge: Pick<CheckEdge, 'users'>): Promise<Problem[]> {
  return usersFile === undefined ? Promise.resolve([]) : edge.users(usersFile)
}
