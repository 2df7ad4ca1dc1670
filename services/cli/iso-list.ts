/** `rackrise iso list`: one line an ISO, then what is wrong. */
import { formatSize } from '../kit/amount.ts'
import { complainOf, say } from './command.ts'
import type { IsoVerb } from './iso.ts'
import { openIsos } from './library.ts'
import { siteFor } from './site-file.ts'
import { type Style, type StyleOf, table } from './table.ts'
import { widthOf } from './wrap.ts'
import type { ChecksumView, IsoFacts, IsoView } from '../console/schema/iso.ts'

const COLOURS: Record<IsoView['state'], Style> = {
  usable: 'green',
  growing: 'cyan',
  unusable: 'red',
}

/** `good, signed`: the word of the outcome, and whether anybody has signed the list. */
export function checksumWords(checksum: ChecksumView | undefined): string {
  if (!checksum) return ''
  return checksum.outcome === 'good' && checksum.signature === 'good' ? 'good, signed' : checksum.outcome
}

/** `~` stands before an estimate: nobody has measured the initrd yet. */
function memoryWords({ memoryBytes, initrd }: IsoFacts): string {
  return `${initrd.unpackedBytes === undefined ? '~' : ''}${formatSize(memoryBytes)}`
}

function cellsOf({ file, state, bytes, facts, profiles, checksum }: IsoView): string[] {
  const release = facts ? `${facts.product} ${facts.release}-${facts.spin} ${facts.architecture}` : ''
  const memory = facts ? memoryWords(facts) : ''
  return [
    file,
    state,
    release,
    formatSize(bytes),
    memory,
    checksumWords(checksum),
    facts?.prepared?.mode ?? '',
    profiles.join(', '),
  ]
}

const STATE_COLUMN = 1

/** One row for each; the state in colour on a terminal. */
export function isoTable(
  views: readonly IsoView[],
  { colour = false, width = Infinity }: { colour?: boolean; width?: number } = {},
): string {
  const head = ['FILE', 'STATE', 'RELEASE', 'SIZE', 'MEMORY', 'CHECKSUM', 'PREPARED', 'PROFILES']
  const rows = views.map(cellsOf)
  const styleOf: StyleOf = (row, column) => (colour && column === STATE_COLUMN ? COLOURS[views[row]!.state] : undefined)
  return table(head, rows, { width, styleOf })
}

export const listVerb: IsoVerb = {
  usage: ['iso list'],
  options: {},
  takes: { least: 0, most: 0, what: 'nothing' },
  async run(_, values) {
    const site = await siteFor(values)
    if (!site) return 1
    const { folder, isos, problems } = await (await openIsos(site)).list({ fresh: true })
    const all = [...problems, ...isos.flatMap(iso => iso.problems)]
    if (values['json'] === true) say(JSON.stringify({ folder, isos, problems }, null, 2))
    else {
      say(
        isos.length === 0
          ? `no ISO is in ${folder}`
          : isoTable(isos, { colour: process.stdout.isTTY, width: widthOf(process.stdout) }),
      )
      complainOf(all, false)
    }
    return problems.length === 0 ? 0 : 1
  },
}
