/** The words that a value of the site file may be, each read into what rooms work with, or refused with what to write instead. */
import { z } from 'zod'
import { parseDuration, parseRate } from '../kit/amount.ts'
import { parseInterfaceAddress, parseIpv4, parsePrefix, parseRange } from '../kit/ipv4.ts'
import { parseMac, type Mac } from '../kit/mac.ts'
import { shown } from './finding.ts'

/** What a string is that is not just any: the manual says it of every key. */
export const forms = z.registry<{ what: string; hint: string }>()

/** A string that `read` understands; for anything else the problem says what it is not, and the hint what to write. */
export function text<T>(read: (written: string) => T | undefined, what: string, hint: string) {
  const type = z.string().transform((written, context): T => {
    const value = read(written)
    if (value !== undefined) return value
    context.issues.push({
      code: 'custom',
      message: `${shown(written)} is not ${what}`,
      params: { hint },
      input: written,
    })
    return z.NEVER
  })
  return type.register(forms, { what, hint })
}

/** The same, where an empty string stands for "not set", as the default site file writes it. */
function textOrEmpty<T>(read: (written: string) => T | undefined, what: string, hint: string) {
  return text<T | ''>(written => (written === '' ? '' : read(written)), what, hint)
}

function matching(pattern: RegExp) {
  return (written: string): string | undefined => (pattern.test(written) ? written : undefined)
}

/** RFC 1123 §2.1: letters, digits and inner hyphens. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i
const LONGEST_NAME = 253

/** A name of one or more labels in lower case, without a dot at its end. */
export function parseDnsName(written: string): string | undefined {
  if (written.length > LONGEST_NAME || !written.split('.').every(label => LABEL.test(label))) return undefined
  return written.toLowerCase()
}

/** A name that owns records: labels may begin with an underscore (RFC 8552), the first may be `*`. */
export function parseOwnerName(written: string): string | undefined {
  const labels = written.split('.').map((label, at) => (at === 0 && label === '*' ? 'a' : label.replace(/^_/, '')))
  return parseDnsName(labels.join('.')) === undefined || written.length > LONGEST_NAME
    ? undefined
    : written.toLowerCase()
}

/** The installer refuses a host name of digits only as the first label of an FQDN. */
function parseHostName(written: string): string | undefined {
  return LABEL.test(written) && !/^\d+$/.test(written) ? written.toLowerCase() : undefined
}

/** Ethernet addresses of one NIC: not all zero, not a group address (lowest bit of the first octet). */
function parseNicMac(written: string): Mac | undefined {
  const mac = parseMac(written)
  const isGroup = mac !== undefined && (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1
  return mac === undefined || isGroup || mac === '00:00:00:00:00:00' ? undefined : mac
}

/** Values that are spelled `first-{{index}}`: a host name for every number put in. */
function parseNameTemplate(written: string): string | undefined {
  const template = written.replaceAll(/\{\{\s*index\s*\}\}/g, '{{index}}')
  // Four digits: a counter that grows must not make the name invalid on the way.
  return parseHostName(template.replaceAll('{{index}}', '1000')) === undefined ? undefined : template.toLowerCase()
}

function parseIso(written: string): string | undefined {
  const isChoice = /^(pve|pbs|pmg|pdm):(latest|\d{1,2}\.\d{1,2}(-\d{1,2})?)$/.test(written)
  return isChoice || /^[A-Za-z0-9][A-Za-z0-9._+-]{0,120}\.iso$/.test(written) ? written : undefined
}

function parseUuid(written: string): string | undefined {
  return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(written) ? written.toLowerCase() : undefined
}

/** Octets as hexadecimal text: behind `0x` as they are, else the characters themselves. Client and circuit identifiers may be either. */
function parseOctets(written: string): string | undefined {
  if (/^0x/i.test(written)) {
    const digits = written.slice(2).replaceAll(':', '').toLowerCase()
    return /^([\da-f]{2}){1,255}$/.test(digits) ? digits : undefined
  }
  return /^[\x20-\x7e]{1,255}$/.test(written) ? Buffer.from(written, 'latin1').toString('hex') : undefined
}

/** Control characters would end up in logs, scripts and headers; 200 is far above anything real. */
const PRINTABLE = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]{1,200}$/u

function parseHttpUrl(written: string): string | undefined {
  const url = URL.canParse(written) && PRINTABLE.test(written) ? new URL(written) : undefined
  return url && ['http:', 'https:'].includes(url.protocol) ? url.href : undefined
}

/** `127.0.0.1:8300`, `[::1]:8300`, `localhost:8300`. */
function parseListen(written: string): { host: string; port: number } | undefined {
  const match = /^(\[[\da-f:]+\]|[\d.]+|localhost):(\d{1,5})$/i.exec(written)
  const port = Number(match?.[2])
  if (!match || port < 1 || port > LAST_PORT) return undefined
  const host = match[1]!.toLowerCase().replace(/^\[|\]$/g, '')
  const isHost = host === 'localhost' || parseIpv4(host) !== undefined || URL.canParse(`http://[${host}]`)
  return isHost ? { host, port } : undefined
}

const LAST_PORT = 65535
const ONE_YEAR_MS = 365 * 86_400_000
const SHORTEST_MS = 60_000

function parseSpan(written: string): number | undefined {
  const milliseconds = parseDuration(written)
  const isSensible = milliseconds !== undefined && milliseconds >= SHORTEST_MS && milliseconds <= ONE_YEAR_MS
  return isSensible ? milliseconds : undefined
}

/** Longer than a target of webhooks is tried (three days) and a rack takes; ten years are for ever. */
const KEEP_LEAST_MS = 7 * 86_400_000
const KEEP_MOST_MS = 3650 * 86_400_000

function parseKeeping(written: string): number | undefined {
  const milliseconds = parseDuration(written)
  const isSensible = milliseconds !== undefined && milliseconds >= KEEP_LEAST_MS && milliseconds <= KEEP_MOST_MS
  return isSensible ? milliseconds : undefined
}

/** Firmware collects offers for about four seconds after its first DISCOVER. */
const LONGEST_DELAY_MS = 3000

function parseDelay(written: string): number | undefined {
  const milliseconds = parseDuration(written)
  return milliseconds !== undefined && milliseconds <= LONGEST_DELAY_MS ? milliseconds : undefined
}

/** Slower than that an ISO takes hours, and firmware gives up; faster there is no network. */
const LOWEST_RATE = 256 * 1024
const HIGHEST_RATE = 100 * 1024 ** 3

function parsePacing(written: string): number | undefined {
  const rate = parseRate(written)
  return rate !== undefined && rate >= LOWEST_RATE && rate <= HIGHEST_RATE ? rate : undefined
}

export const ipv4 = text(parseIpv4, 'an IPv4 address', 'write four numbers from 0 to 255, as "10.77.0.1"')
export const prefix = text(parsePrefix, 'a network', 'write its first address and the mask length, as "10.77.0.0/24"')
export const interfaceAddress = text(
  parseInterfaceAddress,
  'an address with its mask length',
  'write the address of this appliance, as "10.77.0.1/24"',
)
export const range = text(
  parseRange,
  'a range of addresses',
  'write the first and the last address, as "10.77.0.100-10.77.0.199"',
)
export const mac = text(parseNicMac, 'the MAC address of a NIC', 'write six octets, as "bc:24:11:ab:12:21"')
/** Milliseconds. */
export const span = text(parseSpan, 'a duration from 1m to 365d', 'write a number with its unit, as "20m" or "1h"')
/** Milliseconds. */
export const keeping = text(parseKeeping, 'a duration from 7d to 3650d', 'write days, as "90d"')
/** Milliseconds. */
export const delay = text(parseDelay, 'a delay from 0s to 3s', 'write a number with its unit, as "500ms" or "1s"')
/** Bytes a second. */
export const rateOrEmpty = textOrEmpty(
  parsePacing,
  'a rate from 256KiB/s to 100GiB/s',
  'write bytes a second with their unit, as "20MiB/s", or nothing for no limit',
)
export const domain = text(
  parseDnsName,
  'a domain name',
  'write letters, digits, hyphens and dots, as "rack7.example.org"',
)
export const hostName = text(
  parseHostName,
  'a host name',
  'write one label of letters, digits and hyphens, not of digits only, as "node1"',
)
export const nameTemplate = text(
  parseNameTemplate,
  'a template for host names',
  'write letters, digits, hyphens and {{index}}, as "node{{index}}"',
)
/** Files and layers are looked up by name in one folder, so a name can never lead out of it. */
export const fileName = text(
  matching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  'a name',
  'write letters, digits, dots, hyphens and underscores, at most 64, no slash',
)
export const fileNameOrEmpty = textOrEmpty(
  matching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/),
  'a file name',
  'write letters, digits, dots, hyphens and underscores, at most 64, no slash',
)
export const iso = text(parseIso, 'an ISO', 'write a file name in isos/ that ends in .iso, or "pve:latest", "pbs:4.1"')
export const uuid = textOrEmpty(parseUuid, 'a UUID', 'write it as "4c4c4544-0037-4b10-8032-b7c04f583933"')
export const octets = text(
  parseOctets,
  'an identifier',
  'write 1 to 255 printable ASCII characters, or octets as "0x01bc2411ab1221"',
)
export const serial = textOrEmpty(matching(PRINTABLE), 'a serial number', 'write it as the machine shows it')
export const path = text(matching(PRINTABLE), 'a path', 'write the path of a file or folder')
export const pathOrEmpty = textOrEmpty(matching(PRINTABLE), 'a path', 'write the path of a file')
export const words = text(matching(PRINTABLE), 'a text of one line', 'write at most 200 characters on one line')
export const httpUrl = text(parseHttpUrl, 'a URL', 'write it as "https://automation.example.org/hooks/rackrise"')
export const listen = text(parseListen, 'an address and a port', 'write it as "127.0.0.1:8300"')
export const port = z.int().min(1).max(LAST_PORT)
export const interfaceName = text(
  matching(/^[^\s/\p{Cc}]{1,15}$/u),
  'the name of an interface',
  'write one that `ip link` shows, as "eth1"',
)
/** One pattern or several, as a list. */
const patterns = z.unknown().transform((written, context): string[] => {
  const list: unknown[] = Array.isArray(written) ? written : [written]
  if (list.length === 0) {
    const params = { hint: 'write one, as "b0:7b:25:*"' }
    context.issues.push({ code: 'custom', message: 'there is no pattern', params, input: written })
  }
  for (const [at, one] of list.entries()) {
    const path = list === written ? [at] : []
    if (typeof one !== 'string') context.issues.push({ code: 'invalid_type', expected: 'string', input: one, path })
    else if (!PRINTABLE.test(one)) {
      const params = { hint: 'write 1 to 200 characters on one line' }
      context.issues.push({
        code: 'custom',
        message: `${shown(one)} is not a text of one line`,
        params,
        input: one,
        path,
      })
    }
  }
  return list.filter(one => typeof one === 'string')
})

/** What a machine must say of itself; an empty table would take every machine by accident. */
export const conditions = z.record(z.string(), patterns).superRefine((when, context) => {
  if (Object.keys(when).length > 0) return
  context.addIssue({
    code: 'custom',
    message: 'there is no condition',
    params: { hint: 'name one; { mac = "*" } takes every machine' },
  })
})
