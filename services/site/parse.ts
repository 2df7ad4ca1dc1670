/** TOML text to a site, or to everything that is wrong with it. Pure: what the host knows comes in as an environment. */
import { hash } from 'node:crypto'
import type { Place, Problem } from '../kit/problem.ts'
import { parseInterfaceAddress } from '../kit/ipv4.ts'
import { checkSite } from './check.ts'
import type { CheckView } from './check-view.ts'
import { isLost, readDraft } from './draft.ts'
import { explainIssues } from './explain-issue.ts'
import { placeFindings, type Finding, type Path } from './finding.ts'
import { find, indexSource, type SourceIndex } from './locate.ts'
import { readToml } from './read-toml.ts'
import { baseFolder, resolveSite } from './resolve.ts'
import { draftFile, REQUIRED_TABLES, SITE_WORDS, siteFile, type Draft } from './schema.ts'
import type { Site } from './types.ts'
import { newerVersion } from './version.ts'

export type Environment = {
  /** The interface's first IPv4 address with its mask length, as `10.77.0.1/24`. */
  interfaceAddress(name: string): string | undefined
  /** What a relative name of the site file starts from; the root folder if absent. */
  workingFolder?: string
}

/** `placeOf` says where in the file something stands, or would stand. */
export type ParsedSite = { site: Site; warnings: Problem[]; placeOf: (path: Path) => Place } | { problems: Problem[] }

/** What a look at the text alone tells; `load.ts` adds what the files it names tell. */
export type Examination = {
  findings: Finding[]
  index: SourceIndex
  /** The base folder of relative paths. */
  base: string
  /** What could be understood; absent if the syntax is broken. */
  draft?: Draft
  /** Present if there is no error among the findings. */
  site?: Site
}

/** `file` is the name that problems tell; relative paths in the site start from its folder (see `baseFolder`). */
export function parseSite(source: string, file: string, environment: Environment): ParsedSite {
  return conclude(examineSite(source, file, environment), file)
}

/** The outcome of an examination, with further findings that came from elsewhere. */
export function conclude(examination: Examination, file: string, further: readonly Finding[] = []): ParsedSite {
  const { findings, index, site } = examination
  const problems = placeFindings([...findings, ...further], file, index)
  const isRefused = problems.some(({ severity }) => severity === 'error')
  if (!site || isRefused) return { problems }
  return { site, warnings: problems, placeOf: path => ({ file, ...find(index, path) }) }
}

export function examineSite(source: string, file: string, environment: Environment): Examination {
  const base = baseFolder(file, environment.workingFolder ?? '/')
  const toml = readToml(source)
  const index = indexSource(toml.source)
  if (!toml.table) return { findings: toml.findings, index, base }
  const raw: Record<string, unknown> = { ...toml.table }
  const newer = newerVersion(raw)
  if (newer) return { findings: [newer], index, base }
  for (const table of REQUIRED_TABLES) raw[table] ??= {}
  const whole = siteFile.safeParse(raw)
  const findings = [...toml.findings, ...explainIssues(whole.error?.issues ?? [], raw, SITE_WORDS)]
  const lost = new Set<string>()
  const draft = whole.data ?? readDraft(draftFile, raw, lost)
  if (!draft) return { findings, index, base }
  const own = ownNetwork(draft, environment, lost)
  const view: CheckView = { draft, ...(own ? { own } : {}), isLost: dotted => isLost(lost, dotted) }
  findings.push(...checkSite(view))
  const isRefused = findings.some(({ severity }) => severity === 'error')
  if (!whole.data || !own || isRefused) return { findings, index, base, draft }
  return {
    findings,
    index,
    base,
    draft,
    site: resolveSite(whole.data, { file, sha256: hash('sha256', source), base, own }),
  }
}

function ownNetwork(draft: Draft, environment: Environment, lost: ReadonlySet<string>): CheckView['own'] {
  const { address, interface: name } = draft.network
  if (address || name === undefined || isLost(lost, 'network.address')) return address
  const found = environment.interfaceAddress(name)
  return found === undefined ? undefined : parseInterfaceAddress(found)
}
