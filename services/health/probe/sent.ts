/** What machines are sent: loaders, ISOs, answers. */
import type { Loaders } from '../../boot/load.ts'
import { IPXE_LOADERS, signedLoadersMissing } from '../../boot/plan.ts'
import { type IsoCatalogue, memoryNeeded } from '../../iso/catalogue.ts'
import type { Verification } from '../../iso/verification.ts'
import { counted, formatSize } from '../../kit/amount.ts'
import type { Instant } from '../../kit/clock.ts'
import { isProblem } from '../../kit/is-problem.ts'
import type { Problem } from '../../kit/problem.ts'
import type { Site } from '../../site/types.ts'
import { checkLoaders, checkProfiles } from '../check-host.ts'
import { type Finding, finding } from '../finding.ts'

/** Of one loader: what it says that it is, and when it was made. */
export type LoaderFacts = { version?: string; madeAt: Instant }

/** `iPXE`, then its version, in loaders that are not packed: `1.0.0+git-20190125.36a4c85-5.1`, `1.21.1 (g0ccfbe)`. */
const IPXE_VERSION = /iPXE[^!-~]+(\d+\.\d+\.\d+[\w.+~-]*(?: \(g[0-9a-f]+\))?)/

export function ipxeVersionIn(text: string): string | undefined {
  return IPXE_VERSION.exec(text)?.[1]
}

const YEAR_MS = 365.25 * 24 * 3_600_000
const OLD_YEARS = 4

/** @param facts of loaders by name */
export function judgeLoaders(
  site: Site,
  loaders: Loaders,
  facts: ReadonlyMap<string, LoaderFacts>,
  now: Instant,
): Finding[] {
  const missing = checkLoaders(site, loaders).map(({ message, hint }) => finding('loaders-missing', message, { hint }))
  const chosen = Object.entries(IPXE_LOADERS).map(([architecture, names]) => ({
    architecture,
    name: names.find(name => loaders.has(name)),
  }))
  const list = chosen.map(({ architecture, name }) => `${architecture} ${name ?? 'none'}`).join(', ')
  const signed = signedLoadersMissing(loaders).length === 0 ? '; signed: shim and GRUB' : ''
  const known = chosen.flatMap(({ name }) => (name === undefined ? [] : (facts.get(name) ?? [])))
  const versions = [...new Set(known.flatMap(({ version }) => version ?? []))]
  const iPXE = versions.length > 0 ? `; iPXE ${versions.join(' and ')}` : ''
  const years = Math.max(...known.map(({ madeAt }) => Math.floor((now - madeAt) / YEAR_MS)), 0)
  const old = years >= OLD_YEARS ? [finding('loaders-old', `the loaders are ${years} years old`)] : []
  if (missing.length > 0) return [...missing, ...old]
  return [finding('loaders-found', `${list}${iPXE}${signed}`), ...old]
}

function verified(found: Verification | undefined): string {
  if (found?.outcome !== 'good') return ''
  return found.signature === 'good' ? ', checksum and signature are good' : ', its checksum is good'
}

/** @param freeBytes room on the disk of the library, where that is known */
export function judgeIsos(
  site: Pick<Site, 'profiles' | 'paths'>,
  catalogue: Pick<IsoCatalogue, 'find' | 'files'>,
  freeBytes: number | undefined,
): Finding[] {
  if (site.profiles.size === 0) return [finding('no-profiles')]
  const broken = new Map(checkProfiles(site, catalogue).map(problem => [problem.message, problem]))
  const verifications = new Map(catalogue.files().map(({ file, verification }) => [file, verification]))
  const unusable = [...broken.values()].map(({ message, hint }) => finding('iso-profile', message, { hint }))
  const installed = [...site.profiles.values()].flatMap(({ name, iso }) => {
    const entry = catalogue.find(iso)
    return isProblem(entry) || !entry.autoInstallCapable ? [] : [{ name, entry }]
  })
  const ready = [...Map.groupBy(installed, ({ entry }) => entry)].map(([entry, all]) => {
    const names = all.map(({ name }) => name).join(', ')
    const needs = `machines need ${formatSize(memoryNeeded(entry))} of memory`
    return finding('iso-ready', `profile ${names}: ${entry.file}, ${needs}${verified(verifications.get(entry.file))}`, {
      subject: entry.file,
    })
  })
  const files = [...new Set(installed.map(({ entry }) => entry.file))]
  const unverified = files
    .filter(file => verifications.get(file)?.outcome !== 'good')
    .map(file => finding('iso-unverified', `nobody compared ${file} with what was published`, { subject: file }))
  const room = freeBytes === undefined ? [] : roomFor(freeBytes, site.paths.isos)
  return [...unusable, ...ready, ...unverified, ...room]
}

/** The next release is about as large as the last one. */
const LARGE_ISO_BYTES = 2 * 1024 ** 3

function roomFor(freeBytes: number, folder: string): Finding[] {
  if (freeBytes >= LARGE_ISO_BYTES) return []
  return [finding('iso-room', `the disk of ${folder} has ${formatSize(freeBytes)} left, and an ISO has up to 2 GiB`)]
}

const FIRST_SHOWN = 3

export function judgeCheck(problems: readonly Problem[]): Finding[] {
  if (problems.length === 0) return [finding('check-clean')]
  const errors = problems.filter(({ severity }) => severity === 'error')
  const warnings = problems.length - errors.length
  const counts = [
    ...(errors.length > 0 ? [counted(errors.length, 'error')] : []),
    ...(warnings > 0 ? [counted(warnings, 'warning')] : []),
  ].join(' and ')
  const worst = errors.length > 0 ? errors : problems
  const shown = worst.slice(0, FIRST_SHOWN).map(({ message }) => message)
  const more = worst.length > shown.length ? '; ...' : ''
  const code = errors.length > 0 ? 'check-errors' : 'check-warnings'
  return [finding(code, `\`rackrise check\` finds ${counts}: ${shown.join('; ')}${more}`)]
}
