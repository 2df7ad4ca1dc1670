/** The interface: whether it is there, up and plugged in, what it can carry, and whether what it is plugged into lets frames through at once. */
import type { Mac } from '../../kit/mac.ts'
import type { Site } from '../../site/types.ts'
import { type Finding, finding } from '../finding.ts'

/** What is not known is absent. */
export type LinkFacts = {
  isUp?: boolean
  hasCarrier?: boolean
  speedMbit?: number
  duplex?: string
  /** Octets. */
  mtu?: number
  mac?: Mac
  addresses: readonly string[]
  isWireless?: boolean
  /** A tagged VLAN of another interface. */
  vlan?: { id: number; of: string }
  /** It is a bridge of this host. */
  bridge?: { hasStp: boolean; forwardDelayMs: number; ports: readonly string[] }
}

/** What a bridge says in a configuration frame (IEEE 802.1D §9.3.1): rapid from version 2 on. */
export type SpanningTree = { version: number; forwardDelayMs: number; bridge: string }

export type LinkEdge = {
  /** Undefined where there is no such interface. */
  link(device: string): Promise<LinkFacts | undefined>
  /** The first frame of spanning tree that comes within a few seconds; undefined where this user may not listen. */
  spanningTree(device: string): Promise<SpanningTree | 'silent' | undefined>
}

type LinkSite = Pick<Site, 'network'>

export async function lookAtLink(site: LinkSite, edge: LinkEdge): Promise<Finding[]> {
  const device = site.network.interface
  const facts = await edge.link(device)
  const isUp = facts !== undefined && facts.isUp !== false && facts.hasCarrier !== false
  const forwarding = isUp
    ? judgeForwarding(facts, facts.bridge ? undefined : await edge.spanningTree(device), device)
    : []
  return [...judgeLink(facts, site), ...forwarding]
}

const FRAME_OF_FIRMWARE = 1500
const SLOW_MBIT = 1000

export function judgeLink(facts: LinkFacts | undefined, { network }: LinkSite): Finding[] {
  const { interface: device, address } = network
  const subject = { subject: device }
  if (!facts) return [finding('interface-missing', `the interface ${device} does not exist`, subject)]
  const hint = `switch it on: \`ip link set ${device} up\``
  if (facts.isUp === false) return [finding('interface-down', `${device} is down`, { ...subject, hint })]
  // Without carrier its addresses are not told, so nothing is said of them.
  if (facts.hasCarrier === false) return [finding('no-carrier', `${device} has no carrier`, subject)]
  const doubts = [...judgeSpeed(facts, device), ...judgeMtu(facts, device), ...judgeKind(facts, device)]
  if (facts.addresses.includes(address))
    return [finding('link-ready', describe(facts, device, address), subject), ...doubts]
  return [finding('address-missing', `${device} does not have the address ${address}`, subject), ...doubts]
}

function describe({ speedMbit, duplex, mtu }: LinkFacts, device: string, address: string): string {
  const facts = [
    speedMbit === undefined ? undefined : `${speedMbit} Mbit/s${duplex ? ` ${duplex} duplex` : ''}`,
    mtu === undefined ? undefined : `MTU ${mtu}`,
  ].filter(fact => fact !== undefined)
  return [`${device} is up and has ${address}`, ...facts].join(', ')
}

function judgeSpeed({ speedMbit, duplex }: LinkFacts, device: string): Finding[] {
  const subject = { subject: device }
  const isSlow = speedMbit !== undefined && speedMbit < SLOW_MBIT
  return [
    ...(duplex === 'half' ? [finding('half-duplex', `${device} runs half duplex`, subject)] : []),
    ...(isSlow ? [finding('slow-link', `${device} has ${speedMbit} Mbit/s`, subject)] : []),
  ]
}

/** IPv4, UDP and TFTP headers, which a block has to leave room for. */
const TFTP_HEADERS = 32

function judgeMtu({ mtu }: LinkFacts, device: string): Finding[] {
  if (mtu === undefined || mtu === FRAME_OF_FIRMWARE) return []
  const subject = { subject: device }
  if (mtu > FRAME_OF_FIRMWARE)
    return [
      finding('mtu-large', `${device} has an MTU of ${mtu}, machines that boot have ${FRAME_OF_FIRMWARE}`, subject),
    ]
  const blocks = `TFTP has blocks of ${mtu - TFTP_HEADERS} bytes at most`
  return [
    finding('mtu-small', `${device} has an MTU of ${mtu}: larger frames of machines are lost, and ${blocks}`, subject),
  ]
}

function judgeKind({ isWireless, vlan, bridge }: LinkFacts, device: string): Finding[] {
  const subject = { subject: device }
  const ports = bridge?.ports ?? []
  const count = ports.length === 0 ? 'no port' : `${ports.length > 1 ? 'the ports' : 'the port'} ${ports.join(', ')}`
  return [
    ...(isWireless ? [finding('wireless', `${device} is wireless`, subject)] : []),
    ...(vlan ? [finding('vlan-interface', `${device} is the tagged VLAN ${vlan.id} of ${vlan.of}`, subject)] : []),
    ...(bridge ? [finding('bridge-interface', `${device} is a bridge of this host with ${count}`, subject)] : []),
  ]
}

/** A port listens and learns before it forwards, each for the forward delay, unless it is an edge port (IEEE 802.1D §8.4). */
export function judgeForwarding(
  { bridge }: Pick<LinkFacts, 'bridge'>,
  heard: SpanningTree | 'silent' | undefined,
  device: string,
): Finding[] {
  const subject = { subject: device }
  if (bridge) {
    const seconds = bridge.hasStp ? (2 * bridge.forwardDelayMs) / 1000 : 0
    if (seconds === 0) return [finding('forwarding-at-once', `ports of the bridge ${device} forward at once`, subject)]
    const hint = `switch it off: \`ip link set ${device} type bridge stp_state 0\``
    const message = `ports that join the bridge ${device} forward after ${seconds} seconds`
    return [finding('forwarding-delay', message, { ...subject, hint })]
  }
  if (heard === undefined) return [finding('forwarding-unknown', undefined, subject)]
  if (heard === 'silent') return [finding('forwarding-unheard', undefined, subject)]
  const kind = heard.version >= 2 ? 'rapid spanning tree' : 'spanning tree'
  const seconds = (2 * heard.forwardDelayMs) / 1000
  const message = `the bridge ${heard.bridge} speaks ${kind}: a port that is no edge port forwards ${seconds} seconds after it came up`
  return [finding('forwarding-delay', message, subject)]
}
