/** Extra DHCP options: which codes are free, and which value each type takes. */
import { z } from 'zod'
import { parseIpv4, parsePrefix, type Ipv4 } from '../kit/ipv4.ts'
import { readVendorClasses, readVendorOptions } from './enterprise-blocks.ts'
import { parseDnsName } from './fields.ts'
import type { ExtraOption, Route } from './types.ts'

/**
 * Codes that the appliance sets itself, with what to do instead: RFC 2132, the PXE and iPXE options by which it tells
 * machines what to boot, and those by which the installer finds its answer.
 */
const OWNED = new Map<number, string>([
  [1, 'remove it: it follows from "prefix"'],
  [3, 'use "router"'],
  [6, 'use "dns"'],
  [12, 'use "name" of a machine or rule'],
  [15, 'use "domain" in [site]'],
  [28, 'remove it: it follows from "prefix"'],
  [43, 'remove it: it carries the boot server controls'],
  [51, 'use "lease-time" in [dhcp]'],
  [66, 'remove it: the boot plan sets it'],
  [67, 'remove it: the boot plan sets it'],
  [119, 'use "domain" in [site]: the installer takes one search domain only'],
  [175, 'remove it: the boot plan sets it'],
  [250, 'remove it: each attempt has its own answer URL'],
  [251, 'remove it: it is the fingerprint of the certificate that is served'],
])
/** Parts of the protocol itself, or things only a client or relay agent says. */
const PROTOCOL = new Set([50, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 77, 80, 81, 82, 90, 93, 94, 97, 118])
const VENDOR_CLASSES = 124
const VENDOR_OPTIONS = 125

/** What to do instead of setting an option of that code by hand; undefined if it is free. */
export function insteadOf(code: number): string | undefined {
  return OWNED.get(code) ?? (PROTOCOL.has(code) ? 'remove it: it is part of the protocol' : undefined)
}

const LAST_CODE = 254
const LONGEST_OPTION = 255
const MOST_ADDRESSES = Math.floor(LONGEST_OPTION / 4)
/** So that they never fill a reply (576 octets where the machine does not say more) all by themselves. */
const MOST_LISTED = 16
const UNSIGNED = { uint8: 0xff, uint16: 0xffff, uint32: 0xffffffff } as const

const HINTS = {
  ipv4: `write 1 to ${MOST_ADDRESSES} IPv4 addresses, as ["10.77.0.1"]`,
  string: `write 1 to ${LONGEST_OPTION} printable ASCII characters in quotes`,
  hex: `write 1 to ${LONGEST_OPTION} octets, as "0a4d0001" or "0a:4d:00:01"`,
  bool: 'write true or false without quotes',
  domains: `write 1 to ${MOST_LISTED} domain names, as ["example.org"]`,
  routes: `write 1 to ${MOST_LISTED} routes, as [{ to = "10.80.0.0/16", via = "10.77.0.254" }]`,
  uint8: 'write a whole number from 0 to 255',
  uint16: 'write a whole number from 0 to 65535',
  uint32: 'write a whole number from 0 to 4294967295',
} as const

type OptionType = keyof typeof HINTS
const TYPES = ['ipv4', 'string', 'hex', 'bool', 'domains', 'routes', 'uint8', 'uint16', 'uint32'] as const

const route = z.strictObject({ to: z.string(), via: z.string() })
const written = z.union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.array(route)])
type Written = z.output<typeof written>

export const extraOption = z
  .strictObject({ code: z.int().min(1).max(LAST_CODE), type: z.enum(TYPES), value: written })
  .transform(({ code, type, value }, context): ExtraOption => {
    const option = readOption(code, type, value)
    if (option && isWhole(option)) return option
    context.issues.push({
      code: 'custom',
      message: option
        ? `the octets are no blocks of enterprise number, length and data (RFC 3925)`
        : `the value does not fit the type "${type}"`,
      params: { hint: option ? 'count the octets of each block' : HINTS[type] },
      path: ['value'],
      input: value,
    })
    return z.NEVER
  })

/** A block of 124 or 125 that says more octets than there are would make clients drop the reply. */
function isWhole(option: ExtraOption): boolean {
  if (option.type !== 'hex') return true
  const octets = Uint8Array.from(Buffer.from(option.value, 'hex'))
  if (option.code === VENDOR_CLASSES) return readVendorClasses(octets) !== undefined
  return option.code !== VENDOR_OPTIONS || readVendorOptions(octets) !== undefined
}

/** All of them, or undefined if there are none, too many, or one that cannot be read. */
function readEach<T>(value: Written, read: (one: never) => T | undefined, most: number): T[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > most) return undefined
  const list = (value as never[]).map(read).filter(one => one !== undefined)
  return list.length === value.length ? list : undefined
}

const readAddress = (one: unknown): Ipv4 | undefined => (typeof one === 'string' ? parseIpv4(one) : undefined)
const readName = (one: unknown): string | undefined => (typeof one === 'string' ? parseDnsName(one) : undefined)

function readRoute(one: unknown): Route | undefined {
  if (typeof one !== 'object' || one === null) return undefined
  const { to, via } = one as z.output<typeof route>
  const [prefix, router] = [parsePrefix(to), parseIpv4(via)]
  return prefix && router && { to: prefix, via: router }
}

function readOption(code: number, type: OptionType, value: Written): ExtraOption | undefined {
  switch (type) {
    case 'ipv4': {
      const addresses = readEach(value, readAddress, MOST_ADDRESSES)
      return addresses && { code, type, value: addresses }
    }
    case 'domains': {
      const names = readEach(value, readName, MOST_LISTED)
      return names && { code, type, value: names }
    }
    case 'routes': {
      const routes = readEach(value, readRoute, MOST_LISTED)
      return routes && { code, type, value: routes }
    }
    case 'bool':
      return typeof value === 'boolean' ? { code, type, value } : undefined
    case 'string':
      return typeof value === 'string' && /^[\x20-\x7e]{1,255}$/.test(value) ? { code, type, value } : undefined
    case 'hex': {
      if (typeof value !== 'string' || !/^[\da-f]{2}(:?[\da-f]{2}){0,254}$/i.test(value)) return undefined
      return { code, type, value: value.replaceAll(':', '').toLowerCase() }
    }
    default: {
      const fits = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= UNSIGNED[type]
      return fits ? { code, type, value } : undefined
    }
  }
}
