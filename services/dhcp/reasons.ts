/** Why DHCP did what it did: one word each, the same in code, log, timeline and manual. */
import type { Severity } from '../kit/severity.ts'

type ReasonText = {
  /** `alarm`: of no single message. */
  kind: 'offer' | 'ack' | 'nak' | 'silence' | 'note' | 'alarm'
  message: string
  action: string
  severity: Severity
}

const NONE = 'nothing'

export const REASONS = {
  reservation: { kind: 'offer', message: 'the address is reserved for this machine', action: NONE, severity: 'info' },
  'current-lease': { kind: 'offer', message: 'the machine holds this address', action: NONE, severity: 'info' },
  'repeated-discover': { kind: 'offer', message: 'the same offer again', action: NONE, severity: 'info' },
  'previous-lease': { kind: 'offer', message: 'the machine had this address before', action: NONE, severity: 'info' },
  'requested-address': { kind: 'offer', message: 'the machine asked for this address', action: NONE, severity: 'info' },
  'from-pool': { kind: 'offer', message: 'a free address of the pool', action: NONE, severity: 'info' },
  'offered-again': {
    kind: 'offer',
    message: 'no address is free: this one was offered to a machine that nobody knows and that has not asked for it',
    action: 'nothing if it is rare; else enlarge the pool, or find who asks with ever new MACs',
    severity: 'info',
  },
  'boot-offered': { kind: 'offer', message: 'another server gives the address', action: NONE, severity: 'info' },
  'boot-server-offered': {
    kind: 'offer',
    message: 'another server gives the address, and the machine asks for the file at port 4011',
    action: NONE,
    severity: 'info',
  },

  selected: { kind: 'ack', message: 'the machine took our offer', action: NONE, severity: 'info' },
  rebooted: { kind: 'ack', message: 'the machine remembered its address', action: NONE, severity: 'info' },
  renewed: { kind: 'ack', message: 'the lease runs anew', action: NONE, severity: 'info' },
  adopted: {
    kind: 'ack',
    message: 'the machine uses an address of the pool that no record knows',
    action: 'nothing after a change of server; else look for a second server: `rackrise alarm list`',
    severity: 'warning',
  },
  repeated: { kind: 'ack', message: 'the same acknowledgement again', action: NONE, severity: 'info' },
  informed: { kind: 'ack', message: 'the machine has its address from elsewhere', action: NONE, severity: 'info' },
  'boot-server-asked': {
    kind: 'ack',
    message: 'the machine asked the boot server what to load',
    action: NONE,
    severity: 'info',
  },

  'address-taken': {
    kind: 'nak',
    message: 'the address belongs to another machine now',
    action: 'nothing: the machine asks for another one',
    severity: 'info',
  },
  'wrong-network': {
    kind: 'nak',
    message: 'the address is not of this network',
    action: 'nothing: the machine was moved and asks anew',
    severity: 'info',
  },
  'outside-pools': {
    kind: 'nak',
    message: 'the address is in no pool of this network',
    action: 'nothing after pools were changed: the machine asks anew',
    severity: 'info',
  },
  'other-address': {
    kind: 'nak',
    message: 'the machine has another address on record',
    action: 'nothing: the machine asks anew',
    severity: 'info',
  },
  'reserved-for-another': {
    kind: 'nak',
    message: 'the address is reserved for another machine',
    action: 'nothing: the machine asks for another one',
    severity: 'info',
  },
  'no-address-requested': {
    kind: 'nak',
    message: 'the request names no address',
    action: 'update the firmware of the machine if it never gets further',
    severity: 'warning',
  },
  'no-record': {
    kind: 'nak',
    message: 'no lease of this machine is on record',
    action: 'nothing: the machine asks anew',
    severity: 'info',
  },

  malformed: {
    kind: 'silence',
    message: 'the datagram is no DHCP message',
    action: 'nothing if rare; else find the sender with `tcpdump port 67`',
    severity: 'info',
  },
  'not-a-request': { kind: 'silence', message: 'a reply came to the server port', action: NONE, severity: 'info' },
  'no-message-type': {
    kind: 'silence',
    message: 'the message has no known DHCP type',
    action: 'nothing: plain BOOTP is not served',
    severity: 'info',
  },
  'unexpected-type': {
    kind: 'silence',
    message: 'only servers send messages of this type',
    action: 'look for a second server: `rackrise alarm list`',
    severity: 'info',
  },
  'too-many-hops': {
    kind: 'silence',
    message: 'the message went through more than 16 relay agents',
    action: 'look for relay agents that feed each other',
    severity: 'warning',
  },
  'no-hardware-address': {
    kind: 'silence',
    message: 'the sender has no Ethernet address',
    action: 'nothing: only Ethernet machines are served',
    severity: 'info',
  },
  'unknown-relay': {
    kind: 'silence',
    message: 'the relay agent is not of the site',
    action: 'add its address to `relays` of the subnet if it is yours',
    severity: 'warning',
  },
  'no-subnet': {
    kind: 'silence',
    message: 'no subnet of the site fits the message',
    action: 'add a `[[dhcp.subnet]]` that holds the address of the interface',
    severity: 'warning',
  },
  'pool-exhausted': {
    kind: 'silence',
    message: 'no address of the pool is free',
    action: 'enlarge the pool, or release leases: `rackrise lease list`',
    severity: 'alarm',
  },
  'foreign-server': {
    kind: 'silence',
    message: 'the machine chose another server',
    action: 'nothing if that server is meant to be there; else `rackrise alarm list`',
    severity: 'info',
  },
  'unknown-client': {
    kind: 'silence',
    message: 'no lease of this machine is on record, and the site is not authoritative',
    action: 'nothing: another server may know it',
    severity: 'info',
  },
  'inform-without-address': {
    kind: 'silence',
    message: 'the machine asks for settings and says no address',
    action: NONE,
    severity: 'info',
  },
  'addresses-elsewhere': {
    kind: 'silence',
    message: 'addresses are another server’s business here',
    action: NONE,
    severity: 'info',
  },
  'not-booting': {
    kind: 'silence',
    message: 'the machine is not booting from the network, and only who does hears a proxy',
    action: NONE,
    severity: 'info',
  },
  'unsupported-architecture': {
    kind: 'silence',
    message: 'no loader is known for the architecture of the machine',
    action: 'boot it as x86 BIOS, x86-64 UEFI or ARM64 UEFI',
    severity: 'warning',
  },
  'loader-missing': {
    kind: 'silence',
    message: 'the folder of loaders has none for the architecture of the machine',
    action: 'see `rackrise check` for the file, put it into `boot.loaders`, then `rackrise reload`',
    severity: 'warning',
  },
  'boot-loop': {
    kind: 'silence',
    message: 'the machine got its loader again and again and never fetched its script: it gets nothing to boot',
    action: 'look at its screen, then `rackrise machine approve` or `reinstall` it to let it try again',
    severity: 'warning',
  },
  'no-boot-request': {
    kind: 'silence',
    message: 'port 4011 answers requests to the boot server only',
    action: NONE,
    severity: 'info',
  },
  'windows-deployment': {
    kind: 'silence',
    message: 'a boot program of Windows asks for its deployment server',
    action: 'nothing if one is meant to be there: Windows is not deployed from here',
    severity: 'info',
  },
  'foreign-network': {
    kind: 'silence',
    message: 'the sender is of no network of the site',
    action: 'add a `[[dhcp.subnet]]` with its prefix if machines boot from there',
    severity: 'warning',
  },
  blocked: {
    kind: 'silence',
    message: 'the machine is blocked',
    action: 'approve it if it may boot again',
    severity: 'info',
  },
  ignored: {
    kind: 'silence',
    message: 'unknown machines are ignored',
    action: 'list the machine, or set `unknown = "hold"`',
    severity: 'info',
  },
  released: { kind: 'silence', message: 'the machine gave its address back', action: NONE, severity: 'info' },
  'release-refused': {
    kind: 'silence',
    message: 'the address is not leased to who gives it back',
    action: NONE,
    severity: 'info',
  },
  declined: {
    kind: 'silence',
    message: 'something else uses the address: it is in quarantine',
    action: 'find the machine with that address outside of DHCP',
    severity: 'warning',
  },
  'decline-refused': {
    kind: 'silence',
    message: 'the address is not leased to who declines it',
    action: NONE,
    severity: 'info',
  },
  'decline-storm': {
    kind: 'silence',
    message: 'too many addresses are in quarantine already',
    action: 'find what answers for every address, or the machine that declines them all',
    severity: 'alarm',
  },
  'ack-pending': {
    kind: 'silence',
    message: 'the same request is being written',
    action: 'nothing: its acknowledgement follows',
    severity: 'info',
  },
  'request-overtaken': {
    kind: 'silence',
    message: 'the address was given back, or found in use, while its lease was being written',
    action: NONE,
    severity: 'info',
  },
  'probe-pending': {
    kind: 'silence',
    message: 'somebody looks whether the address is in use',
    action: 'nothing: its offer follows',
    severity: 'info',
  },
  'probe-overtaken': {
    kind: 'silence',
    message: 'the machine took something else, or began anew, while its address was probed',
    action: NONE,
    severity: 'info',
  },
  'all-in-use': {
    kind: 'silence',
    message: 'every address that was tried is in use',
    action: 'nothing if the machine gets an address when it asks again; else see `rackrise alarm list`',
    severity: 'warning',
  },
  overloaded: {
    kind: 'silence',
    message: 'more machines ask for an address than can be answered',
    action: 'nothing while many are switched on: they ask again; else find who sends so much with `tcpdump port 67`',
    severity: 'warning',
  },
  'store-busy': {
    kind: 'silence',
    message: 'too many leases wait to be written',
    action: 'look at the disk of the state folder',
    severity: 'alarm',
  },
  'store-failed': {
    kind: 'silence',
    message: 'the lease could not be written',
    action: 'make room on the disk of the state folder; machines ask again by themselves',
    severity: 'alarm',
  },
  'store-slow': {
    kind: 'silence',
    message: 'the lease was written too late to be acknowledged',
    action: 'look at the disk of the state folder; the machine asks again by itself',
    severity: 'alarm',
  },
  'internal-error': {
    kind: 'silence',
    message: 'a bug in Rackrise',
    action: 'report it with this log line',
    severity: 'alarm',
  },

  'answer-unfit': {
    kind: 'note',
    message: 'the answer URL or fingerprint was left out: the installer could not read it from its lease',
    action: 'use a shorter host name for the answer URL, of letters, digits and `.-_~/:` only',
    severity: 'alarm',
  },
  'options-left-out': {
    kind: 'note',
    message: 'options did not fit into the reply',
    action: 'shorten `options` of the subnet',
    severity: 'warning',
  },
  'reservation-in-use': {
    kind: 'note',
    message: 'another machine uses the address that is reserved for this one: it gets another meanwhile',
    action: 'find who has it: `rackrise lease list`; two machines may say one client identifier, UUID or circuit',
    severity: 'warning',
  },
  'relay-information-broken': {
    kind: 'note',
    message: 'option 82 of the relay agent is broken: it was echoed and not read',
    action: 'update the relay agent; `tcpdump -v port 67` shows what it sends',
    severity: 'warning',
  },
  'address-in-use': {
    kind: 'note',
    message: 'something answers at the address: it is in quarantine, and another one is offered',
    action: 'take that machine out of the pool, or list it with that address',
    severity: 'warning',
  },
  'answers-for-all': {
    kind: 'note',
    message: 'too many addresses answer a probe to believe it: this one was offered all the same',
    action: 'switch off proxy ARP on the router, or set `probe = false`',
    severity: 'alarm',
  },
  unprobed: {
    kind: 'note',
    message: 'more offers than can be probed at a time: this one went out unprobed',
    action: 'nothing if a big rack was switched on; else find who asks with ever new MACs',
    severity: 'warning',
  },
  'two-circuits': {
    kind: 'note',
    message: 'one MAC is at two ports of a relay agent within an hour',
    action: 'nothing if the machine was moved; else look for who borrows its MAC, and `rackrise machine block` it',
    severity: 'warning',
  },

  'pool-nearly-full': {
    kind: 'alarm',
    message: 'nearly all addresses of the pools of a subnet are taken',
    action: 'enlarge the pool, or release leases: `rackrise lease list`',
    severity: 'warning',
  },
  'other-server': {
    kind: 'alarm',
    message: 'another DHCP server gives addresses on this network',
    action: 'switch it off, or name it in `other-servers` of `[dhcp]` if it is meant to be there',
    severity: 'alarm',
  },
  'other-boot-server': {
    kind: 'alarm',
    message: 'another server tells machines what to boot',
    action: 'switch it off, or name it in `other-servers` of `[dhcp]` if it is meant to be there',
    severity: 'alarm',
  },
  'no-other-server': {
    kind: 'alarm',
    message: 'no DHCP server answers, so machines get no address',
    action: 'look at the DHCP server of this network, or set `mode = "server"`',
    severity: 'alarm',
  },
  'watch-deaf': {
    kind: 'alarm',
    message: 'other DHCP servers are not looked for: port 68 of the interface cannot be had',
    action: 'see `ss -lnup` for who has it and does not share it, or start `rackrise-dhcp-watch.socket`',
    severity: 'warning',
  },
} as const satisfies Record<string, ReasonText>

export type Reason = keyof typeof REASONS
type OfKind<K> = { [R in Reason]: (typeof REASONS)[R]['kind'] extends K ? R : never }[Reason]
export type OfferReason = OfKind<'offer'>
export type AckReason = OfKind<'ack'>
export type NakReason = OfKind<'nak'>
export type SilenceReason = OfKind<'silence'>
export type NoteReason = OfKind<'note'>
export type AlarmReason = OfKind<'alarm'>
