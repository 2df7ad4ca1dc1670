import fc from 'fast-check'
import { expect, test } from 'vitest'
import { judgeForwarding, judgeLink, type LinkFacts, lookAtLink } from '../../services/health/probe/link.ts'
import { parseSpanningTree } from '../../services/health/probe/spanning-tree.ts'
import { siteOf } from '../machine/rig.ts'

const site = siteOf()
const GOOD: LinkFacts = {
  isUp: true,
  hasCarrier: true,
  speedMbit: 1000,
  duplex: 'full',
  mtu: 1500,
  addresses: ['10.77.0.1'],
}

test.each<[string, LinkFacts | undefined, string[]]>([
  ['as it should be', GOOD, ['link-ready: eth1 is up and has 10.77.0.1, 1000 Mbit/s full duplex, MTU 1500']],
  ['a virtual one says nothing of speed', { addresses: ['10.77.0.1'] }, ['link-ready: eth1 is up and has 10.77.0.1']],
  ['not there', undefined, ['interface-missing: the interface eth1 does not exist']],
  ['down', { ...GOOD, isUp: false, addresses: [] }, ['interface-down: eth1 is down']],
  [
    'no cable: its addresses are not known',
    { ...GOOD, hasCarrier: false, addresses: [] },
    ['no-carrier: eth1 has no carrier'],
  ],
  [
    'another address',
    { ...GOOD, addresses: ['10.78.0.1'] },
    ['address-missing: eth1 does not have the address 10.77.0.1'],
  ],
  [
    'an old switch',
    { ...GOOD, speedMbit: 100, duplex: 'half' },
    [
      'link-ready: eth1 is up and has 10.77.0.1, 100 Mbit/s half duplex, MTU 1500',
      'half-duplex: eth1 runs half duplex',
      'slow-link: eth1 has 100 Mbit/s',
    ],
  ],
  [
    'a tunnel',
    { ...GOOD, mtu: 1400 },
    [
      'link-ready: eth1 is up and has 10.77.0.1, 1000 Mbit/s full duplex, MTU 1400',
      'mtu-small: eth1 has an MTU of 1400: larger frames of machines are lost, and TFTP has blocks of 1368 bytes at most',
    ],
  ],
  [
    'jumbo frames on a tagged VLAN',
    { addresses: ['10.77.0.1'], mtu: 9000, vlan: { id: 77, of: 'eno1' } },
    [
      'link-ready: eth1 is up and has 10.77.0.1, MTU 9000',
      'mtu-large: eth1 has an MTU of 9000, machines that boot have 1500',
      'vlan-interface: eth1 is the tagged VLAN 77 of eno1',
    ],
  ],
  [
    'a bridge for virtual machines',
    { ...GOOD, bridge: { hasStp: false, forwardDelayMs: 15_000, ports: ['eno1', 'tap0'] } },
    [
      'link-ready: eth1 is up and has 10.77.0.1, 1000 Mbit/s full duplex, MTU 1500',
      'bridge-interface: eth1 is a bridge of this host with the ports eno1, tap0',
    ],
  ],
  [
    'no cable at all',
    { ...GOOD, isWireless: true },
    ['link-ready: eth1 is up and has 10.77.0.1, 1000 Mbit/s full duplex, MTU 1500', 'wireless: eth1 is wireless'],
  ],
])('%s', (_, facts, expected) => {
  expect(judgeLink(facts, site).map(({ code, message }) => `${code}: ${message}`)).toEqual(expected)
})

const bridge = (hasStp: boolean, forwardDelayMs = 15_000): LinkFacts => ({
  addresses: [],
  bridge: { hasStp, forwardDelayMs, ports: [] },
})
const tree = { version: 2, forwardDelayMs: 15_000, bridge: '52:54:00:00:00:09' }

test.each<[string, LinkFacts, Parameters<typeof judgeForwarding>[1], string]>([
  [
    'a bridge without spanning tree',
    bridge(false),
    undefined,
    'forwarding-at-once: ports of the bridge eth1 forward at once',
  ],
  [
    'a bridge without delay',
    bridge(true, 0),
    undefined,
    'forwarding-at-once: ports of the bridge eth1 forward at once',
  ],
  [
    'a bridge with both',
    bridge(true),
    undefined,
    'forwarding-delay: ports that join the bridge eth1 forward after 30 seconds',
  ],
  [
    'a switch that speaks',
    GOOD,
    tree,
    'forwarding-delay: the bridge 52:54:00:00:00:09 speaks rapid spanning tree: a port that is no edge port forwards 30 seconds after it came up',
  ],
  [
    'a switch that says nothing',
    GOOD,
    'silent',
    'forwarding-unheard: nobody speaks spanning tree on this port: whether the switch delays ports that come up is not known',
  ],
  [
    'nobody may listen',
    GOOD,
    undefined,
    'forwarding-unknown: whether the switch delays ports that come up was not listened for: this user may not',
  ],
])('%s', (_, facts, heard, expected) => {
  expect(judgeForwarding(facts, heard, 'eth1').map(({ code, message }) => `${code}: ${message}`)).toEqual([expected])
})

test('what is down is not listened to', async () => {
  const edge = {
    link: async () => ({ ...GOOD, isUp: false }),
    spanningTree: async () => {
      throw new Error('it listened')
    },
  }
  expect((await lookAtLink(site, edge)).map(({ code }) => code)).toEqual(['interface-down'])
})

/** As a Linux bridge says it: IEEE 802.1D §9.3.1. */
const CONFIGURATION =
  '0180c2000000 52540000000a 0026 424203 0000 00 00 00 8000525400000009 00000000 8000525400000009 8001 0000 1400 0200 0f00'
const RAPID = CONFIGURATION.replace('0000 00 00 00', '0000 02 02 3c')
const CISCO = RAPID.replace('0180c2000000', '01000ccccccd').replace('424203', 'aaaa0300000c010b')
const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(' ', ''), 'hex')

test.each([
  ['a configuration frame', CONFIGURATION, { ...tree, version: 0 }],
  ['a rapid one', RAPID, tree],
  ['one of Cisco, for a VLAN', CISCO, tree],
  ['a topology change, which has no times', CONFIGURATION.replace('0000 00 00 00', '0000 00 80 00'), undefined],
  ['one that was cut', CONFIGURATION.slice(0, -2), undefined],
  ['another protocol of LLC', CONFIGURATION.replace('424203', 'fefe03'), undefined],
])('%s', (_, hex, expected) => {
  expect(parseSpanningTree(bytes(hex))).toEqual(expected)
})

test('any frame has an end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat(80), (noise, at) => {
      const frame = Uint8Array.from(bytes(RAPID))
      frame.set(noise.subarray(0, Math.max(0, frame.length - at)), Math.min(at, frame.length))
      for (const one of [noise, frame, frame.subarray(0, at)]) {
        const heard = parseSpanningTree(one)
        if (heard) expect(heard.forwardDelayMs).toBeLessThanOrEqual(256_000)
      }
    }),
  )
})
