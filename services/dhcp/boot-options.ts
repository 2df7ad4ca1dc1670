/** What a boot plan looks like in a reply: PXE 2.1 §2.2 and §2.4, RFC 2132 §9.4 and §9.5, RFC 4578, UEFI HTTP Boot, iPXE. */
import type { DhcpPlan } from '../boot/plan.ts'
import { type Ipv4, UNSPECIFIED } from '../kit/ipv4.ts'
import { reachesInstaller } from '../site/urls.ts'
import type { ServerFacts } from './decision.ts'
import type { DhcpMessage } from './message.ts'
import { bytesOf, machineIdOf, OPTION, parameterListOf } from './options.ts'
import type { NoteReason } from './reasons.ts'

export type BootFields = { siaddr: Ipv4; file: string; options: [number, Uint8Array][]; notes: NoteReason[] }

/** The `file` field keeps a NUL even at full length. */
const MAX_FILE_CHARACTERS = 127
const DEFAULT_HTTP_PORT = 80

/** PXE_DISCOVERY_CONTROL (43.6) with bit 3: load the boot file of this reply, ask no boot server; 255 ends the block. */
const SKIP_DISCOVERY = Uint8Array.of(6, 1, 8, 255)
/** iPXE's 175.176: there is no proxyDHCP to wait for. */
const NO_PROXY_DHCP = Uint8Array.of(176, 1, 1)

const NO_BOOT: BootFields = { siaddr: UNSPECIFIED, file: '', options: [], notes: [] }

export function bootFieldsOf(plan: DhcpPlan, request: DhcpMessage, server: ServerFacts): BootFields {
  switch (plan.do) {
    case 'load':
      return plan.via === 'http' ? httpBoot(plan.loader, request, server) : pxeBoot(plan.loader, request, server)
    case 'script':
      return scriptBoot(plan.url, server)
    case 'answer':
      return answer(plan, request)
    case 'nothing':
    case 'silence':
      return NO_BOOT
  }
}

/**
 * Name and server twice each: old ROMs read the fields only, others the options only, and shim takes the folder of
 * its next stage from `file`.
 */
function pxeBoot(loader: string, request: DhcpMessage, server: ServerFacts): BootFields {
  const options: [number, Uint8Array][] = [
    [OPTION.vendorClass, bytesOf('PXEClient')],
    [OPTION.tftpServerName, bytesOf(server.address)],
    [OPTION.bootFile, bytesOf(loader)],
    [OPTION.vendorSpecific, SKIP_DISCOVERY],
    ...echoedMachineId(request),
  ]
  return { siaddr: server.address, file: fieldFor(loader), options, notes: [] }
}

/** UEFI HTTP Boot takes nothing but a whole URL, and only from a server that calls itself HTTPClient. */
function httpBoot(loader: string, request: DhcpMessage, server: ServerFacts): BootFields {
  const port = server.httpPort === DEFAULT_HTTP_PORT ? '' : `:${server.httpPort}`
  const url = `http://${server.address}${port}/loaders/${loader}`
  const options: [number, Uint8Array][] = [
    [OPTION.vendorClass, bytesOf('HTTPClient')],
    [OPTION.bootFile, bytesOf(url)],
    ...echoedMachineId(request),
  ]
  return { siaddr: server.address, file: fieldFor(url), options, notes: [] }
}

/** Without option 60: iPXE would take a reply that says PXEClient for one of a proxyDHCP server too. */
function scriptBoot(url: string, server: ServerFacts): BootFields {
  const options: [number, Uint8Array][] = [
    [OPTION.bootFile, bytesOf(url)],
    [OPTION.ipxe, NO_PROXY_DHCP],
  ]
  return { siaddr: server.address, file: fieldFor(url), options, notes: [] }
}

function fieldFor(name: string): string {
  return name.length <= MAX_FILE_CHARACTERS ? name : ''
}

function echoedMachineId(request: DhcpMessage): [number, Uint8Array][] {
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
