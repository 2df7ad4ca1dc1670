/**
 * Which serial numbers and UUIDs say nothing about a machine: board makers ship what the SMBIOS template held, so
 * thousands of machines claim the same one. Such a value must never identify or match a machine.
 */

/** What vendors leave in SMBIOS strings (DSP0134 §7.2, "Serial Number"), lower case, one blank between words. */
const PLACEHOLDER_SERIALS = new Set([
  '0123456789',
  '01234567890123456789ab',
  '123456789',
  '1234567890',
  '012345678',
  '01234567',
  '12345678',
  '1234567',
  '123456',
  '12345',
  '1234',
  '123',
  '$(default_string)',
  'asset-1234567890',
  'base board serial number',
  'baseboard serial number',
  'board serial number',
  'chassis serial number',
  'default',
  'default string',
  'default_string',
  'empty',
  'fill by oem',
  'filled by oem',
  'invalid',
  'mb-1234567890',
  'n/a',
  'na',
  'no asset information',
  'no serial number',
  'none',
  'not applicable',
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
  'sernum0',
  'serial',
  'serial number',
  'serialnumber',
  'sn',
  'sys-1234567890',
  'system serial number',
  'systemserialnumb',
  'tbd',
  'to be filled',
  'to be filled by o.e.m',
  'to be filled by o.e.m.',
  'to be filled by oem',
  'unavailable',
  'undefined',
  'unknown',
  'unspecified',
  'xxxx-xxxx-xxxx',
])

const ONE_CHARACTER_REPEATED = /^(.)\1*$/u

/** True for an empty, templated or repeated-character serial number (system, board or chassis), in any case. */
export function isPlaceholderSerial(serial: string): boolean {
  const text = serial.trim().toLowerCase().replaceAll(/\s+/g, ' ')
  if (text === '' || PLACEHOLDER_SERIALS.has(text)) return true
  // "00000000", "........", "FFFFFFFFF", "0000-0000": nothing but one character, dashes and blanks aside.
  const bare = text.replaceAll(/[-_. ]/g, '')
  return bare === '' || ONE_CHARACTER_REPEATED.test(bare)
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** UUIDs that many boards share, in both byte orders of the first three fields (DSP0134 §7.2.1). */
const SHARED_UUIDS = new Set([
  '03000200-0400-0500-0006-000700080009',
  '00020003-0004-0005-0006-000700080009',
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
