import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readRelayInformation, relayInformationOf } from '../../services/dhcp/relay-information.ts'
import { dhcp } from './messages.ts'

const CIRCUIT = [1, 4, 0x65, 0x74, 0x68, 0x30]
const LINK = [5, 4, 10, 2, 0, 0]
const OVERRIDE = [11, 4, 10, 1, 0, 1]
const SOURCE_PORT = [19, 0]

const SAYS_CIRCUIT = { circuitId: '65746830' }
const NOTHING = { atSourcePort: false, isBroken: false }
const BROKEN = { atSourcePort: false, isBroken: true }

test.each([
  ['an empty option says nothing', [], NOTHING],
  ['G10 the circuit, whole, and no remote id', [...CIRCUIT, 2, 1, 7], { ...NOTHING, ...SAYS_CIRCUIT }],
  ['G10 an empty circuit is none', [1, 0, 2, 1, 7], NOTHING],
  ['G03 link selection', [...CIRCUIT, ...LINK], { ...NOTHING, ...SAYS_CIRCUIT, linkSelection: '10.2.0.0' }],
  ['G05 server identifier override', [...OVERRIDE, ...CIRCUIT], { ...NOTHING, ...SAYS_CIRCUIT, serverId: '10.1.0.1' }],
  ['G09 relay source port', [...CIRCUIT, ...SOURCE_PORT], { ...NOTHING, ...SAYS_CIRCUIT, atSourcePort: true }],
  [
    'all three in one option',
    [...LINK, ...OVERRIDE, ...SOURCE_PORT],
    { linkSelection: '10.2.0.0', serverId: '10.1.0.1', atSourcePort: true, isBroken: false },
  ],
  ['an unknown sub-option is passed over', [250, 2, 1, 2, ...LINK], { ...NOTHING, linkSelection: '10.2.0.0' }],
  ['G06 a code without a length', [...LINK, 1], BROKEN],
  ['G06 a value that runs past the end', [...LINK, 1, 5, 0], BROKEN],
  ['G06 link selection that is no address', [5, 3, 10, 2, 0], BROKEN],
  ['G06 an override that is no address', [11, 0, ...LINK], BROKEN],
  ['G06 an override of 0.0.0.0, which is nobody', [11, 4, 0, 0, 0, 0], BROKEN],
  ['G06 two link selections, of which one is wrong', [...LINK, 5, 4, 10, 3, 0, 0], BROKEN],
  ['G06 a terminator, which this option does not have', [...LINK, 255], BROKEN],
])('%s', (_, value, read) => {
  expect(readRelayInformation(Uint8Array.from(value))).toEqual(read)
})

test('G02 without giaddr nobody said it', () => {
  const options: [number, Uint8Array][] = [[82, Uint8Array.from([...LINK, ...SOURCE_PORT])]]
  expect(relayInformationOf(dhcp('discover', { options }))).toEqual(NOTHING)
  expect(relayInformationOf(dhcp('discover', { options, giaddr: '10.1.0.1' }))).toEqual({
    linkSelection: '10.2.0.0',
    atSourcePort: true,
    isBroken: false,
  })
  expect(relayInformationOf(dhcp('discover', { giaddr: '10.1.0.1' }))).toEqual(NOTHING)
})

test('G06 never throws, and what is cut off anywhere is broken or says no more than the whole', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), bytes => {
      const read = readRelayInformation(bytes)
      expect(read.isBroken && (read.linkSelection !== undefined || read.serverId !== undefined)).toBe(false)
    }),
  )
  const whole = [...CIRCUIT, ...LINK, ...OVERRIDE, ...SOURCE_PORT]
  const edges = new Set([0, 6, 12, 18, 20])
  for (let end = 0; end <= whole.length; end += 1) {
    expect([end, readRelayInformation(Uint8Array.from(whole.slice(0, end))).isBroken]).toEqual([end, !edges.has(end)])
  }
})
