/** The value of every option that is read, each by its own parser: octets without the message around them. */
import { clientIdTextOf, clientOf } from '../../../services/dhcp/identify.ts'
import * as options from '../../../services/dhcp/options.ts'
import { readRelayInformation } from '../../../services/dhcp/relay-information.ts'
import { readVendorOptions as readPxeOptions } from '../../../services/dhcp/vendor-options.ts'
import { readVendorClasses, readVendorOptions } from '../../../services/site/enterprise-blocks.ts'
import { dhcp } from '../../dhcp/messages.ts'
import { hold, type Target } from '../target.ts'

const { OPTION } = options
/** An option of several instances is joined, so its value may fill a datagram. */
const MAX_VALUE_BYTES = 1400
const MAC_AND_UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

const READ = [
  OPTION.requestedAddress,
  OPTION.messageType,
  OPTION.serverId,
  OPTION.parameterList,
  OPTION.maxMessageSize,
  OPTION.vendorClass,
  OPTION.clientId,
  OPTION.userClass,
  OPTION.clientArchitecture,
  OPTION.machineId,
  OPTION.relayAgent,
  OPTION.vendorClasses,
]

/** Options 43, 124 and 125 by themselves: what was read is a part of what was said. How much, and whether all of it could be read. */
function readBlocks(value: Uint8Array): string {
  const pxe = [...readPxeOptions(value).values()]
  const blocks = [readVendorClasses(value), readVendorOptions(value)]
  for (const read of [pxe, ...blocks.map(parts => parts?.map(({ data }) => data) ?? [])]) {
    const octets = read.reduce((sum, data) => sum + data.length, 0)
    hold('blocks hold no more than what was said', octets <= value.length && read.length <= value.length)
  }
  return [pxe.length, ...blocks.map(parts => parts?.length ?? -1)].map(count => Math.min(count, 4)).join('/')
}

export const dhcpOptionsTarget: Target = {
  name: 'dhcp-options',
  seeds: () => [
    new Uint8Array(),
    Uint8Array.from(Buffer.from('PXEClient:Arch:00007:UNDI:003010')),
    Uint8Array.from(Buffer.from('iPXE')),
    Uint8Array.of(4, 105, 80, 88, 69, 3, 97, 98, 99),
    Uint8Array.from(Buffer.from('0000000077000000408000000003000002', 'hex')),
    Uint8Array.of(1, 4, 0, 1, 2, 3, 5, 4, 10, 78, 0, 0, 11, 4, 10, 78, 0, 1, 19, 0),
    Uint8Array.of(0, 7, 0, 16),
    Uint8Array.of(10, 77, 0, 1),
    Uint8Array.of(6, 1, 8, 0, 71, 4, 0, 0, 0, 0, 255),
    Uint8Array.of(0, 0, 1, 87, 10, 9, ...Buffer.from('PXEClient')),
    Uint8Array.of(0, 0, 1, 87, 6, 1, 1, 8, 2, 1, 9, 0, 0, 2, 162, 0),
  ],
  words: [Uint8Array.of(5, 4), Uint8Array.of(11, 4), Uint8Array.of(19, 0), Uint8Array.of(0, 7), Uint8Array.of(0)],
  maxBytes: MAX_VALUE_BYTES,
  run(value) {
    const message = dhcp('discover', { options: READ.map(code => [code, value]) })
    const classes = options.userClassesOf(message)
    const architectures = options.architecturesOf(message)
    hold(
      'classes are no longer than what was said',
      classes.join('').length <= value.length && classes.length <= value.length,
    )
    hold(
      'no class is empty',
      classes.every(name => name.length > 0),
    )
    hold('two octets are one architecture', architectures.length === (value.length % 2 === 0 ? value.length / 2 : 0))
    const uuid = options.uuidOf(message)
    hold('a UUID has one form', uuid === undefined || MAC_AND_UUID.test(uuid))
    hold('an address has four octets', (options.serverIdOf(message) !== undefined) === (value.length === 4))
    hold(
      'an identifier is read whole',
      clientIdTextOf(message) === (value.length > 0 ? Buffer.from(value).toString('hex') : undefined),
    )
    const relay = readRelayInformation(value)
    hold(
      'what is broken says nothing',
      !relay.isBroken || (!relay.linkSelection && !relay.serverId && !relay.atSourcePort),
    )
    const client = clientOf(message)
    hold('a MAC identifies whatever options say', client?.mac === 'bc:24:11:ab:12:21')
    const { stage } = client!.boot
    const type = options.messageTypeOf(message) ?? 'none'
    const said = [relay.linkSelection, relay.serverId, relay.atSourcePort].map(Boolean).map(Number).join('')
    return [
      stage,
      type,
      Math.min(classes.length, 4),
      uuid ? 'uuid' : '',
      relay.isBroken ? 'broken' : said,
      readBlocks(value),
    ].join(' ')
  },
}
