/** Who answers a machine that asks for an address: asked on the wire, as a stranger with UEFI, and never followed up. */
import { decode, encode } from '../../dhcp/codec.ts'
import { isMalformed } from '../../dhcp/message.ts'
import { inspection, QUESTION_LIMITS } from '../../dhcp/question.ts'
import { type Expected, type Sighting, sightingOfReply, troubleOf } from '../../dhcp/sighting.ts'
import type { Clock } from '../../kit/clock.ts'
import type { Datagram } from '../../kit/datagram-port.ts'
import { type Ipv4, UNSPECIFIED } from '../../kit/ipv4.ts'
import { isProblem } from '../../kit/is-problem.ts'
import type { Mac } from '../../kit/mac.ts'
import type { Problem } from '../../kit/problem.ts'
import type { Site } from '../../site/types.ts'
import { type Finding, finding } from '../finding.ts'

/** Port 68 of the interface. */
export type Ear = {
  say(bytes: Uint8Array): void
  hear(receive: (datagram: Datagram) => void): void
  close(): Promise<void>
}

export type ServersEdge = {
  /** Or why port 68 can't be had. */
  ear(): Promise<Ear | Problem>
  /** Who asks: a MAC that is nobody's. */
  inspector(): Mac
  transaction(): number
  /** The MAC behind an address of the link. */
  macAt(address: Ipv4): Promise<Mac | undefined>
  /** Whether an appliance serves this site now. */
  isRunning: boolean
  clock: Clock
}

/** A frame may be lost; and dnsmasq looks for three seconds whether the address that it offers is in use. */
const ASK_AT_MS = [0, 1_500]
export const LISTEN_MS = 5_500

type ServersSite = Pick<Site, 'dhcp' | 'network' | 'boot'>

export async function lookForServers(site: ServersSite, edge: ServersEdge): Promise<Finding[]> {
  const ear = await edge.ear()
  const about = edge.isRunning ? [] : [finding('not-running')]
  if (isProblem(ear)) return [...about, finding('watch-deaf', `other DHCP servers were not looked for: ${ear.message}`)]
  const sightings = await ask(ear, edge)
  await ear.close()
  const macs = new Map<Ipv4, Mac>()
  for (const address of new Set(sightings.map(({ from, server }) => from ?? server))) {
    const mac = address === site.network.address ? undefined : await edge.macAt(address)
    if (mac) macs.set(address, mac)
  }
  return [...about, ...judgeServers(sightings, site, { isRunning: edge.isRunning, macs })]
}

/** Every server once, with what it answered first; one that answers for addresses and for booting apart counts for both. */
async function ask(ear: Ear, edge: ServersEdge): Promise<Sighting[]> {
  const xid = edge.transaction()
  const bytes = encode(inspection(xid, edge.inspector()), QUESTION_LIMITS)
  const sightings = new Map<string, Sighting>()
  ear.hear(({ bytes: reply, from }) => {
    const message = decode(reply)
    if (isMalformed(message) || message.xid !== xid) return
    const sighting = sightingOfReply(message, from.address)
    if (!sighting) return
    const key = `${sighting.server} ${sighting.from} ${sighting.offered === undefined}`
    if (!sightings.has(key)) sightings.set(key, sighting)
  })
  for (const after of ASK_AT_MS) edge.clock.after(after, () => ear.say(bytes))
  await new Promise<void>(resolve => edge.clock.after(LISTEN_MS, resolve))
  return [...sightings.values()]
}

/** What is known beside what was heard. */
export type Standing = { isRunning: boolean; macs: ReadonlyMap<Ipv4, Mac> }

export function judgeServers(sightings: readonly Sighting[], site: ServersSite, standing: Standing): Finding[] {
  // Without an appliance of ours nothing that comes from our address is ours.
  const ours = standing.isRunning ? site.network.address : UNSPECIFIED
  const foreign = sightings.filter(({ from }) => from !== ours)
  return [...judgeForeign(foreign, site, ours, standing), ...judgeOurs(sightings, site, standing)]
}

function judgeForeign(foreign: readonly Sighting[], site: ServersSite, ours: Ipv4, standing: Standing): Finding[] {
  const { dhcp, network } = site
  const expected = { ours, others: dhcp.otherServers, relays: dhcp.subnets.flatMap(subnet => subnet.relays) }
  if (dhcp.mode === 'server') {
    const found = foreign.flatMap(one => judgeOne(one, { ...expected, mode: 'server' }, standing))
    return found.length > 0 ? found : [finding('alone', `no other DHCP server answers on ${network.interface}`)]
  }
  // Where DHCP is not ours at all, others may say what to boot, too.
  const boot = dhcp.mode === 'off' ? [] : foreign.filter(({ saysBoot }) => saysBoot)
  return [
    ...boot.flatMap(one => troubleFinding(one, { ...expected, mode: 'proxy' }, standing)),
    ...judgeGivers(
      foreign.filter(({ offered }) => offered !== undefined),
      site,
      standing,
    ),
  ]
}

/** Beside a proxy somebody gives the addresses: exactly one, unless all that do are named. */
function judgeGivers(givers: readonly Sighting[], { dhcp }: ServersSite, standing: Standing): Finding[] {
  const gives = (code: 'expected-server' | 'other-server') => (giver: Sighting) =>
    finding(code, `${nameOf(giver, standing)} gives addresses: it offered ${giver.offered}`, { subject: giver.server })
  if (givers.length === 0) return [finding('no-other-server')]
  if (dhcp.otherServers.length > 0) {
    const isNamed = ({ server }: Sighting): boolean => dhcp.otherServers.includes(server)
    const strangers = givers.filter(giver => !isNamed(giver))
    return [...strangers.map(gives('other-server')), ...givers.filter(isNamed).map(gives('expected-server'))]
  }
  if (givers.length === 1) return givers.map(gives('expected-server'))
  const names = givers.map(giver => nameOf(giver, standing)).join(' and ')
  return [finding('several-servers', `${givers.length} servers give addresses beside this proxy: ${names}`)]
}

function troubleFinding(sighting: Sighting, expected: Expected, { macs }: Standing): Finding[] {
  const trouble = troubleOf(sighting, expected)
  if (!trouble) return []
  const mac = macs.get(sighting.from ?? sighting.server)
  const code = trouble.code === 'other-boot-server' ? 'other-boot-server' : 'other-server'
  return [finding(code, `${trouble.message}${mac ? `; its MAC is ${mac}` : ''}`, { subject: sighting.server })]
}

function judgeOne(sighting: Sighting, expected: Expected, standing: Standing): Finding[] {
  const { server } = sighting
  if (!expected.others.includes(server)) return troubleFinding(sighting, expected, standing)
  return [
    finding('expected-server', `${nameOf(sighting, standing)} answers, as other-servers says`, { subject: server }),
  ]
}

function nameOf({ server, from }: Sighting, { macs }: Standing): string {
  const mac = macs.get(from ?? server)
  return mac ? `${server} (${mac})` : server
}

function judgeOurs(
  sightings: readonly Sighting[],
  { dhcp, network, boot }: ServersSite,
  { isRunning }: Standing,
): Finding[] {
  if (!isRunning || dhcp.mode === 'off') return []
  const first = sightings.find(({ from }) => from === network.address)
  if (!first) return [finding(boot.unknown === 'ignore' ? 'appliance-ignores' : 'appliance-silent')]
  const things = [first.offered, first.bootFile].filter(thing => thing !== undefined)
  const what = things.length > 0 ? `offers ${things.join(' and ')}` : 'says that it tells what to boot'
  return [finding('appliance-answers', `to a stranger with UEFI, ${network.address} ${what}`)]
}
