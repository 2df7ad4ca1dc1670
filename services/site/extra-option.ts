/** Extra DHCP options of a subnet: which codes are free, and which value each type takes. */
import { z } from 'zod'
import { parseIpv4, type Ipv4 } from '../kit/ipv4.ts'
import type { ExtraOption } from './types.ts'

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

/** What to do instead of setting an option of that code by hand; undefined if it is free. */
export function insteadOf(code: number): string | undefined {
  return OWNED.get(code) ?? (PROTOCOL.has(code) ? 'remove it: it is part of the protocol' : undefined)
}

const LAST_CODE = 254
const LONGEST_OPTION = 255
const MOST_ADDRESSES = Math.floor(LONGEST_OPTION / 4)
const UNSIGNED = { uint8: 0xff, uint16: 0xffff, uint32: 0xffffffff } as const

const HINTS = {
  ipv4: `write 1 to ${MOST_ADDRESSES} IPv4 addresses, as ["10.77.0.1"]`,
  string: `write 1 to ${LONGEST_OPTION} printable ASCII characters in quotes`,
  hex: `write 1 to ${LONGEST_OPTION} octets, as "0a4d0001" or "0a:4d:00:01"`,
  uint8: 'write a whole number from 0 to 255',
  uint16: 'write a whole number from 0 to 65535',
  uint32: 'write a whole number from 0 to 4294967295',
} as const

type OptionType = keyof typeof HINTS

export const extraOption = z
  .strictObject({
    code: z.int().min(1).max(LAST_CODE),
    type: z.enum(['ipv4', 'string', 'hex', 'uint8', 'uint16', 'uint32']),
    value: z.union([z.string(), z.number(), z.array(z.string())]),
  })
  .transform(({ code, type, value }, context): ExtraOption => {
    const option = readOption(code, type, value)
    if (option) return option
    context.issues.push({
      code: 'custom',
      message: `the value does not fit the type "${type}"`,
      params: { hint: HINTS[type] },
      path: ['value'],
      input: value,
    })
    return z.NEVER
  })

function readOption(code: number, type: OptionType, value: string | number | string[]): ExtraOption | undefined {
  switch (type) {
    case 'ipv4': {
      const addresses = Array.isArray(value) ? value.map(parseIpv4).filter((one): one is Ipv4 => one !== undefined) : []
      const isWhole = Array.isArray(value) && addresses.length === value.length
      return isWhole && addresses.length > 0 && addresses.length <= MOST_ADDRESSES
        ? { code, type, value: addresses }
        : undefined
    }
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
