/** What real firmware took where another server gave the addresses, octet for octet (test/vectors/proxy/README.md). */
import { expect, test } from 'vitest'
import { dhcpPlan } from '../../services/boot/plan.ts'
import { urlsOf } from '../../services/boot/urls.ts'
import { respondAsBootServer } from '../../services/dhcp/boot-server.ts'
import { decode, encodeWithin, limitsFor } from '../../services/dhcp/codec.ts'
import type { BootView } from '../../services/dhcp/decision.ts'
import type { DhcpClient } from '../../services/dhcp/fleet.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { messageTypeOf } from '../../services/dhcp/options.ts'
import { respondAsProxy } from '../../services/dhcp/proxy.ts'
import { parsePrefix } from '../../services/kit/ipv4.ts'
import { readUdpPackets, type UdpPacket } from './pcap.ts'
import { OURS, server } from './rig.ts'

const FILE = new URL('../vectors/proxy/beside-dnsmasq.pcap', import.meta.url).pathname
const NETWORK = { interface: 'rack0', address: OURS, prefix: parsePrefix('10.77.0.0/23')! }
const URLS = urlsOf({ network: NETWORK, http: { port: 80, tlsPort: 443 } })
const LOADERS = new Set(['undionly.kpxe', 'snponly.efi'])

const view: BootView = {
  server: server({ prefix: NETWORK.prefix, subnets: [] }),
  fleet: { view: ({ mac, boot }: DhcpClient) => ({ plan: dhcpPlan(boot, { scriptUrl: URLS.script(mac) }, LOADERS) }) },
}

function messageIn({ payload }: UdpPacket): DhcpMessage {
  const message = decode(payload)
  if (isMalformed(message)) throw new Error(message.malformed)
  return message
}

/** What is sent now for each message that a machine sent then, in hexadecimal; silences left out. */
function saidNow(packets: UdpPacket[]): string[] {
  return packets.flatMap(packet => {
    if (packet.toPort !== 67 && packet.toPort !== 4011) return []
    const request = messageIn(packet)
    if (request.op !== 'request') return []
    const from = { address: packet.from, port: packet.fromPort }
    const decision = packet.toPort === 67 ? respondAsProxy(request, view) : respondAsBootServer(request, from, view)
    if (decision.do === 'silence') return []
    return [Buffer.from(encodeWithin(decision.message, limitsFor(request, 1500)).bytes).toString('hex')]
  })
}

const isOurs = ({ from }: UdpPacket): boolean => from === OURS

test('what is said to firmware beside another server is what it took and installed by, octet for octet', () => {
  const packets = readUdpPackets(FILE)
  const taken = packets.filter(isOurs).map(({ payload }) => Buffer.from(payload).toString('hex'))
  expect(taken.length).toBeGreaterThan(6)
  expect(saidNow(packets)).toEqual(taken)
})

test('H10 OVMF asks port 4011 from port 4011, and hears it there at the address it has', () => {
  const packets = readUdpPackets(FILE)
  const asked = packets.find(({ toPort, to }) => toPort === 4011 && to === OURS)!
  const answered = packets.find(packet => isOurs(packet) && packet.fromPort === 4011)!
  expect([asked.from, asked.fromPort, messageIn(asked).ciaddr]).toEqual(['10.77.1.247', 4011, '10.77.1.247'])
  expect([answered.to, answered.toPort, messageTypeOf(messageIn(answered))]).toEqual(['10.77.1.247', 4011, 'ack'])
})
