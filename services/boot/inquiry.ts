/**
 * What iPXE says when it asks for its boot script: parameters of `/boot.ipxe`, read with strict alphabets. Nothing of it is ever written
 * into a script. A parameter that is given twice counts as not given.
 */
import { type Mac, parseMac } from '../kit/mac.ts'
import { isPlaceholderSerial, isPlaceholderUuid } from '../site/identity.ts'
import { type Choice, MEMORY_RANGES_ASKED } from './urls.ts'

/** What a machine boots, part by part. */
export type BootPart = 'kernel' | 'initrd' | 'start'

export type Inquiry = {
  mac?: Mac
  /** A MAC was given, whatever it was worth. */
  saysMac: boolean
  identity: { uuid?: string; serial?: string; product?: string }
  /** It came by our own address, so it understands one more question. */
  canDescribe: boolean
  description?: MachineDescription
  diskFailed: boolean
  /** A part that could not be loaded; `error` as iPXE numbers it. */
  failed?: { part: BootPart; error?: string }
  choice?: Choice
}

/** What an installation needs to know of the machine; what it does not say is absent. */
export type MachineDescription = { architecture?: string; memoryBytes?: number }

const SAFE_SERIAL = /^[\w.:+/-]{1,64}$/
/** Model names have blanks, commas and brackets: `Standard PC (Q35 + ICH9, 2009)`. */
const SAFE_PRODUCT = /^[\w.:+/#(),-][\w .:+/#(),-]{0,63}$/
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const ERROR_NUMBER = /^0x[0-9a-f]{8}$/
const PARTS: readonly BootPart[] = ['kernel', 'initrd', 'start']
const CHOICES: readonly Choice[] = ['menu', 'disk', 'install']

/** Debian's words for what iPXE and GRUB were built for. A BIOS loader is 32-bit code whatever the processor is, so it does not tell. */
const ARCHITECTURES: Record<string, string> = { x86_64: 'amd64', arm64: 'arm64', arm32: 'armhf' }

const MIB = 1024 * 1024
const KIB = 1024
/** The structure has the extended form for such a range, which starts beyond 4 TiB. */
const BEYOND = 0xffffffff

/** @param query what stands after the question mark */
export function readInquiry(query: string): Inquiry {
  // iPXE leaves `+` as it is, and never writes it for a blank.
  const parameters = new URLSearchParams(query.replaceAll('+', '%2B'))
  const once = (name: string): string => {
    const all = parameters.getAll(name)
    return all.length === 1 ? all[0]! : ''
  }
  const mac = parseMac(once('mac'))
  const part = PARTS.find(known => known === once('failed'))
  const choice = CHOICES.find(known => known === once('choice'))
  return {
    ...(mac ? { mac } : {}),
    saysMac: parameters.has('mac'),
    identity: identityOf(once),
    canDescribe: parameters.has('product'),
    ...(parameters.has('arch') ? { description: descriptionOf(once) } : {}),
    diskFailed: once('disk') === 'failed',
    ...(part ? { failed: { part, ...(ERROR_NUMBER.test(once('error')) ? { error: once('error') } : {}) } } : {}),
    ...(choice ? { choice } : {}),
  }
}

function identityOf(once: (name: string) => string): Inquiry['identity'] {
  const uuid = once('uuid').toLowerCase()
  const serial = once('serial')
  const product = once('product').trim()
  return {
    ...(UUID.test(uuid) && !isPlaceholderUuid(uuid) ? { uuid } : {}),
    ...(SAFE_SERIAL.test(serial) && !isPlaceholderSerial(serial) ? { serial } : {}),
    ...(SAFE_PRODUCT.test(product) && !isPlaceholderSerial(product) ? { product } : {}),
  }
}

function descriptionOf(once: (name: string) => string): MachineDescription {
  const architecture = ARCHITECTURES[once('arch')]
  const told = /^\d{1,9}$/.test(once('memsize')) ? Number(once('memsize')) * MIB : 0
  const memoryBytes = Math.max(told, mappedMemory(once('memory')) ?? 0)
  return { ...(architecture ? { architecture } : {}), ...(memoryBytes > 0 ? { memoryBytes } : {}) }
}

/** The sum of the ranges in bytes; undefined if there is none, if one cannot be read, or if there may be more than were asked for. */
function mappedMemory(text: string): number | undefined {
  const ranges = text.split(',').filter(range => range !== '' && range !== '-')
  if (ranges.length >= MEMORY_RANGES_ASKED) return undefined
  let bytes = 0
  for (const range of ranges) {
    const [, start, end] = /^([0-9a-f]{8})-([0-9a-f]{8})$/.exec(range) ?? []
    if (start === undefined || end === undefined) return undefined
    const [from, to] = [littleEndian(start), littleEndian(end)]
    if (from === BEYOND || to === BEYOND || to < from) return undefined
    bytes += (to - from + 1) * KIB
  }
  return bytes > 0 ? bytes : undefined
}

function littleEndian(hexadecimal: string): number {
  return Buffer.from(hexadecimal, 'hex').readUInt32LE()
}
