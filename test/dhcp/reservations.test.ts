/** Reservations of every kind: who gets which address, in which order, and that nobody else does. */
import { describe, expect, test } from 'vitest'
import type { Mac } from '../../services/kit/mac.ts'
import { Reservations } from '../../services/dhcp/reservations.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { NODE1, NODE2, siteOf, STRANGER } from '../machine/rig.ts'
import { WITH_PROFILE } from '../site/sites.ts'
import { BIOS, INSTALLER, IPXE, type Said } from './messages.ts'
import { SiteBench } from './site-bench.ts'

const UUID = '4c4c4544-004b-3210-8051-b7c04f583933'
/** Option 97 of that UUID: type 0, the first three fields little-endian (RFC 4578 §2.3). */
const MACHINE_ID = Uint8Array.from(Buffer.from('0044454c4c4b001032' + '8051b7c04f583933', 'hex'))
const says = (uuid: Uint8Array): Said => ({ options: [[97, uuid]] })
const AGENT = '10.77.0.2'
const circuit = (id: string, more: Said = {}): Said => ({
  giaddr: AGENT,
  options: [[82, Uint8Array.of(1, id.length, ...Buffer.from(id))]],
  ...more,
})
const CLIENT_ID = Uint8Array.from(Buffer.from('lathe'))
const HOUR = 3_600_000

const RELAYED = WITH_PROFILE.replace('router =', `relays = ["${AGENT}", "10.77.0.3"]\nrouter =`)
const reservation = (lines: string, address = '10.77.0.20') =>
  `[[dhcp.reservation]]\naddress = "${address}"\n${lines}\n`
const MACHINE = (more: string) =>
  `[[machine]]\nname = "node1"\nmac = ["${NODE1}"]\naddress = "10.77.0.11"\nprofile = "pve"\n${more}\n`

const open = (more: string) => SiteBench.open(siteOf(more, RELAYED))

describe('found by', () => {
  test.each<[string, string, Said, string]>([
    ['its MAC', `mac = "${NODE2}"`, { mac: NODE2 }, 'reservation 10.77.0.20'],
    ['its machine identifier', `uuid = "${UUID}"`, says(MACHINE_ID), 'reservation 10.77.0.20'],
    ['a client identifier as text', 'client-id = "lathe"', { clientId: CLIENT_ID }, 'reservation 10.77.0.20'],
    [
      'a client identifier as octets',
      'client-id = "0x6c:61:74:68:65"',
      { clientId: CLIENT_ID },
      'reservation 10.77.0.20',
    ],
    ['G10 its circuit', 'circuit-id = "ge-0/0/7"', circuit('ge-0/0/7'), 'reservation 10.77.0.20'],
    ['G10 not a circuit that begins alike', 'circuit-id = "ge-0/0/7"', circuit('ge-0/0/70'), 'from-pool 10.77.0.100'],
    ['G10 nor one that is the beginning', 'circuit-id = "ge-0/0/70"', circuit('ge-0/0/7'), 'from-pool 10.77.0.100'],
    ['G10 nor in another case', 'circuit-id = "GE-0/0/7"', circuit('ge-0/0/7'), 'from-pool 10.77.0.100'],
    [
      'the circuit of one relay agent',
      `circuit-id = "ge-0/0/7"\nrelay = "${AGENT}"`,
      circuit('ge-0/0/7'),
      'reservation 10.77.0.20',
    ],
    [
      'not the same circuit of another relay agent',
      'circuit-id = "ge-0/0/7"\nrelay = "10.77.0.3"',
      circuit('ge-0/0/7'),
      'from-pool 10.77.0.100',
    ],
    [
      'G02 not a circuit that the machine itself says, without a relay agent',
      'circuit-id = "ge-0/0/7"',
      circuit('ge-0/0/7', { giaddr: '0.0.0.0' }),
      'from-pool 10.77.0.100',
    ],
    ['not by a part of a client identifier', 'client-id = "lathe-2"', { clientId: CLIENT_ID }, 'from-pool 10.77.0.100'],
  ])('%s', async (_, key, said, outcome) => {
    const bench = await open(reservation(key))
    expect(bench.outcome('discover', said)).toBe(`offer ${outcome}`)
  })

  test('G02 a circuit of a relay agent that is not of the site is nothing', async () => {
    const bench = await open(reservation('circuit-id = "ge-0/0/7"'))
    expect(bench.outcome('discover', circuit('ge-0/0/7', { giaddr: '10.77.0.9' }))).toBe('silence unknown-relay')
  })

  test('what many boards say is never looked for', () => {
    const uuid = '03000200-0400-0500-0006-000700080009'
    const key = { by: 'machine-id', value: uuid } as const
    const list = new Reservations({
      machines: [],
      dhcp: { reservations: [{ address: '10.77.0.20' as Ipv4, key, options: [] }] },
    })
    expect(list.find({ mac: NODE1, uuid, boot: { stage: 'system' } }, () => true)).toBeUndefined()
  })

  test('the host name and the options of the reservation go along', async () => {
    const bench = await open(
      reservation('client-id = "lathe"\nname = "lathe"\noptions = [{ code = 19, type = "bool", value = true }]'),
    )
    const view = bench.fleet.view({ mac: NODE1, clientId: '6c61746865', boot: { stage: 'system' } })
    expect(view).toMatchObject({
      reservation: '10.77.0.20',
      reservedBy: 'client-id 6c61746865',
      hostName: 'lathe',
      options: [{ code: 19, type: 'bool', value: true }],
    })
  })
})

test('firmware with a reservation by MAC becomes a machine that is held, with the name and the options of it', async () => {
  const bench = await open(
    reservation(`mac = "${NODE2}"\nname = "bench"\noptions = [{ code = 19, type = "bool", value = true }]`),
  )
  for (const said of [BIOS, IPXE, { asks: [1, 3] }]) {
    expect(bench.boot({ ...said, mac: NODE2 })).toBe('ack reservation 10.77.0.20')
  }
  const view = bench.fleet.view({ mac: NODE2, boot: { stage: 'system' } })
  expect(view).toMatchObject({ reservation: '10.77.0.20', hostName: 'bench', options: [{ code: 19 }] })
  expect(bench.rig.machine(NODE2).state).toBe('held')
  expect(bench.rig.registry.listing(bench.rig.machine(NODE2)).address).toBe('10.77.0.20')
})

test('a client that matches several gets that of its MAC, else machine identifier, client identifier, circuit of its agent, circuit', async () => {
  const all = [
    [`mac = "${NODE2}"`, '10.77.0.21'],
    [`uuid = "${UUID}"`, '10.77.0.22'],
    ['client-id = "lathe"', '10.77.0.23'],
    [`circuit-id = "ge-0/0/7"\nrelay = "${AGENT}"`, '10.77.0.24'],
    ['circuit-id = "ge-0/0/7"', '10.77.0.25'],
  ] as const
  const { options, giaddr } = circuit('ge-0/0/7') as Required<Said>
  const said: Said = { mac: NODE2, giaddr, clientId: CLIENT_ID, options: [...options, [97, MACHINE_ID]] }
  for (let from = 0; from < all.length; from++) {
    const bench = await open(
      all
        .slice(from)
        .map(([key, address]) => reservation(key, address))
        .join(''),
    )
    expect(bench.outcome('discover', said)).toBe(`offer reservation ${all[from]![1]}`)
    // Those that lost stay what they are: nobody else's.
    expect(all.slice(from).every(([, address]) => bench.fleet.reservedFor(address as Ipv4))).toBe(true)
  }
})

describe('C02 nobody else is given it', () => {
  const POOLED = reservation('client-id = "lathe"', '10.77.0.100')

  test('neither from the pool, nor where it is asked for, nor by INIT-REBOOT', async () => {
    const bench = await open(POOLED)
    expect(bench.outcome('discover')).toBe('offer from-pool 10.77.0.101')
    expect(bench.outcome('discover', { wants: '10.77.0.100' })).toBe('offer repeated-discover 10.77.0.101')
    expect(bench.outcome('request', { wants: '10.77.0.100' })).toBe('nak reserved-for-another 10.77.0.100')
  })

  test('D14 who had it before it was reserved is told no', async () => {
    const bench = await open('')
    expect(bench.boot({ mac: NODE2 })).toBe('ack from-pool 10.77.0.100')
    await bench.restart(siteOf(POOLED, RELAYED))
    expect(bench.outcome('request', { mac: NODE2, ciaddr: '10.77.0.100' })).toBe('nak reserved-for-another 10.77.0.100')
    expect(bench.boot({ mac: NODE2 })).toBe('ack from-pool 10.77.0.101')
    expect(bench.boot({ clientId: CLIENT_ID })).toBe('ack reservation 10.77.0.100')
  })

  test('two machines that match one reservation: who has it keeps it, the other is told so and gets it when it is free', async () => {
    const bench = await open(POOLED)
    const [first, second] = [
      { mac: NODE1, clientId: CLIENT_ID },
      { mac: NODE2, clientId: CLIENT_ID },
    ]
    expect(bench.boot(first)).toBe('ack reservation 10.77.0.100')
    expect(bench.boot(second)).toBe('ack from-pool 10.77.0.101 reservation-in-use')
    expect(bench.outcome('request', { ...first, ciaddr: '10.77.0.100' })).toBe('ack renewed 10.77.0.100')
    bench.rig.clock.advance(2 * HOUR)
    expect(bench.boot(second)).toBe('ack reservation 10.77.0.100')
    expect(bench.boot(first)).toBe('ack from-pool 10.77.0.102 reservation-in-use')
  })

  test('in the same instant, too', async () => {
    const bench = await open(POOLED)
    expect(bench.outcome('discover', { mac: NODE1, clientId: CLIENT_ID })).toBe('offer reservation 10.77.0.100')
    expect(bench.outcome('discover', { mac: NODE2, clientId: CLIENT_ID })).toBe(
      'offer from-pool 10.77.0.101 reservation-in-use',
    )
  })
})

describe('C11 one machine, one address', () => {
  test('a client identifier that one stage sends: two addresses at the first boot, one from then on', async () => {
    const bench = await open(reservation('client-id = "lathe"'))
    const installer = { asks: [...INSTALLER.asks], clientId: CLIENT_ID }
    expect([BIOS, IPXE, installer, { asks: [1, 3] }].map(said => bench.boot(said))).toEqual([
      'ack from-pool 10.77.0.100',
      'ack current-lease 10.77.0.100',
      'ack reservation 10.77.0.20',
      'ack current-lease 10.77.0.20',
    ])
    await bench.restart()
    bench.rig.clock.advance(30 * 24 * HOUR)
    expect([BIOS, IPXE, installer, { asks: [1, 3] }].map(said => bench.boot(said))).toEqual([
      'ack previous-lease 10.77.0.20',
      'ack current-lease 10.77.0.20',
      'ack reservation 10.77.0.20',
      'ack current-lease 10.77.0.20',
    ])
  })

  test('a renewal, which comes without the circuit, goes on; after a restart, too', async () => {
    const bench = await open(reservation('circuit-id = "ge-0/0/7"'))
    expect(bench.boot(circuit('ge-0/0/7'))).toBe('ack reservation 10.77.0.20')
    expect(bench.outcome('request', { ciaddr: '10.77.0.20' })).toBe('ack renewed 10.77.0.20')
    await bench.restart()
    expect(bench.outcome('request', { ciaddr: '10.77.0.20' })).toBe('ack renewed 10.77.0.20')
    expect(bench.outcome('request', { mac: NODE2, ciaddr: '10.77.0.20' })).toBe('nak reserved-for-another 10.77.0.20')
  })

  test('what was earned by a reservation that is no longer there is an address like others', async () => {
    const bench = await open(reservation('client-id = "lathe"', '10.77.0.150'))
    expect(bench.boot({ clientId: CLIENT_ID })).toBe('ack reservation 10.77.0.150')
    await bench.restart(siteOf(reservation('client-id = "mill"', '10.77.0.150'), RELAYED))
    expect(bench.outcome('request', { ciaddr: '10.77.0.150' })).toBe('nak reserved-for-another 10.77.0.150')
    await bench.restart(siteOf('', RELAYED))
    expect(bench.outcome('request', { ciaddr: '10.77.0.150' })).toBe('ack renewed 10.77.0.150')
  })
})

describe('the UUID of a [[machine]]', () => {
  const NEW_NIC = 'bc:24:11:ab:12:77' as Mac
  const firmware: Said = { ...BIOS, mac: NEW_NIC, ...says(MACHINE_ID) }
  const site = MACHINE(`uuid = "${UUID}"\napprove = true`)

  test('a NIC that was replaced gets the address in every stage, and is not approved by it', async () => {
    const bench = await open(site)
    expect(bench.boot(firmware)).toBe('ack reservation 10.77.0.11')
    expect(bench.boot({ asks: [1, 3], mac: NEW_NIC })).toBe('ack current-lease 10.77.0.11')
    expect(bench.rig.machine(NEW_NIC)).toMatchObject({ state: 'held', attempts: 0 })
    expect(bench.fleet.view({ mac: NEW_NIC, uuid: UUID, boot: { stage: 'installer' } })).toEqual({
      plan: { do: 'nothing', reason: 'no-answer-due' },
      reservation: '10.77.0.11',
      reservedBy: `machine-id ${UUID}`,
    })
  })

  test('the machine’s own NIC comes first: while that uses it, another one with the UUID does not', async () => {
    const bench = await open(site)
    expect(bench.boot({ ...BIOS, mac: NODE1 })).toBe('ack reservation 10.77.0.11')
    expect(bench.boot(firmware)).toBe('ack from-pool 10.77.0.100 reservation-in-use')
  })

  test('not once an installed system may use the address in silence', async () => {
    const bench = await open(site)
    const attempt = bench.rig.machine(NODE1).attempt!.id
    const answer = { attempt, address: '10.77.0.11', layers: [], sha256: '', leftOut: [], withToken: true }
    await bench.rig.happen(NODE1, { type: 'answer-served', ...answer })
    expect(bench.boot(firmware)).toBe('ack from-pool 10.77.0.100')
  })

  test('not for a machine of the site of its own, nor for one that was installed', async () => {
    const other = `[[machine]]\nname = "node2"\nmac = ["${NODE2}"]\nprofile = "pve"\n`
    const bench = await open(`${site}${other}`)
    expect(bench.boot({ ...firmware, mac: NODE2 })).toBe('ack from-pool 10.77.0.100')
    await bench.rig.registry.sight({ macs: [STRANGER] }, 'dhcp')
    await bench.rig.registry.startAttempt(bench.rig.machine(STRANGER), { by: 'operator', again: false })
    expect(bench.boot({ ...firmware, mac: STRANGER })).toBe('ack from-pool 10.77.0.101')
  })
})
