/** `rackrise iso inspect FILE`: everything that can be said about one image, in the library or not. */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type IsoFacts, type IsoView, type Prepared, viewIso } from '../console/iso-view.ts'
import { inspectFile } from '../iso/catalogue.ts'
import { formatSize } from '../kit/amount.ts'
import type { Site } from '../site/types.ts'
import { complainOf, say } from './command.ts'
import type { IsoVerb } from './iso.ts'
import { oursOf } from './library.ts'
import { siteIfAny } from './site-file.ts'

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
  return [
    ['product', `${facts.productLong} (${facts.product})`],
    ['release', `${facts.release}-${facts.spin}`],
    ['architecture', facts.architecture],
    ['volume', facts.volume],
    ['automated', facts.autoInstall ? 'yes' : 'no'],
    ['prepared', facts.prepared ? wordsOf(facts.prepared) : 'no, as Proxmox publishes it'],
    ['kernel', `${kernel.path}, ${formatSize(kernel.bytes)}`],
    ['initrd', `${initrd.path}, ${formatSize(initrd.bytes)}`],
    ['memory', `${formatSize(facts.memoryBytes)} for each machine`],
  ]
}

export function describeIso({ path, bytes, state, facts, profiles }: IsoView): string {
  const rows: Row[] = [
    ['state', state],
    ['size', `${formatSize(bytes)} (${bytes} bytes)`],
    ...(facts ? rowsOf(facts) : []),
    ['profiles', profiles.join(', ') || undefined],
  ]
  const width = Math.max(...rows.map(([name]) => name.length))
  return [path, ...rows.flatMap(([name, value]) => (value ? [`  ${name.padEnd(width)}  ${value}`] : []))].join('\n')
}

/** The path as it was said; a bare name that is not here means the library's. */
export async function isoPath(said: string, site: Site | undefined): Promise<string> {
  const here = await stat(said).then(
    () => true,
    () => false,
  )
  return here || said.includes('/') || !site ? resolve(said) : join(site.paths.isos, said)
}

export const inspectVerb: IsoVerb = {
  usage: ['iso inspect FILE'],
  options: {},
  takes: { least: 1, most: 1, what: 'a file: a path, or a name in the library' },
  async run([said = ''], values) {
    const site = await siteIfAny(values)
    if (site === 'wrong') return 1
    const ours = site && (await oursOf(site))
    const view = viewIso(await inspectFile(await isoPath(said, site)), ours, [])
    if (values['json'] === true) say(JSON.stringify(view, null, 2))
    else {
      say(describeIso(view))
      complainOf(view.problems, false)
    }
    return view.state === 'usable' ? 0 : 1
  },
}
