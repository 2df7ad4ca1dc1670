/**
 * Which serial numbers and UUIDs say nothing about a machine: board makers ship what the SMBIOS template held, so
 * thousands of machines claim the same one. Such a value must never identify or match a machine.
 */

/** What vendors leave in SMBIOS strings (DSP0134 §7.2, "Serial Number"), lower case, one blank between words. */
const PLACEHOLDER_SERIALS = new Set([
  '01234567890123456789ab',
  '$(default_string)',
  'asset-1234567890',
  'base board serial number',
  'baseboard serial number',
  'base board serial#',
  'board serial number',
  'chassis serial number',
  'chassis serial#',
  'default',
  'default string',
  'default_serial',
  'default_string',
  'dummy',
  'empty',
  'fill by oem',
  'filled by oem',
  'invalid',
  'mb-1234567890',
  'n/a',
  'na',
  'nb-1234567890',
  'no asset information',
  'no serial number',
  'none',
  'not applicable',
  'not assigned',
  'not available',
  'not defined',
  'not present',
  'not provided',
  'not set',
  'not settable',
  'not specified',
  'null',
  'o.e.m.',
  'oem',
  'oem default string',
  'product serial number',
  'product serial#',
  'sernum0',
  'serial',
  'serial#',
  'serial number',
  'serialnumber',
  'sn',
  'sys-1234567890',
  'sys-serial-number',
  'system serial number',
  'system serial#',
  'systemserialnumb',
  'tbd',
  'test',
  'to be filled',
  'to be filled by o.e.m',
  'to be filled by o.e.m.',
  'to be filled by oem',
  'tobefilledbyo.e.m.',
  'type2 - board serial number',
  'type3 - chassis serial number',
  'unavailable',
  'undefined',
  'unknown',
  'unspecified',
  'xxxx-xxxx-xxxx',
])

const ONE_CHARACTER_REPEATED = /^(.)\1*$/u

/** Digits in their order, from 0 or 1 on and round again: `123`, `0123456789`, `12345678901234567890`. */
function isCounted(digits: string): boolean {
  return digits.length >= SHORTEST_COUNT && [COUNT, `0${COUNT}`].some(count => count.startsWith(digits))
}

const SHORTEST_COUNT = 3
const COUNT = '1234567890'.repeat(4)

/** True for an empty, templated or repeated-character serial number (system, board or chassis), in any case. */
export function isPlaceholderSerial(serial: string): boolean {
  const text = serial.trim().toLowerCase().replaceAll(/\s+/g, ' ')
  if (text === '' || PLACEHOLDER_SERIALS.has(text)) return true
  // "00000000", "........", "FFFFFFFFF", "0000-0000": nothing but one character, dashes and blanks aside.
  const bare = text.replaceAll(/[-_. ]/g, '')
  return bare === '' || ONE_CHARACTER_REPEATED.test(bare) || isCounted(bare)
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** UUIDs that many boards share, in both byte orders of the first three fields (DSP0134 §7.2.1). */
const SHARED_UUIDS = new Set([
  '03000200-0400-0500-0006-000700080009',
  '00020003-0004-0005-0006-000700080009',
  // A board of Dell whose service tag is blank.
  '4c4c4544-0000-2010-8020-80c04f202020',
  '44454c4c-0000-1020-8020-80c04f202020',
  '01234567-89ab-cdef-0123-456789abcdef',
  '67452301-ab89-efcd-0123-456789abcdef',
  '11111111-2222-3333-4444-555555555555',
  '12345678-1234-5678-1234-567812345678',
  '12345678-1234-5678-90ab-cddeefaabbcc',
  '78563412-3412-7856-90ab-cddeefaabbcc',
  '12345678-1234-1234-1234-123456789abc',
  '00112233-4455-6677-8899-aabbccddeeff',
  '33221100-5544-7766-8899-aabbccddeeff',
  'ffffff00-ffff-ffff-ffff-ffffffffffff',
  '00ffffff-ffff-ffff-ffff-ffffffffffff',
])

const ONE_OCTET_REPEATED = /^(..)\1{15}$/

/** True for a UUID that is malformed, absent (all 0), not settable (all F), one octet repeated, or known to be shared. */
export function isPlaceholderUuid(uuid: string): boolean {
  const text = uuid.trim().toLowerCase()
  return !UUID.test(text) || SHARED_UUIDS.has(text) || ONE_OCTET_REPEATED.test(text.replaceAll('-', ''))
}
