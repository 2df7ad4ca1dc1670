/**
 * What the installer says about its machine when it asks for the answer: a JSON object in the body of the POST.
 * Everything in it is a claim; nothing in it proves which machine speaks.
 */
import { isProblem } from '../kit/is-problem.ts'
import { type Mac, macToBytes, parseMac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import { isPlaceholderSerial, isPlaceholderUuid } from '../site/identity.ts'
import {
  asObject,
  cleanText,
  type JsonObject,
  objectField,
  objectsField,
  readJsonObject,
  textField,
} from './json-body.ts'

export type SystemInformation = {
  /** Absent: an ISO of Proxmox VE 8.2, or the output of `proxmox-auto-install-assistant system-info`. */
  schemaVersion?: string
  /** `pve`, `pbs`, `pmg` or `pdm`; empty if the body does not say. */
  product: string
  /** Product version such as `9.2`; empty if the body does not say. */
  release: string
  /** The spin of that release, mostly `1`; not always a number. */
  isorelease: string
  /** In the order sent, which is the kernel's and not stable; each once. */
  macs: Mac[]
  /** Names of the NICs, as the installer's kernel has them. */
  links: string[]
  /** Of the system, which is the one that iPXE sends too; never a placeholder. */
  serial?: string
  /** Lower case; never a placeholder. */
  uuid?: string
  /** `dmi.system.name` and the like, as sent (placeholders too), trimmed and without control characters. */
  dmi: Record<string, string>
}

const LARGEST_BYTES = 64 * 1024
const MOST_INTERFACES = 512
const MOST_DMI_VALUES = 64
const LONGEST_DMI_KEY = 64

/** Bit 0 of the first octet: a group address is nobody's NIC (IEEE 802-2014 §8.2). */
const GROUP_BIT = 1

function isNicAddress(mac: Mac): boolean {
  const octets = macToBytes(mac)
  return (octets[0]! & GROUP_BIT) === 0 && octets.some(octet => octet !== 0)
}

/** Installers up to 9.1.7 write MACs in lower case, from 9.2.0 on in upper case; InfiniBand has 20 octets and is kept out. */
function readMacs(body: JsonObject): Mac[] {
  const macs = objectsField(body, 'network_interfaces', MOST_INTERFACES)
    .map(nic => parseMac(textField(nic, 'mac') ?? ''))
    .filter((mac): mac is Mac => mac !== undefined && isNicAddress(mac))
  return [...new Set(macs)]
}

function readLinks(body: JsonObject): string[] {
  const nics = objectsField(body, 'network_interfaces', MOST_INTERFACES)
  return [...new Set(nics.map(nic => textField(nic, 'link')).filter(link => link !== undefined))]
}

function readDmi(body: JsonObject): Record<string, string> {
  const values: [string, string][] = []
  for (const [group, members] of Object.entries(objectField(body, 'dmi') ?? {})) {
    for (const [key, value] of Object.entries(asObject(members) ?? {})) {
      const name = `dmi.${group}.${key}`
      const text = cleanText(value)
      if (text !== undefined && name.length <= LONGEST_DMI_KEY && values.length < MOST_DMI_VALUES) {
        values.push([name, text])
      }
    }
  }
  return Object.fromEntries(values)
}

function readSerial(dmi: Record<string, string>): string | undefined {
  const serial = dmi['dmi.system.serial']
  return serial !== undefined && !isPlaceholderSerial(serial) ? serial : undefined
}

function readUuid(dmi: Record<string, string>): string | undefined {
  const uuid = dmi['dmi.system.uuid']?.toLowerCase()
  return uuid !== undefined && !isPlaceholderUuid(uuid) ? uuid : undefined
}

/**
 * Reads the body of installers 8.2 to 9.2.7. Unknown keys are ignored and missing ones tolerated, since minor versions
 * add keys and boards without SMBIOS send empty maps. At most 64 KiB and 16 levels.
 */
export function parseSystemInformation(bytes: Uint8Array): SystemInformation | Problem {
  const read = readJsonObject(bytes, LARGEST_BYTES)
  if (isProblem(read)) return read
  const { body } = read
  const schemaVersion = textField(objectField(body, '$schema'), 'version')
  const iso = objectField(body, 'iso')
  const dmi = readDmi(body)
  const serial = readSerial(dmi)
  const uuid = readUuid(dmi)
  return {
    ...(schemaVersion ? { schemaVersion } : {}),
    product: textField(objectField(body, 'product'), 'product')?.toLowerCase() ?? '',
    release: textField(iso, 'release') ?? '',
    isorelease: textField(iso, 'isorelease') ?? '',
    macs: readMacs(body),
    links: readLinks(body),
    ...(serial ? { serial } : {}),
    ...(uuid ? { uuid } : {}),
    dmi,
  }
}
