/** The disks and NICs of a machine, as the report of its last installation describes them. */
import type { Device, Hardware } from './device-match.ts'
import { asObject, field, type JsonObject, objectField, objectsField, textField } from './json-body.ts'

/** `used`: the disks that were installed on, as far as the report says. */
export type ReportedHardware = Hardware & { used: readonly Device[] }

const MOST_DEVICES = 1024
const LONGEST_VALUE = 8192

/** Values are compared with globs, so they are kept as they were sent. */
function readProperties(entry: JsonObject): Record<string, string> {
  const properties = asObject(field(entry, 'udev-properties')) ?? {}
  return Object.fromEntries(
    Object.entries(properties).filter(
      (property): property is [string, string] =>
        typeof property[1] === 'string' && property[1].length <= LONGEST_VALUE,
    ),
  )
}

function readDisk(entry: JsonObject): Device | undefined {
  const path = textField(objectField(entry, 'udev-properties'), 'DEVNAME')
  return path === undefined ? undefined : { name: path.replace(/^\/dev\//, ''), properties: readProperties(entry) }
}

/** The filter saw the installer's names; the report's own name is the one that was pinned (9.1.0). */
function readNic(entry: JsonObject): Device | undefined {
  const properties = readProperties(entry)
  const name = properties['INTERFACE'] ?? textField(entry, 'name') ?? textField(entry, 'mac')
  return name === undefined ? undefined : { name, properties }
}

/** Of a report's body, in the installer's order. */
export function readHardware(body: JsonObject): ReportedHardware {
  const disks = objectsField(body, 'disks', MOST_DEVICES).flatMap(entry => {
    const disk = readDisk(entry)
    return disk ? [{ disk, isUsed: field(entry, 'is-bootdisk') === true }] : []
  })
  return {
    disks: disks.map(({ disk }) => disk),
    nics: objectsField(body, 'network-interfaces', MOST_DEVICES).flatMap(entry => readNic(entry) ?? []),
    used: disks.filter(({ isUsed }) => isUsed).map(({ disk }) => disk),
  }
}
