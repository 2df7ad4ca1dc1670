/**
 * May this machine have this answer now? A pure decision over what it posted, where it stands and what the site knows. Everything a machine says of
 * itself is a claim: all of address, MACs, UUID, serial and token have to agree.
 */
import type { Mac } from '../kit/mac.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Listing } from '../machine/listing.ts'
import type { SystemInformation } from './system-information.ts'

export type Claim = {
  information: SystemInformation
  /** The machine that the token of the URL belongs to; `none` without a token, `unknown` for one that is nobody's. */
  urlToken: Machine | 'none' | 'unknown'
  /** Likewise for the bearer token of the mode file; `site` for one that the site gave to ISOs of its own, which tells no machine from another. */
  bearer: Machine | 'none' | 'unknown' | 'site'
  /** Who stands at the client's address, by our lease or by the kernel's neighbour table; undefined where neither knows. */
  holder: Mac | undefined
  weGiveAddresses: boolean
}

export type RefusalReason =
  | 'unknown-machine'
  | 'unknown-token'
  | 'not-approved'
  | 'identity-conflict'
  | 'not-booting'
  | 'already-installed'
  | 'address-mismatch'
  | 'token-missing'
  | 'mac-mismatch'
  | 'uuid-mismatch'
  | 'serial-mismatch'
  | 'blocked'

export type Authorisation =
  | { ok: true; machine: Machine; withToken: boolean }
  | { ok: false; reason: RefusalReason; status: 403 | 404 | 409; message: string; machine?: Machine }

/** Of what a person at the machine's console reads, `{machine}` is its host name or MAC, as every command takes it. */
const MESSAGES: Record<RefusalReason, [status: 403 | 404 | 409, message: string]> = {
  'unknown-machine': [
    404,
    'no machine with one of these MAC addresses is known; boot it by DHCP of this appliance first',
  ],
  'unknown-token': [403, 'this answer URL or bearer token is not valid any more; power-cycle the machine'],
  'not-approved': [403, '{machine} is not approved; run `rackrise machine approve {machine}`, then power-cycle it'],
  'identity-conflict': [
    409,
    '{machine} claims the identity of another machine; see `rackrise machine show {machine}` for both, list all MACs of one machine in one entry, or approve it as it is',
  ],
  'not-booting': [
    409,
    'no installation of {machine} is under way; run `rackrise machine approve {machine}`, then power-cycle it',
  ],
  'already-installed': [
    409,
    '{machine} is installed; `rackrise machine reinstall {machine}` starts another installation',
  ],
  'address-mismatch': [
    403,
    'the request comes from an address where {machine} does not stand; boot it from the network of this appliance, and list all its NICs',
  ],
  'token-missing': [
    403,
    'nobody knows who stands at this address, so the request needs the token of the attempt; boot {machine} from the network of this appliance',
  ],
  'mac-mismatch': [
    403,
    'the MAC address that booted is not among those posted; look for two machines with one address, then power-cycle {machine}',
  ],
  'uuid-mismatch': [
    403,
    'the UUID differs from the one that is known for {machine}; see `rackrise machine show {machine}` and its site entry',
  ],
  'serial-mismatch': [
    403,
    'the serial number differs from the one that is known for {machine}; see `rackrise machine show {machine}` and its site entry',
  ],
  blocked: [403, '{machine} is blocked; `rackrise machine approve {machine}` is the way out'],
}

/** What is said where it gets none. */
export function refusalOf(
  reason: RefusalReason,
  machine?: Machine,
  listing?: Listing,
): Extract<Authorisation, { ok: false }> {
  const [status, message] = MESSAGES[reason]
  const title = listing?.name ?? machine?.id ?? 'the machine'
  return {
    ok: false,
    reason,
    status,
    message: message.replaceAll('{machine}', title),
    ...(machine ? { machine } : {}),
  }
}

function stateRefusal(machine: Machine): RefusalReason | undefined {
  switch (machine.state) {
    case 'held':
      return machine.conflicts ? 'identity-conflict' : 'not-approved'
    case 'blocked':
      return 'blocked'
    case 'installed':
      return 'already-installed'
    case 'failed':
      return 'not-booting'
    // Approved but told nothing yet: an ISO prepared by hand, booted from a stick, comes this way.
    case 'approved':
    case 'booting':
    case 'installing':
    case 'stalled':
      return machine.attempt ? undefined : 'not-booting'
  }
}

/**
 * A machine with two NICs on the VLAN may ask through the one that did not boot it. Nobody knows that NIC yet, so more than its word is wanted: a token
 * that went into this attempt's initrd and never through a broadcast, as the URL of option 250 does.
 */
function isItsOtherNic(machine: Machine, { information, holder, bearer, urlToken, weGiveAddresses }: Claim): boolean {
  const secrets = weGiveAddresses ? [bearer] : [bearer, urlToken]
  const proves = secrets.some(token => typeof token === 'object' && token.id === machine.id)
  if (!holder || !proves) return false
  return information.macs.includes(holder) && machine.macs.some(mac => information.macs.includes(mac))
}

/** Address and machine have to agree. Who is not on our link and has no lease of ours is nobody we can see there: the token carries it then. */
function placeRefusal(machine: Machine, claim: Claim): RefusalReason | undefined {
  const { holder, weGiveAddresses, urlToken, bearer } = claim
  if (holder !== undefined && machine.macs.includes(holder)) return undefined
  if (holder === undefined && !weGiveAddresses)
    return typeof urlToken === 'object' || typeof bearer === 'object' ? undefined : 'token-missing'
  return isItsOtherNic(machine, claim) ? undefined : 'address-mismatch'
}

function identityRefusal(machine: Machine, listing: Listing, claim: Claim): RefusalReason | undefined {
  const { information, holder } = claim
  const misplaced = placeRefusal(machine, claim)
  if (misplaced) return misplaced
  const booted = holder ?? machine.macs.find(mac => information.macs.includes(mac))
  if (!booted || !information.macs.includes(booted)) return 'mac-mismatch'
  if (differs(listing.uuid, machine.uuid, information.uuid)) return 'uuid-mismatch'
  if (differs(listing.serial, machine.serial, information.serial)) return 'serial-mismatch'
  return undefined
}

/** What the site expects must be posted; what the machine itself said before counts only if it says something now. Case says nothing. */
function differs(listed: string | undefined, heard: string | undefined, posted: string | undefined): boolean {
  const expected = listed ?? heard
  if (expected === undefined || posted === undefined) return listed !== undefined && posted === undefined
  return expected.toLowerCase() !== posted.toLowerCase()
}

/** @param known the machine found by its posted MACs or its lease, if any; `listing` is what the site says of it */
export function authorise(claim: Claim, known: Machine | undefined, listing: Listing | undefined): Authorisation {
  if (claim.urlToken === 'unknown' || claim.bearer === 'unknown') return refusalOf('unknown-token', known, listing)
  if (!known || !listing) return refusalOf('unknown-machine')
  const tokens = [claim.urlToken, claim.bearer].filter(token => typeof token === 'object')
  if (tokens.some(machine => machine.id !== known.id)) return refusalOf('unknown-token', known, listing)
  const reason = stateRefusal(known) ?? identityRefusal(known, listing, claim)
  return reason ? refusalOf(reason, known, listing) : { ok: true, machine: known, withToken: tokens.length > 0 }
}
