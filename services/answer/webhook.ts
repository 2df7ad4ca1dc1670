/** The report that the installer sends after it finished: version 1.0 to 1.2 of its schema, and what will follow. */
import { isProblem } from '../kit/is-problem.ts'
import { type Mac, parseMac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import { isPlaceholderSerial, isPlaceholderUuid } from '../site/identity.ts'
import { field, type JsonObject, objectField, objectsField, readJsonObject, textField } from './json-body.ts'

/** What udev says of a device, by name: what the filters of an answer match against. */
export type UdevProperties = Readonly<Record<string, string>>

export type ReportedDisk = {
  path: string
  serial?: string
  model?: string
  isBootDisk: boolean
  udev: UdevProperties
}

/** `address` is address/length, of the management NIC only; `name` is that on the installed system (1.2). */
export type ReportedNic = { name?: string; mac?: Mac; address?: string; isManagement: boolean; udev: UdevProperties }

/** Everything but lists may be absent: single failures of the installer leave placeholders (9.2.5 and later) or gaps. */
export type InstallationReport = {
  /** `1.0`, `1.1` (8.4.3) or `1.2` (9.1.0). */
  schemaVersion?: string
  /** The effective name, also where it came from DHCP. */
  fqdn?: string
  /** 32 hexadecimal digits. */
  machineId?: string
  macs: Mac[]
  /** All of them, in the installer's order. */
  nics: ReportedNic[]
  /** The one with an address. */
  management?: ReportedNic
  /** Public key lines as known_hosts wants them, without host name. */
  sshHostKeys: string[]
  product?: { name: string; version?: string }
  /** Release of the installed kernel, such as `7.0.2-5-pve`. */
  kernel?: string
  bootMode?: 'bios' | 'efi'
  secureBoot: boolean
  filesystem?: string
  serial?: string
  uuid?: string
  /** All disks of the machine, not only those installed on. */
  disks: ReportedDisk[]
  /** `auth-token` of the answer (9.2.0); it comes in the body, not in a header. */
  token?: string
}

/** 23 kB were seen with ten disks and six NICs. */
const LARGEST_BYTES = 1024 * 1024
const MOST_DISKS = 1024
const MOST_INTERFACES = 512
const LONGEST_KEY_LINE = 2048
const MOST_PROPERTIES = 256
const LONGEST_PROPERTY = 1024

/** Leaves out what is undefined, so that absent stays absent. */
function present<T extends object>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
}

/** What 9.2.5 and later write where they could not find out. */
function known(text: string | undefined): string | undefined {
  return text === 'unknown' ? undefined : text
}

function readUdev(device: JsonObject): UdevProperties {
  const read = Object.keys(objectField(device, 'udev-properties') ?? {})
    .slice(0, MOST_PROPERTIES)
    .map(name => [name, textField(objectField(device, 'udev-properties'), name, LONGEST_PROPERTY)] as const)
  // A null prototype: a property may have any name.
  return Object.assign(Object.create(null), Object.fromEntries(read.filter(([, value]) => value !== undefined)))
}

function readDisk(disk: JsonObject): ReportedDisk | undefined {
  const properties = objectField(disk, 'udev-properties')
  const path = textField(properties, 'DEVNAME')
  if (path === undefined) return undefined
  return present<ReportedDisk>({
    path,
    serial: textField(properties, 'ID_SERIAL_SHORT') ?? textField(properties, 'ID_SERIAL'),
    model: textField(properties, 'ID_MODEL'),
    isBootDisk: field(disk, 'is-bootdisk') === true,
    udev: readUdev(disk),
  })
}

function readMac(nic: JsonObject): Mac | undefined {
  return parseMac(textField(nic, 'mac') ?? '')
}

function readNic(nic: JsonObject): ReportedNic {
  return present<ReportedNic>({
    name: textField(nic, 'name'),
    mac: readMac(nic),
    address: textField(nic, 'address'),
    isManagement: field(nic, 'is-management') === true,
    udev: readUdev(nic),
  })
}

const KEY_LINE = /^(?:ssh|ecdsa|sk)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,2}(?: .*)?$/

/** Only whole public key lines: they go into a known_hosts file. */
function readHostKeys(body: JsonObject): string[] {
  const keys = objectField(body, 'ssh-public-host-keys')
  return ['ed25519', 'ecdsa', 'rsa']
    .map(type => textField(keys, type, LONGEST_KEY_LINE))
    .filter((line): line is string => line !== undefined && KEY_LINE.test(line))
}

function readProduct(body: JsonObject): InstallationReport['product'] {
  const product = objectField(body, 'product')
  const name = textField(product, 'short')
  return name === undefined ? undefined : present({ name, version: known(textField(product, 'version')) })
}

function readBootMode(body: JsonObject): 'bios' | 'efi' | undefined {
  const mode = textField(objectField(body, 'boot-info'), 'mode')
  return mode === 'bios' || mode === 'efi' ? mode : undefined
}

function readIdentity(body: JsonObject): { serial: string | undefined; uuid: string | undefined } {
  const system = objectField(objectField(body, 'dmi'), 'system')
  const serial = textField(system, 'serial')
  const uuid = textField(system, 'uuid')?.toLowerCase()
  return {
    serial: serial !== undefined && isPlaceholderSerial(serial) ? undefined : serial,
    uuid: uuid !== undefined && isPlaceholderUuid(uuid) ? undefined : uuid,
  }
}

/** Reads the body of the report, whatever keys it lacks or has beyond these. At most 1 MiB. */
export function parseReport(bytes: Uint8Array): InstallationReport | Problem {
  const read = readJsonObject(bytes, LARGEST_BYTES)
  if (isProblem(read)) return read
  const { body } = read
  const nics = objectsField(body, 'network-interfaces', MOST_INTERFACES).map(readNic)
  const machineId = textField(body, 'machine-id')?.toLowerCase()
  return present<InstallationReport>({
    schemaVersion: textField(objectField(body, '$schema'), 'version'),
    fqdn: known(textField(body, 'fqdn')),
    machineId: machineId !== undefined && /^[0-9a-f]{32}$/.test(machineId) ? machineId : undefined,
    macs: [...new Set(nics.map(({ mac }) => mac).filter(mac => mac !== undefined))],
    nics,
    management: nics.find(({ isManagement }) => isManagement),
    sshHostKeys: readHostKeys(body),
    product: readProduct(body),
    kernel: known(textField(objectField(body, 'kernel-version'), 'release')),
    bootMode: readBootMode(body),
    secureBoot: field(objectField(body, 'boot-info'), 'secureboot') === true,
    filesystem: known(textField(body, 'filesystem')),
    ...readIdentity(body),
    disks: objectsField(body, 'disks', MOST_DISKS)
      .map(readDisk)
      .filter(disk => disk !== undefined),
    token: textField(body, 'token'),
  })
}
