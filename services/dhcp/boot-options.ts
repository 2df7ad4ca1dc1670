/** What a boot plan looks like in a reply: PXE 2.1 §2.2 and §2.4, RFC 2132 §9.4 and §9.5, RFC 4578, UEFI HTTP Boot, iPXE. */
import type { DhcpPlan } from '../boot/plan.ts'
import { type Ipv4, UNSPECIFIED } from '../kit/ipv4.ts'
import { reachesInstaller } from '../site/urls.ts'
import type { ServerFacts } from './decision.ts'
import type { DhcpClient } from './fleet.ts'
import type { DhcpMessage } from './message.ts'
import { bytesOf, machineIdOf, OPTION, parameterListOf } from './options.ts'
import type { NoteReason } from './reasons.ts'
import { LOAD_AT_ONCE, readVendorOptions, VENDOR_OPTION, writeVendorOptions } from './vendor-options.ts'

type Entry = [code: number, value: Uint8Array]

/** Where files are loaded from. */
export type BootSource = Pick<ServerFacts, 'address' | 'httpPort'>

/** A plan that has something to boot. */
export type BootPlan = Extract<DhcpPlan, { do: 'load' | 'script' }>

export type BootFields = { siaddr: Ipv4; file: string; options: Entry[]; notes: NoteReason[] }

/** The `file` field keeps a NUL even at full length. */
const MAX_FILE_CHARACTERS = 127
const DEFAULT_HTTP_PORT = 80

/** iPXE's 175.176: there is no proxyDHCP to wait for. */
const NO_PROXY_DHCP = Uint8Array.of(176, 1, 1)

const NO_BOOT: BootFields = { siaddr: UNSPECIFIED, file: '', options: [], notes: [] }

/** What our own OFFER or ACK says of booting, beside the address. */
export function bootFieldsOf(plan: DhcpPlan, request: DhcpMessage, source: BootSource): BootFields {
  switch (plan.do) {
    case 'load':
      return plan.via === 'http'
        ? httpBoot(plan.loader, request, source)
        : pxeBoot(plan.loader, request, source, [[VENDOR_OPTION.discoveryControl, LOAD_AT_ONCE]])
    case 'script':
      return scriptBoot(plan.url, source, [OPTION.ipxe, NO_PROXY_DHCP])
    case 'answer':
      return answer(plan, request)
    case 'nothing':
    case 'silence':
      return NO_BOOT
  }
}

/**
 * What a proxy says beside the offer of the server that gives the address (PXE 2.1 §2.5.1). A BIOS ROM loads at once: 43.6 is what it was made for. UEFI is
 * sent to port 4011 instead, without a menu, as dnsmasq sends every architecture from 6 on: EDK2 takes a PXEClient offer without discovery options for one
 * of BINL, and asks its server there by itself [src PxeBcDhcp4.c]. OVMF 2022.11 does (test/vectors/proxy), and other UEFI firmware is built from EDK2, too.
 */
export function proxyFieldsOf(
  plan: BootPlan,
  { boot }: DhcpClient,
  request: DhcpMessage,
  source: BootSource,
): BootFields {
  if (plan.do === 'script') return proxyScriptBoot(plan.url, source)
  const asksBootServer = plan.via === 'tftp' && boot.stage === 'firmware' && boot.architecture !== 'x86-bios'
  return asksBootServer ? redirect(request, source) : bootFieldsOf(plan, request, source)
}

/** What the boot server says at port 4011: the file, and the boot item that was asked for (43.71, type and layer) as it came. */
export function bootServerFieldsOf(plan: BootPlan, request: DhcpMessage, source: BootSource): BootFields {
  if (plan.do === 'script') return proxyScriptBoot(plan.url, source)
  if (plan.via === 'http') return httpBoot(plan.loader, request, source)
  const item = bootItemOf(request)
  return pxeBoot(plan.loader, request, source, item ? [[VENDOR_OPTION.bootItem, item]] : [])
}

const BOOT_ITEM_LENGTH = 4

function bootItemOf(request: DhcpMessage): Uint8Array | undefined {
  const block = request.options.get(OPTION.vendorSpecific)
  const item = block && readVendorOptions(block).get(VENDOR_OPTION.bootItem)
  return item?.length === BOOT_ITEM_LENGTH ? item : undefined
}

/**
 * Name and server twice each: old ROMs read the fields only, others the options only, and shim takes the folder of
 * its next stage from `file`.
 */
function pxeBoot(loader: string, request: DhcpMessage, source: BootSource, vendor: Entry[]): BootFields {
  const options: Entry[] = [
    [OPTION.vendorClass, bytesOf('PXEClient')],
    [OPTION.tftpServerName, bytesOf(source.address)],
    [OPTION.bootFile, bytesOf(loader)],
    ...(vendor.length > 0 ? ([[OPTION.vendorSpecific, writeVendorOptions(vendor)]] satisfies Entry[]) : []),
    ...echoedMachineId(request),
  ]
  return { siaddr: source.address, file: fieldFor(loader), options, notes: [] }
}

/** "Ask me at port 4011": a PXE server with nothing to load. */
function redirect(request: DhcpMessage, source: BootSource): BootFields {
  const options: Entry[] = [[OPTION.vendorClass, bytesOf('PXEClient')], ...echoedMachineId(request)]
  return { siaddr: source.address, file: '', options, notes: [] }
}

/** UEFI HTTP Boot takes nothing but a whole URL, and only from a server that calls itself HTTPClient. */
function httpBoot(loader: string, request: DhcpMessage, source: BootSource): BootFields {
  const port = source.httpPort === DEFAULT_HTTP_PORT ? '' : `:${source.httpPort}`
  const url = `http://${source.address}${port}/loaders/${loader}`
  const options: Entry[] = [
    [OPTION.vendorClass, bytesOf('HTTPClient')],
    [OPTION.bootFile, bytesOf(url)],
    ...echoedMachineId(request),
  ]
  return { siaddr: source.address, file: fieldFor(url), options, notes: [] }
}

/** Without option 60: iPXE would take a reply that says PXEClient for one of a proxyDHCP server too. */
function scriptBoot(url: string, source: BootSource, mark: Entry): BootFields {
  return { siaddr: source.address, file: fieldFor(url), options: [[OPTION.bootFile, bytesOf(url)], mark], notes: [] }
}

/** With option 60, by which iPXE knows a proxy, and without telling it that there is none. */
function proxyScriptBoot(url: string, source: BootSource): BootFields {
  return scriptBoot(url, source, [OPTION.vendorClass, bytesOf('PXEClient')])
}

function fieldFor(name: string): string {
  return name.length <= MAX_FILE_CHARACTERS ? name : ''
}

function echoedMachineId(request: DhcpMessage): Entry[] {
  const id = machineIdOf(request)
  return id ? [[OPTION.machineId, id]] : []
}

/** Both or none: an installer with a URL and no fingerprint would ask, and then refuse the certificate. */
function answer(plan: { url: string; fingerprint: string }, request: DhcpMessage): BootFields {
  const requested = parameterListOf(request)
  const values: [number, string][] = [
    [OPTION.answerUrl, plan.url],
    [OPTION.answerFingerprint, plan.fingerprint],
  ]
  if (!values.every(([, value]) => reachesInstaller(value))) return { ...NO_BOOT, notes: ['answer-unfit'] }
  const asked = values.filter(([code]) => requested.includes(code))
  return { ...NO_BOOT, options: asked.map(([code, value]) => [code, bytesOf(value)]) }
}
