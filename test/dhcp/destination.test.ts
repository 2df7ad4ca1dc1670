import { expect, test } from 'vitest'
import { destinationOf } from '../../services/dhcp/destination.ts'
import type { ReplyType } from '../../services/dhcp/message.ts'
import { dhcp, type Said } from './messages.ts'

test.each<[string, Said, ReplyType, string, number]>([
  ['F02 a relayed discover goes back to the relay agent', { giaddr: '10.1.0.1' }, 'offer', '10.1.0.1', 67],
  ['F02 a relayed renewal too', { giaddr: '10.1.0.1', ciaddr: '10.1.0.9' }, 'ack', '10.1.0.1', 67],
  ['F02 a relayed nak too', { giaddr: '10.1.0.1' }, 'nak', '10.1.0.1', 67],
  ['F03 a renewing machine hears it at its address', { ciaddr: '10.77.0.9' }, 'ack', '10.77.0.9', 68],
  ['F03 and so does one with the broadcast flag', { ciaddr: '10.77.0.9', broadcast: true }, 'ack', '10.77.0.9', 68],
  ['F04 a machine that asks for broadcasts gets them', { broadcast: true }, 'offer', '255.255.255.255', 68],
  ['F05 a machine without an address gets a broadcast too', {}, 'offer', '255.255.255.255', 68],
  ['F06 a nak is broadcast', {}, 'nak', '255.255.255.255', 68],
  ['F06 even to a machine that has an address', { ciaddr: '10.77.0.9' }, 'nak', '255.255.255.255', 68],
])('%s', (_, said, reply, address, port) => {
  expect(destinationOf(dhcp('request', said), reply, 68)).toEqual({ address, port })
})
