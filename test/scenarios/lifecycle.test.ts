/** A lease from its first offer to its end, as tables of who says what when. The rack's pool is 10.77.0.100 to .103, a lease is an hour. */
import { describe, expect, test } from 'vitest'
import { ip } from '../dhcp/messages.ts'
import { RACK, SCRIPT_URL, subnet } from '../dhcp/rig.ts'
import { play, type Step } from './play.ts'

/** Offered and acknowledged within a second. */
function boots(at: string, who: string, address: string, why = 'from-pool'): Step[] {
  return [
    [at, who, 'discover', `offer ${address}`, why],
    [at, who, `request ${address}`, `ack ${address}`, 'selected'],
  ]
}

const LEASES: Record<string, Step[]> = {
  'C11 a fresh machine: firmware, iPXE, installer and system have one address': [
    ['0s', 'node1', 'discover as uefi', 'offer 10.77.0.100 snponly.efi', 'from-pool'],
    ['4s', 'node1', 'request 10.77.0.100 as uefi', 'ack 10.77.0.100 snponly.efi', 'selected'],
    ['20s', 'node1', 'discover as ipxe id 01525400770001', `offer 10.77.0.100 ${SCRIPT_URL}`, 'current-lease'],
    ['21s', 'node1', 'request 10.77.0.100 as ipxe id 01525400770001', `ack 10.77.0.100 ${SCRIPT_URL}`, 'selected'],
    ['90s', 'node1', 'discover as installer', 'offer 10.77.0.100 answer', 'current-lease'],
    ['91s', 'node1', 'request 10.77.0.100 as installer', 'ack 10.77.0.100 answer', 'selected'],
    ['10m', 'node1', 'discover id ff00770001', 'offer 10.77.0.100', 'current-lease'],
    ['10m', 'node1', 'request 10.77.0.100 id ff00770001', 'ack 10.77.0.100', 'selected'],
    ['10m', 'leases', '', '10.77.0.100 bound node1 1h 10m'],
  ],
  'renewed at half time by unicast, rebound at seven eighths by broadcast': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ['30m', 'node1', 'renew 10.77.0.100', 'ack 10.77.0.100 to 10.77.0.100', 'renewed'],
    ['1h 22m 30s', 'node1', 'rebind 10.77.0.100', 'ack 10.77.0.100 to 10.77.0.100', 'renewed'],
    ['1h 22m 30s', 'leases', '', '10.77.0.100 bound node1 2h 22m 30s'],
  ],
  'asked twice, and asked again after the answer was lost': [
    ['0s', 'node1', 'discover', 'offer 10.77.0.100', 'from-pool'],
    ['2s', 'node1', 'discover again', 'offer 10.77.0.100', 'repeated-discover'],
    ['3s', 'node1', 'request 10.77.0.100', 'ack 10.77.0.100', 'selected'],
    ['7s', 'node1', 'request 10.77.0.100 again', 'ack 10.77.0.100', 'repeated'],
    ['7s', 'leases', '', '10.77.0.100 bound node1 1h 3s'],
    ['13s', 'node1', 'request 10.77.0.100 again', 'ack 10.77.0.100', 'selected'],
    ['13s', 'leases', '', '10.77.0.100 bound node1 1h 13s'],
  ],
  'ended, and taken by another; the first one comes back and gets another': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ...boots('1m', 'node2', '10.77.0.101'),
    ...boots('2m', 'node3', '10.77.0.102'),
    ...boots('3m', 'node4', '10.77.0.103'),
    ['1h', 'node5', 'discover', 'silence', 'pool-exhausted'],
    // Clocks drift: a lease ends half a minute later for us than for its machine.
    ['1h 29s', 'node5', 'discover', 'silence', 'pool-exhausted'],
    ...boots('1h 30s', 'node5', '10.77.0.100'),
    ['1h 1m', 'node1', 'rebind 10.77.0.100', 'nak', 'address-taken'],
    ['1h 1m 30s', 'node1', 'discover wants 10.77.0.100', 'offer 10.77.0.101', 'from-pool'],
    ['1h 1m 30s', 'node1', 'request 10.77.0.101', 'ack 10.77.0.101', 'selected'],
  ],
  'E10 ended, and still there when its machine comes back after a day': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ...boots('12h', 'node2', '10.77.0.101'),
    ...boots('1d', 'node1', '10.77.0.100', 'previous-lease'),
  ],
  'given back, and had again when nobody needed it': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ['10m', 'node1', 'release 10.77.0.100', 'silence', 'released'],
    ['10m', 'leases', '', '10.77.0.100 released node1 10m'],
    ['11m', 'node1', 'release 10.77.0.100', 'silence', 'release-refused'],
    ...boots('12m', 'node2', '10.77.0.101'),
    ...boots('20m', 'node1', '10.77.0.100', 'previous-lease'),
  ],
  'given back, and had by another when the pool had no other': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ...boots('0s', 'node2', '10.77.0.101'),
    ...boots('0s', 'node3', '10.77.0.102'),
    ...boots('0s', 'node4', '10.77.0.103'),
    ['10m', 'node2', 'release 10.77.0.101', 'silence', 'released'],
    ...boots('11m', 'node5', '10.77.0.101'),
    ['12m', 'node2', 'discover', 'silence', 'pool-exhausted'],
  ],
  'declined, and out of use until its quarantine ends': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ['1s', 'node1', 'decline 10.77.0.100', 'silence', 'declined'],
    ...boots('12s', 'node1', '10.77.0.101'),
    ...boots('1m', 'node2', '10.77.0.102'),
    ...boots('1m', 'node3', '10.77.0.103'),
    ['1m', 'node4', 'reboot 10.77.0.100', 'nak', 'address-taken'],
    ['10m', 'node4', 'discover', 'silence', 'pool-exhausted'],
    ...boots('10m 1s', 'node4', '10.77.0.100'),
  ],
  'C07 a pool full of offers that nobody took is free again after a minute': [
    ['0s', 'node1', 'discover', 'offer 10.77.0.100', 'from-pool'],
    ['0s', 'node2', 'discover', 'offer 10.77.0.101', 'from-pool'],
    ['0s', 'node3', 'discover', 'offer 10.77.0.102', 'from-pool'],
    ['0s', 'node4', 'discover', 'offer 10.77.0.103', 'from-pool'],
    ['58s', 'node5', 'discover', 'offer 10.77.0.100', 'offered-again'],
    ['58s', 'node1', 'request 10.77.0.100', 'ack 10.77.0.100', 'selected'],
    ['59s', 'node5', 'request 10.77.0.100', 'nak', 'address-taken'],
    ...boots('1m', 'node5', '10.77.0.101'),
    ['1m 1s', 'node2', 'request 10.77.0.101', 'nak', 'address-taken'],
    ['1m 2s', 'node3', 'request 10.77.0.102', 'ack 10.77.0.102', 'selected'],
  ],
  'another server was chosen, and our offer is free at once': [
    ['0s', 'node1', 'discover', 'offer 10.77.0.100', 'from-pool'],
    ['1s', 'node1', 'request 10.77.0.200 of 10.77.0.9', 'silence', 'foreign-server'],
    ['1s', 'node2', 'discover', 'offer 10.77.0.100', 'from-pool'],
    ['1s', 'leases', '', ''],
  ],
  'a write that failed is no lease, and the same request has it when the disk has room': [
    ['0s', 'node1', 'discover', 'offer 10.77.0.100', 'from-pool'],
    ['1s', 'store', 'fails', ''],
    ['1s', 'node1', 'request 10.77.0.100', 'silence', 'store-failed'],
    ['1s', 'leases', '', ''],
    ['2s', 'store', 'works', ''],
    ['5s', 'node1', 'request 10.77.0.100 again', 'ack 10.77.0.100', 'selected'],
  ],
  'a disk that takes its time: the ACK waits for it, and one that would come too late is not sent': [
    ['0s', 'node1', 'discover', 'offer 10.77.0.100', 'from-pool'],
    ['1s', 'store', 'waits', ''],
    ['1s', 'node1', 'request 10.77.0.100', 'silence', ''],
    ['5s', 'node1', 'request 10.77.0.100 again', 'silence', 'ack-pending'],
    ['11s', 'store', 'goes on', 'ack 10.77.0.100'],
    ['30m', 'store', 'waits', ''],
    ['30m', 'node1', 'renew 10.77.0.100', 'silence', ''],
    ['30m 11s', 'store', 'goes on', ''],
    ['30m 15s', 'node1', 'renew 10.77.0.100 again', 'ack 10.77.0.100 to 10.77.0.100', 'renewed'],
    ['30m 15s', 'leases', '', '10.77.0.100 bound node1 1h 30m 15s'],
  ],
}

const REMEMBERED: Record<string, Step[]> = {
  'a machine that remembers its address is told yes': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ['20m', 'node1', 'reboot 10.77.0.100', 'ack 10.77.0.100', 'rebooted'],
    ['20m', 'leases', '', '10.77.0.100 bound node1 1h 20m'],
  ],
  'one that remembers another network is told no, and gets an address of this one': [
    ['0s', 'node1', 'reboot 192.168.1.20', 'nak', 'wrong-network'],
    ...boots('1s', 'node1', '10.77.0.100'),
  ],
  'one that remembers an address of ours that no record knows is told no': [
    ['0s', 'node1', 'reboot 10.77.0.102', 'nak', 'no-record'],
    ['1s', 'node1', 'discover wants 10.77.0.102', 'offer 10.77.0.102', 'requested-address'],
  ],
  'one that uses an address of ours that no record knows keeps it': [
    ['0s', 'node1', 'rebind 10.77.0.102', 'ack 10.77.0.102 to 10.77.0.102', 'adopted'],
    ...boots('1m', 'node2', '10.77.0.100'),
    ['30m', 'node1', 'renew 10.77.0.102', 'ack 10.77.0.102 to 10.77.0.102', 'renewed'],
  ],
  'one that has an address of its own is told the rest, and leases nothing': [
    ['0s', 'node1', 'inform 10.77.0.50', 'ack to 10.77.0.50', 'informed'],
    ['0s', 'node1', 'inform', 'silence', 'inform-without-address'],
    ['0s', 'leases', '', ''],
  ],
}

const RESTARTS: Record<string, Step[]> = {
  'between offer and request': [
    ['0s', 'node1', 'discover', 'offer 10.77.0.100', 'from-pool'],
    ['1s', 'site', 'restarts', ''],
    ['2s', 'node1', 'request 10.77.0.100', 'ack 10.77.0.100', 'selected'],
  ],
  'between offer and request, and another was quicker': [
    ['0s', 'node1', 'discover', 'offer 10.77.0.100', 'from-pool'],
    ['1s', 'site', 'restarts', ''],
    ['2s', 'node2', 'discover', 'offer 10.77.0.100', 'from-pool'],
    ['3s', 'node1', 'request 10.77.0.100', 'nak', 'address-taken'],
    ['4s', 'node2', 'request 10.77.0.100', 'ack 10.77.0.100', 'selected'],
    ...boots('5s', 'node1', '10.77.0.101'),
  ],
  'between lease and renewal': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ['20m', 'site', 'restarts', ''],
    ...boots('21m', 'node2', '10.77.0.101'),
    ['30m', 'node1', 'renew 10.77.0.100', 'ack 10.77.0.100 to 10.77.0.100', 'renewed'],
  ],
  'in quarantine': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ['1s', 'node1', 'decline 10.77.0.100', 'silence', 'declined'],
    ['2s', 'site', 'restarts', ''],
    ['3s', 'node1', 'discover wants 10.77.0.100', 'offer 10.77.0.101', 'from-pool'],
  ],
  'a reservation is added: the machine moves to it when it asks anew': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ['5m', 'site', 'reserves 10.77.0.50 for node1', ''],
    ['30m', 'node1', 'renew 10.77.0.100', 'ack 10.77.0.100 to 10.77.0.100', 'renewed'],
    ...boots('40m', 'node1', '10.77.0.50', 'reservation'),
    ['40m', 'leases', '', '10.77.0.100 released node1 40m; 10.77.0.50 bound node1 1h 40m'],
  ],
  'D14 an address is reserved for another machine: its holder is told no, and then the other has it': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ['5m', 'site', 'reserves 10.77.0.100 for node2', ''],
    ['6m', 'node2', 'discover', 'offer 10.77.0.101', 'from-pool, reservation-in-use'],
    ['30m', 'node1', 'renew 10.77.0.100', 'nak', 'reserved-for-another'],
    ...boots('30m', 'node1', '10.77.0.101'),
    ...boots('31m', 'node2', '10.77.0.100', 'reservation'),
  ],
  'a reservation is taken away: the machine gets an address of the pool': [
    ['0s', 'site', 'reserves 10.77.0.50 for node1', ''],
    ...boots('0s', 'node1', '10.77.0.50', 'reservation'),
    ['5m', 'site', 'reserves nothing', ''],
    ['30m', 'node1', 'renew 10.77.0.50', 'nak', 'outside-pools'],
    ...boots('30m', 'node1', '10.77.0.100'),
  ],
  'with another pool: machines move when they renew': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ['5m', 'site', 'has pool 10.77.0.110-10.77.0.111', ''],
    ['30m', 'node1', 'renew 10.77.0.100', 'nak', 'outside-pools'],
    ...boots('30m', 'node1', '10.77.0.110'),
    ['30m', 'leases', '', '10.77.0.100 released node1 30m; 10.77.0.110 bound node1 1h 30m'],
  ],
}

const CLOCKS: Record<string, Step[]> = {
  'a clock that is set two hours ahead ends leases, and their machines keep their addresses': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ['10m', 'clock', 'jumps to 2h 10m', ''],
    ['2h 30m', 'node1', 'renew 10.77.0.100', 'ack 10.77.0.100 to 10.77.0.100', 'renewed'],
    ['2h 30m', 'leases', '', '10.77.0.100 bound node1 3h 30m'],
  ],
  'a clock that is set back an hour gives nobody’s address away': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ['10m', 'clock', 'jumps to -50m', ''],
    ['-49m', 'node2', 'reboot 10.77.0.100', 'nak', 'address-taken'],
    ...boots('-49m', 'node2', '10.77.0.101'),
    ['-20m', 'node1', 'renew 10.77.0.100', 'ack 10.77.0.100 to 10.77.0.100', 'renewed'],
    ['-20m', 'leases', '', '10.77.0.100 bound node1 40m; 10.77.0.101 bound node2 11m'],
  ],
  'I06 a clock that was set back while we were off: leases run their length from now': [
    ...boots('5h', 'node1', '10.77.0.100'),
    ['5h', 'clock', 'jumps to 1h', ''],
    ['1h', 'site', 'restarts', ''],
    ['1h', 'leases', '', '10.77.0.100 bound node1 2h'],
  ],
}

describe('a lease', () => {
  test.each(Object.entries(LEASES))('%s', async (_, steps) => {
    expect(await play(steps)).toEqual(steps)
  })
})

describe('what machines remember', () => {
  test.each(Object.entries(REMEMBERED))('%s', async (_, steps) => {
    expect(await play(steps)).toEqual(steps)
  })

  test('D06 D10 where another server may know them, machines without a record hear nothing', async () => {
    const steps: Step[] = [
      ['0s', 'node1', 'reboot 10.77.0.100', 'silence', 'unknown-client'],
      ['0s', 'node1', 'reboot 192.168.1.20', 'silence', 'unknown-client'],
      ['1s', 'node1', 'rebind 10.77.0.100', 'silence', 'unknown-client'],
      ...boots('2s', 'node1', '10.77.0.100'),
      ['3s', 'node1', 'reboot 192.168.1.20', 'nak', 'wrong-network'],
    ]
    expect(await play(steps, { authoritative: false })).toEqual(steps)
  })
})

describe('a restart', () => {
  test.each(Object.entries(RESTARTS))('%s', async (_, steps) => {
    expect(await play(steps)).toEqual(steps)
  })
})

describe('a clock that jumps', () => {
  test.each(Object.entries(CLOCKS))('%s', async (_, steps) => {
    expect(await play(steps)).toEqual(steps)
  })
})

const RELAY = ip('10.78.0.1')
const TWO_SUBNETS = [RACK, subnet('10.78.0.0/24', ['10.78.0.100-10.78.0.101'], { router: RELAY, relays: [RELAY] })]
const TO_RELAY = 'to 10.78.0.1:67'

const RELAYED: Record<string, Step[]> = {
  'each machine gets an address of its own subnet, and renews it without the relay agent': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ['0s', 'node2', 'discover via relay', `offer 10.78.0.100 router 10.78.0.1 ${TO_RELAY}`, 'from-pool'],
    ['1s', 'node2', 'request 10.78.0.100 via relay', `ack 10.78.0.100 router 10.78.0.1 ${TO_RELAY}`, 'selected'],
    ['30m', 'node2', 'renew 10.78.0.100', 'ack 10.78.0.100 to 10.78.0.100', 'renewed'],
    ['53m', 'node2', 'rebind 10.78.0.100 via relay', `ack 10.78.0.100 router 10.78.0.1 ${TO_RELAY}`, 'renewed'],
    ['53m', 'leases', '', '10.77.0.100 bound node1 1h; 10.78.0.100 bound node2 1h 53m'],
  ],
  'a full subnet takes nothing from the other': [
    ['0s', 'node1', 'discover via relay', `offer 10.78.0.100 router 10.78.0.1 ${TO_RELAY}`, 'from-pool'],
    ['0s', 'node2', 'discover via relay', `offer 10.78.0.101 router 10.78.0.1 ${TO_RELAY}`, 'from-pool'],
    ['0s', 'node1', 'request 10.78.0.100 via relay', `ack 10.78.0.100 router 10.78.0.1 ${TO_RELAY}`, 'selected'],
    ['0s', 'node2', 'request 10.78.0.101 via relay', `ack 10.78.0.101 router 10.78.0.1 ${TO_RELAY}`, 'selected'],
    ['0s', 'node3', 'discover via relay', 'silence', 'pool-exhausted'],
    ...boots('0s', 'node4', '10.77.0.100'),
  ],
  'a machine that was moved is told no, gets an address where it is, and its old one is free': [
    ...boots('0s', 'node1', '10.77.0.100'),
    ['10m', 'node1', 'reboot 10.77.0.100 via relay', `nak router none ${TO_RELAY}`, 'wrong-network'],
    ['10m', 'node1', 'discover via relay', `offer 10.78.0.100 router 10.78.0.1 ${TO_RELAY}`, 'from-pool'],
    ['10m', 'node1', 'request 10.78.0.100 via relay', `ack 10.78.0.100 router 10.78.0.1 ${TO_RELAY}`, 'selected'],
    ['10m', 'leases', '', '10.77.0.100 released node1 10m; 10.78.0.100 bound node1 1h 10m'],
    // And back again: what it had there is nobody else's yet.
    ['20m', 'node1', 'reboot 10.78.0.100', 'nak', 'wrong-network'],
    ['20m', 'node1', 'discover', 'offer 10.77.0.101', 'from-pool'],
  ],
}

describe('two subnets, one behind a relay agent', () => {
  test.each(Object.entries(RELAYED))('%s', async (_, steps) => {
    expect(await play(steps, { subnets: TWO_SUBNETS })).toEqual(steps)
  })
})
