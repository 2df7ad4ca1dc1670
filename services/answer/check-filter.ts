/** Filters by udev properties. The installer compiles and applies them on the machine only: a mistake in one strands it. */
import { parseGlob } from '../kit/glob.ts'
import { parseMac } from '../kit/mac.ts'
import { shown } from '../site/finding.ts'
import { editDistance } from '../site/suggest.ts'
import { type AnswerProblem, errorAt, warningAt } from './problems.ts'

type Table = 'network' | 'disk-setup'

/** Properties that filters commonly use; others exist, so only what is nearly one of these is doubted. */
const PROPERTIES = [
  ...['DEVLINKS', 'DEVNAME', 'DEVPATH', 'DEVTYPE', 'ID_BUS', 'ID_MODEL', 'ID_MODEL_ID', 'ID_PATH', 'ID_PATH_TAG'],
  ...['ID_REVISION', 'ID_SERIAL', 'ID_SERIAL_SHORT', 'ID_TYPE', 'ID_VENDOR', 'ID_VENDOR_ID', 'ID_WWN'],
  ...['ID_WWN_WITH_EXTENSION', 'SCSI_IDENT_SERIAL', 'INTERFACE', 'ID_NET_DRIVER', 'ID_NET_NAME', 'ID_NET_NAME_MAC'],
  ...['ID_NET_NAME_ONBOARD', 'ID_NET_NAME_PATH', 'ID_NET_NAME_SLOT'],
]
const MOST_EDITS = 2

/** Properties that only devices of the other kind have. */
const FOREIGN: Record<Table, RegExp> = {
  network: /^(?:DEVNAME|DEVLINKS|ID_WWN.*|ID_ATA.*|SCSI_.*)$/,
  'disk-setup': /^(?:ID_NET_.*|INTERFACE)$/,
}

function checkProperty(table: Table, property: string): AnswerProblem[] {
  const path = [table, 'filter', property]
  const name = `${table}.filter: ${shown(property)}`
  // With "all", a property that no disk has is a property that no disk contradicts: every one of them is erased.
  const danger = table === 'disk-setup' ? '; with filter-match = "all" every disk would match it' : ''
  if (FOREIGN[table].test(property)) {
    const owner = table === 'network' ? 'disks' : 'NICs'
    return [
      warningAt(path, 'doubtful-value', `${name} is a property of ${owner} only${danger}`, 'use another property'),
    ]
  }
  if (PROPERTIES.includes(property)) return []
  const upper = property.toUpperCase()
  const near = PROPERTIES.find(known => editDistance(upper, known, MOST_EDITS) <= MOST_EDITS)
  if (!near && property === upper) return []
  const hint = near === undefined ? 'write it in capital letters, as udev does' : `did you mean ${shown(near)}?`
  return [warningAt(path, 'doubtful-value', `${name} is not a property that udev has${danger}`, hint)]
}

/** What udev writes behind `enx` in ID_NET_NAME_MAC is in lower case and has no colons. */
function findMacMistake(pattern: string): string | undefined {
  const mac = parseMac(pattern.replace(/^\*|^enx/i, ''))
  if (mac) return `write ${shown(`*${mac.replaceAll(':', '')}`)}`
  return /^[0-9a-f]{12}$/.test(pattern) ? `write ${shown(`*${pattern}`)}` : undefined
}

function checkPattern(table: Table, property: string, pattern: string): AnswerProblem[] {
  const path = [table, 'filter', property]
  const name = `${table}.filter.${property}`
  const glob = parseGlob(pattern)
  if ('message' in glob) {
    const hint = 'there is no escape character; write [*] for a star and [[] for a bracket'
    const message = `${name} is not a glob: ${glob.message} (character ${glob.at + 1})`
    return [errorAt(path, 'bad-glob', message, hint)]
  }
  const instead = property === 'ID_NET_NAME_MAC' ? findMacMistake(pattern) : undefined
  if (instead !== undefined) {
    return [errorAt(path, 'wrong-value', `${name} never matches: udev writes enx and 12 lower-case digits`, instead)]
  }
  if (property === 'DEVNAME' && /^[^/?*[]/.test(pattern)) {
    return [
      errorAt(
        path,
        'wrong-value',
        `${name} never matches: the names begin with /dev/`,
        `write ${shown(`/dev/${pattern}`)}`,
      ),
    ]
  }
  if (!/^\*+$/.test(pattern)) return []
  const [what, hint] = table === 'network' ? ['NIC', 'be precise'] : ['disk', 'be precise: all of them would be erased']
  return [warningAt(path, 'doubtful-value', `${name} matches every ${what} that has the property`, hint)]
}

export function checkFilter(table: Table, filter: Record<string, string>): AnswerProblem[] {
  return Object.entries(filter).flatMap(([property, pattern]) => [
    ...checkProperty(table, property),
    ...checkPattern(table, property, pattern),
  ])
}
