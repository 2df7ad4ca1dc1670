/** What it means that another server was seen: in a reply that it sent, or in the choice of a machine. Pure. */
import type { Trouble } from '../kit/alarms.ts'
import { type Ipv4, UNSPECIFIED } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { DhcpMessage } from './message.ts'
import { bootFileOf, messageTypeOf, serverIdOf, vendorClassOf } from './options.ts'
import { macOf } from './identify.ts'
import { REASONS } from './reasons.ts'

export type Sighting = {
  by: 'offer' | 'ack' | 'nak' | 'request'
  /** Option 54, else where the reply came from. */
  server: Ipv4
  /** Where the reply came from; absent for the choice of a machine. */
  from?: Ipv4
  /** The relay agent that brought it. */
  relay?: Ipv4
  /** The machine that was told, or that chose. */
  machine?: Mac
  /** The address that it was told. */
  offered?: Ipv4
  /** The boot file that it was told. */
  bootFile?: string
  /** It tells machines what to boot, as a proxyDHCP server does. */
  saysBoot: boolean
}

export type WatchMode = 'server' | 'proxy'

/** Whom we expect to meet. In proxy mode somebody else gives the addresses: whoever it is, unless `others` are named. */
export type Expected = { mode: WatchMode; ours: Ipv4; others: readonly Ipv4[]; relays: readonly Ipv4[] }

/** For a log and a terminal: what a stranger says may hold anything. */
const LONGEST_TEXT = 100

/** Up to a NUL, which dnsmasq ends option 67 with. */
function printable(text: string): string {
  return text
    .replace(/\0.*$/s, '')
    .slice(0, LONGEST_TEXT)
    .replaceAll(/[^\x20-\x7e]/g, '?')
}

/** A reply on the wire; undefined if it is none that DHCP knows. */
export function sightingOfReply(message: DhcpMessage, from: Ipv4): Sighting | undefined {
  const by = messageTypeOf(message)
  if (message.op !== 'reply' || (by !== 'offer' && by !== 'ack' && by !== 'nak')) return undefined
  const machine = macOf(message)
  const bootFile = bootFileOf(message) ?? message.file
  const vendorClass = vendorClassOf(message) ?? ''
  return {
    by,
    server: serverIdOf(message) ?? from,
    from,
    ...(message.giaddr === UNSPECIFIED ? {} : { relay: message.giaddr }),
    ...(machine ? { machine } : {}),
    ...(message.yiaddr === UNSPECIFIED ? {} : { offered: message.yiaddr }),
    ...(bootFile ? { bootFile: printable(bootFile) } : {}),
    // Option 60 in a reply is what makes firmware take it for boot data (PXE 2.1 §2.2).
    saysBoot: bootFile !== '' || /^(PXE|HTTP)Client/.test(vendorClass),
  }
}

/** The choice of a machine that took another server's offer; undefined if it is none. */
export function sightingOfChoice(request: DhcpMessage): Sighting | undefined {
  if (messageTypeOf(request) !== 'request') return undefined
  const server = serverIdOf(request)
  const machine = macOf(request)
  return server && { by: 'request', server, ...(machine ? { machine } : {}), saysBoot: false }
}

/** The trouble that the sighting is, without the MAC of the server, which only the link knows; undefined for what is expected. */
export function troubleOf(sighting: Sighting, expected: Expected): Trouble | undefined {
  const { mode, ours, others } = expected
  const { server, offered, saysBoot } = sighting
  if (isOurs(sighting, expected) || others.includes(server)) return undefined
  const isBootOnly = saysBoot && (mode === 'proxy' || (sighting.by === 'offer' && !offered))
  if (!isBootOnly && mode === 'proxy' && others.length === 0) return undefined
  const code = isBootOnly ? 'other-boot-server' : 'other-server'
  return {
    code,
    subject: server,
    severity: 'alarm',
    message: `${whoIs(sighting, ours)} ${isBootOnly ? 'tells machines what to boot' : 'gives addresses'}: ${whatIt(sighting)}`,
    hint: REASONS[code].action,
    details: detailsOf(sighting),
  }
}

/** Our own reply, heard back: the kernel takes nothing from its own address off the wire. Or one that a relay agent of the site brought to this link. */
function isOurs({ from, server, relay }: Sighting, { ours, relays }: Expected): boolean {
  return from === ours || (server === ours && relay !== undefined && relays.includes(relay))
}

function whoIs({ server, from }: Sighting, ours: Ipv4): string {
  if (server === ours) return `${from ?? 'somebody'}, which says that it is ${ours} as we are,`
  return from && from !== server ? `the server ${server} (at ${from})` : `the server ${server}`
}

function whatIt({ by, machine, offered, bootFile }: Sighting): string {
  const whom = machine ?? 'a machine'
  if (by === 'request') return `${whom} took its offer`
  if (by === 'nak') return `it refused ${whom}`
  const things = [offered, bootFile].filter(Boolean).join(' and ')
  return `it ${by === 'offer' ? 'offered' : 'acknowledged'} ${things || 'settings'} to ${whom}`
}

function detailsOf({ by, server, from, machine, offered, bootFile }: Sighting): Record<string, string> {
  const facts = { seenBy: by, server, from, machine, offered, bootFile }
  return Object.fromEntries(Object.entries(facts).filter((fact): fact is [string, string] => fact[1] !== undefined))
}
