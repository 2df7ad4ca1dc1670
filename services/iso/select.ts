/** Which image a profile means. */
import type { Problem } from '../kit/problem.ts'
import type { IsoEntry } from './entry.ts'
import { compareReleases, compareVersions, formatRelease } from './release.ts'

const SELECTOR = /^(pve|pbs|pmg|pdm):(latest|\d[\d.]*)$/
/** What a profile means that does not say; arm64 images are chosen by file name. */
const USUAL_ARCHITECTURE = 'amd64'
/** What a line has room for. */
const MOST_NAMED = 10

/** Of one release the image as Proxmox publishes it is meant, before one that somebody prepared; then the first by name. */
function newest(entries: IsoEntry[]): IsoEntry | undefined {
  const prepared = ({ baked }: IsoEntry): number => (baked.modeFile ? 1 : 0)
  return entries.toSorted(
    (a, b) => compareReleases(b.release, a.release) || prepared(a) - prepared(b) || (a.file < b.file ? -1 : 1),
  )[0]
}

function selected(entries: readonly IsoEntry[], selector: string): IsoEntry | undefined {
  const match = SELECTOR.exec(selector)
  if (!match) return entries.find(entry => entry.file === selector)
  const [, product, wanted = ''] = match
  const fitting = entries.filter(
    ({ release }) =>
      release.product === product && (wanted === 'latest' || compareVersions(release.release, wanted) === 0),
  )
  const usual = fitting.filter(({ release }) => release.arch === USUAL_ARCHITECTURE)
  return newest(usual.length > 0 ? usual : fitting)
}

/** What there is in a folder: images that can be used, and files that cannot, by the code of their problem. */
export type Stock = {
  folder: string
  entries: readonly IsoEntry[]
  unusable: readonly { file: string; code: string }[]
}

/** A file name, `pve:latest` or `pbs:4.1`. Problem `iso-unknown`, which lists what there is. */
export function selectIso({ folder, entries, unusable }: Stock, selector: string): IsoEntry | Problem {
  const found = selected(entries, selector)
  if (found) return found
  const there = [
    ...entries.map(({ file, release }) => `${file} (${formatRelease(release)})`),
    ...unusable.map(({ file, code }) => `${file} (cannot be used: ${code})`),
  ]
  return {
    code: 'iso-unknown',
    message: `no ISO fits "${selector}"; there is ${there.slice(0, MOST_NAMED).join(', ') || 'none'}`,
    hint: `put one into ${folder}, or correct the profile's iso`,
    severity: 'error',
  }
}
