/** Reservations: one thing each that they are found by, and addresses that can be given (M03, C14). */
import { broadcastOf, prefixContains, type Ipv4 } from '../kit/ipv4.ts'
import { checkOptions } from './check-options.ts'
import { INSTALLER_NAMES } from './check-records.ts'
import { repeats } from './check-twice.ts'
import type { CheckView } from './check-view.ts'
import { doubtful, shown, wrong, type Finding, type Path } from './finding.ts'
import { isPlaceholderUuid } from './identity.ts'
import type { Draft } from './schema.ts'

type DraftReservation = Draft['dhcp']['reservation'][number]

/** What a reservation may be found by. */
const KEYS = ['mac', 'client-id', 'uuid', 'circuit-id'] as const

export function checkReservations(view: CheckView): Finding[] {
  const { reservation } = view.draft.dhcp
  return [
    ...repeats(
      reservation.map(one => one['client-id']).map((id, at) => [id, pathOf(at, 'client-id')]),
      'client identifier',
    ),
    ...repeats(
      reservation.map((one, at) => [circuitOf(one), pathOf(at, 'circuit-id')]),
      'circuit',
    ),
    ...reservation.flatMap((one, at) => checkReservation(view, one, at)),
    ...checkMode(view),
  ]
}

function pathOf(at: number, ...rest: Path): Path {
  return ['dhcp', 'reservation', at, ...rest]
}

/** With another DHCP server a reservation is at most a name in DNS. */
function checkMode({ draft: { dhcp }, isLost }: CheckView): Finding[] {
  const at = dhcp.reservation.findIndex(({ name }) => name === undefined)
  if (dhcp.mode === 'server' || at < 0 || isLost('dhcp.mode') || isLost(pathOf(at, 'name').join('.'))) return []
  const message = 'nobody gets this address from here: another DHCP server gives the addresses'
  return [doubtful(pathOf(at), message, 'reserve it there, or set mode = "server" in [dhcp]')]
}

function circuitOf({ relay, 'circuit-id': circuit }: DraftReservation): string | undefined {
  return circuit && (relay ? `${circuit} of ${relay}` : circuit)
}

function checkReservation(view: CheckView, reservation: DraftReservation, at: number): Finding[] {
  const { address, name, options, uuid } = reservation
  const findings = [...checkKeys(view, reservation, at), ...checkOptions(options, pathOf(at, 'options'))]
  if (INSTALLER_NAMES.some(own => own === name)) {
    const message = `${shown(name ?? '')} belongs to the installer`
    findings.push(wrong('bad-value', pathOf(at, 'name'), message, 'choose another name'))
  }
  if (uuid) findings.push(...checkUuid(uuid, pathOf(at, 'uuid')))
  if (address) findings.push(...checkAddress(view, address, pathOf(at, 'address')))
  return findings
}

function checkKeys(view: CheckView, reservation: DraftReservation, at: number): Finding[] {
  const { relay, address } = reservation
  const given = KEYS.filter(key => reservation[key])
  const isUnsure = KEYS.some(key => view.isLost(pathOf(at, key).join('.')))
  if (given.length === 0 && !isUnsure) {
    const hint = 'add one of "mac", "client-id", "uuid" and "circuit-id"'
    return [wrong('missing-key', pathOf(at), 'nothing says whose address this is', hint)]
  }
  if (given.length > 1) {
    const names = given.map(shown).join(' and ')
    const hint = 'keep one; a second reservation cannot have the same address'
    return [wrong('bad-value', pathOf(at, given[1]!), `this reservation has ${names}`, hint)]
  }
  if (!reservation['circuit-id']) {
    const message = '"relay" says nothing without a "circuit-id"'
    return relay && !isUnsure ? [wrong('bad-value', pathOf(at, 'relay'), message, 'remove it')] : []
  }
  return checkRelay(view, { relay, address }, at)
}

/** A circuit is a relay agent's word, so one has to be listed where the address is (G02, G07). */
function checkRelay(
  { draft, isLost }: CheckView,
  { relay, address }: { relay: Ipv4 | undefined; address: Ipv4 | undefined },
  at: number,
): Finding[] {
  const subnet = address && draft.dhcp.subnet.find(({ prefix }) => prefix && prefixContains(prefix, address))
  if (!subnet || isLost('dhcp.subnet') || isLost(`dhcp.subnet.${draft.dhcp.subnet.indexOf(subnet)}.relays`)) return []
  if (relay && !subnet.relays.includes(relay)) {
    const message = `${relay} is no relay agent of the subnet around ${address}`
    return [wrong('outside', pathOf(at, 'relay'), message, 'add it to "relays" of the subnet, or correct it')]
  }
  if (relay || subnet.relays.length > 0) return []
  const message = `no relay agent asks for the subnet around ${address}: this circuit is never seen`
  return [doubtful(pathOf(at, 'circuit-id'), message, 'name the relay agents in "relays" of the subnet')]
}

export function checkUuid(uuid: string, path: Path): Finding[] {
  if (!isPlaceholderUuid(uuid)) return []
  const message = `many boards say the UUID ${shown(uuid)}: it names no machine`
  return [wrong('bad-value', path, message, 'leave it out, and name the machine by its MAC')]
}

export function checkAddress({ draft, own, isLost }: CheckView, address: Ipv4, path: Path): Finding[] {
  if (address === own?.address) {
    return [wrong('not-leasable', path, `${address} is the appliance's own address`, 'reserve another one')]
  }
  const subnet = draft.dhcp.subnet.find(({ prefix }) => prefix && prefixContains(prefix, address))
  if (!subnet?.prefix) {
    // With another DHCP server there may be no subnet here at all; the address then only names the machine in DNS.
    const isUnsure = isLost('dhcp.subnet') || draft.dhcp.subnet.some(({ prefix }) => !prefix)
    if (isUnsure || draft.dhcp.mode !== 'server') return []
    return [
      wrong(
        'outside',
        path,
        `${address} is in no [[dhcp.subnet]]`,
        'reserve an address of a subnet, or add its subnet',
      ),
    ]
  }
  const { prefix, router } = subnet
  const taken = [
    [prefix.network, 'the network address'],
    [broadcastOf(prefix), 'the broadcast address'],
    [router, 'the router'],
  ].find(([other]) => other === address)
  return taken ? [wrong('not-leasable', path, `${address} is ${taken[1]} of its subnet`, 'reserve another one')] : []
}
