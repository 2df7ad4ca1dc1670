/** `rackrise iso inspect FILE`: everything that can be said about one image, in the library or not. */
import { dirname, resolve } from 'node:path'
import { viewIso } from '../console/iso-view.ts'
import { profilesByFile } from '../console/isos.ts'
import { inspectFile, type LibraryFile } from '../iso/catalogue.ts'
import { measureInitrd } from '../iso/initrd-size.ts'
import { notesIn } from '../iso/notes.ts'
import { formatSize } from '../kit/amount.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Site } from '../site/types.ts'
import { complainOf, say } from './command.ts'
import { checksumWords } from './iso-list.ts'
import type { IsoVerb } from './iso.ts'
import { openLibrary, oursOf } from '../health/edge/library.ts'
import { isoPath } from './library.ts'
import { factSheet } from './table.ts'
import { widthOf } from './wrap.ts'
import { siteIfAny } from './site-file.ts'
import type { IsoFacts, IsoView, Prepared } from '../console/schema/iso.ts'

const MEASURE_MS = 30_000

type Row = [name: string, value: string | undefined]

function wordsOf({ mode, url, fingerprint, token, partitionLabel, answer, firstBoot }: Prepared): string {
  return [
    `for mode ${mode}`,
    url && `answers from ${url}`,
    fingerprint && `certificate ${fingerprint}`,
    mode === 'http' && !url && 'asks DHCP and DNS for the URL',
    token && 'carries a token',
    mode === 'partition' && `label ${partitionLabel ?? 'proxmox-ais'}`,
    answer && 'with an answer file',
    firstBoot && 'with a first-boot script',
  ]
    .filter(Boolean)
    .join(', ')
}

function rowsOf(facts: IsoFacts): Row[] {
  const { kernel, initrd } = facts
  const unpacked = initrd.unpackedBytes
  return [
    ['product', `${facts.productLong} (${facts.product})`],
    ['release', `${facts.release}-${facts.spin}`],
    ['architecture', facts.architecture],
    ['volume', facts.volume],
    ['automated', facts.autoInstall ? 'yes' : 'no'],
    ['prepared', facts.prepared ? wordsOf(facts.prepared) : 'no, as Proxmox publishes it'],
    ['kernel', `${kernel.path}, ${formatSize(kernel.bytes)}`],
    [
      'initrd',
      `${initrd.path}, ${formatSize(initrd.bytes)}${unpacked === undefined ? '' : `, unpacked ${formatSize(unpacked)}`}`,
    ],
    ['memory', `${formatSize(facts.memoryBytes)} for each machine${unpacked === undefined ? ', an estimate' : ''}`],
  ]
}

function describeIso({ path, bytes, state, facts, profiles, checksum }: IsoView): string {
  const rows: Row[] = [
    ['state', state],
    ['size', `${formatSize(bytes)} (${bytes} bytes)`],
    ...(facts ? rowsOf(facts) : []),
    ['checksum', checksum && `${checksumWords(checksum)}, looked at ${checksum.at}`],
    ['profiles', profiles.join(', ') || undefined],
  ]
  return factSheet(path, rows, widthOf(process.stdout))
}

/** Measured here and now where nobody has done it yet: that takes a second or two. */
async function measured(found: LibraryFile): Promise<LibraryFile> {
  const { result, entry } = found
  if (!entry || entry.unpackedInitrd !== undefined) return found
  const signal = AbortSignal.timeout(MEASURE_MS)
  const unpackedInitrd = await measureInitrd(entry.path, entry.initrd, signal).catch(() => undefined)
  if (unpackedInitrd === undefined) return found
  const exact = { ...entry, unpackedInitrd }
  return { ...found, entry: exact, result: isProblem(result) ? result : exact }
}

async function profilesOf(site: Site, file: string): Promise<string[]> {
  return profilesByFile(site, await openLibrary(site)).get(file) ?? []
}

export const inspectVerb: IsoVerb = {
  usage: ['iso inspect FILE'],
  options: {},
  takes: { least: 1, most: 1, what: 'a file: a path, or a name in the library' },
  async run([said = ''], values) {
    const site = await siteIfAny(values)
    if (site === 'wrong') return 1
    const known = site ? { ours: await oursOf(site) } : {}
    const path = await isoPath(said, site)
    const library = site && dirname(path) === resolve(site.paths.isos) ? site : undefined
    const found = await measured(
      await inspectFile(path, library ? { ...known, notes: notesIn(library.paths.state) } : known),
    )
    const view = viewIso(found, library ? await profilesOf(library, found.file) : [])
    if (values['json'] === true) say(JSON.stringify(view, null, 2))
    else {
      if (view.bytes > 0) say(describeIso(view))
      complainOf(view.problems, false)
    }
    return view.state === 'usable' ? 0 : 1
  },
}
