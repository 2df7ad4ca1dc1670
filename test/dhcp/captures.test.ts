/** Every capture of real firmware is decoded and answered as that firmware expects (test/vectors/dhcp/README.md). */
import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { respondAsBootServer } from '../../services/dhcp/boot-server.ts'
import { decode, encodeWithin, limitsFor } from '../../services/dhcp/codec.ts'
import type { Reply } from '../../services/dhcp/decision.ts'
import { destinationOf } from '../../services/dhcp/destination.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { addresses, clientIdOf, messageTypeOf, uuidOf } from '../../services/dhcp/options.ts'
import { respondAsProxy } from '../../services/dhcp/proxy.ts'
import { ip, text } from './messages.ts'
import { readUdpPackets } from './pcap.ts'
import { ANSWER, Bench, SCRIPT_URL, server, subnet, TestFleet } from './rig.ts'

const FOLDER = new URL('../vectors/dhcp/', import.meta.url)
const FILES = readdirSync(FOLDER).filter(name => name.endsWith('.pcap'))

function messagesTo(file: string, port: 67 | 68): DhcpMessage[] {
  const packets = readUdpPackets(new URL(file, FOLDER).pathname).filter(({ toPort }) => toPort === port)
  return packets.map(({ payload }) => {
    const message = decode(payload)
    if (isMalformed(message)) throw new Error(`${file}: ${message.malformed}`)
    return message
  })
}

const FROM_ROM = 'undionly.kpxe'
const FROM_UEFI = 'snponly.efi'
const HTTP_URL = 'http://10.77.0.1/loaders/snponly.efi'

/** What each conversation is told to boot, repeats left out. Its Linux at the end asks as the installer does. */
const STORIES: Record<string, string[]> = {
  'bios-qemu-rom-ipxe2019-e1000.pcap': [SCRIPT_URL, ANSWER.url],
  'bios-qemu-rom-ipxe2019-virtio.pcap': [SCRIPT_URL, ANSWER.url],
  'bios-vendorlike-rom-undionly-deb13.pcap': [FROM_ROM, SCRIPT_URL, ANSWER.url],
  'bios-vendorlike-rom-undionly2019-e1000.pcap': [FROM_ROM, SCRIPT_URL, ANSWER.url],
  'bios-vendorlike-rom-undionly2019-virtio.pcap': [FROM_ROM, SCRIPT_URL, ANSWER.url],
  'client-dhclient.pcap': [ANSWER.url],
  'client-udhcpc.pcap': [ANSWER.url],
  'uefi-httpboot-snponly-deb13.pcap': [HTTP_URL, SCRIPT_URL, ANSWER.url],
  'uefi-ovmf-snponly-deb13.pcap': [FROM_UEFI, SCRIPT_URL],
  'uefi-ovmf-snponly-v2.0.0.pcap': [FROM_UEFI, SCRIPT_URL, ANSWER.url],
  'uefi-ovmf-snponly2019.pcap': [FROM_UEFI, SCRIPT_URL, ANSWER.url],
  'uefi-qemu-efirom-virtio.pcap': [SCRIPT_URL, FROM_UEFI, SCRIPT_URL, ANSWER.url],
  'uefi-secboot-shim-grub206.pcap': [FROM_UEFI, ANSWER.url],
}

test('every capture has its story', () => {
  expect(FILES.sort()).toEqual(Object.keys(STORIES).sort())
})

/** The conversation again, with this server: each REQUEST takes the address that this server offered. */
function replay(file: string): { request: DhcpMessage; reply: Reply }[] {
  const site = new Bench({ subnets: [subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.250'])] })
  let offered = ip('10.77.0.250')
  const exchanges = messagesTo(file, 67).map(heard => {
    site.now += 1000
    const wants: [number, Uint8Array][] = heard.options.has(50) ? [[50, addresses([offered])]] : []
    const request = { ...heard, options: new Map([...heard.options, ...wants]) }
    const reply = site.reply(request)
    if (reply.type === 'offer') offered = reply.message.yiaddr
    return { request, reply }
  })
  expect(site.table.all()).toHaveLength(1)
  return exchanges
}

describe.each(FILES)('%s', file => {
  test('C11 each stage is told what to boot, at one address', () => {
    const replies = replay(file).map(({ reply }) => reply)
    const told = replies.map(({ message }) => text(message, 67) ?? text(message, 250) ?? 'nothing')
    expect(told.filter((what, i) => what !== told[i - 1])).toEqual(STORIES[file])
    expect(new Set(replies.map(({ address }) => address))).toEqual(new Set(['10.77.0.100']))
  })

  test('every DISCOVER gets an OFFER and every REQUEST an ACK, with what the machine calls itself', () => {
    for (const { request, reply } of replay(file)) {
      expect(reply.type).toBe(messageTypeOf(request) === 'discover' ? 'offer' : 'ack')
      expect(reply.message.xid).toBe(request.xid)
      expect(clientIdOf(reply.message)).toEqual(clientIdOf(request))
    }
  })

  test('A16 replies fit, are read back unchanged and go to everybody, F05 since the machine has no address yet', () => {
    for (const { request, reply } of replay(file)) {
      const { bytes, dropped } = encodeWithin(reply.message, limitsFor(request, 1500))
      expect(dropped).toEqual([])
      expect(bytes.length).toBeLessThanOrEqual(548)
      expect(decode(bytes)).toEqual(reply.message)
      expect(destinationOf(request, reply.type, 68)).toEqual({ address: '255.255.255.255', port: 68 })
    }
  })

  test('another server’s replies are decoded and survive being encoded', () => {
    const replies = messagesTo(file, 68)
    expect(replies.length).toBeGreaterThan(0)
    for (const reply of replies) {
      expect(['offer', 'ack']).toContain(messageTypeOf(reply))
      expect(decode(encodeWithin(reply, { maxBytes: 1472 }).bytes)).toEqual(reply)
    }
  })
})

const BY_4011 = `port 4011, then ${FROM_UEFI}`

/** What a proxy says to each conversation, repeats left out: UEFI is sent to port 4011 first, and installer and clients are the other server's. */
const PROXIED: Record<string, string[]> = {
  'bios-qemu-rom-ipxe2019-e1000.pcap': [SCRIPT_URL],
  'bios-qemu-rom-ipxe2019-virtio.pcap': [SCRIPT_URL],
  'bios-vendorlike-rom-undionly-deb13.pcap': [FROM_ROM, SCRIPT_URL],
  'bios-vendorlike-rom-undionly2019-e1000.pcap': [FROM_ROM, SCRIPT_URL],
  'bios-vendorlike-rom-undionly2019-virtio.pcap': [FROM_ROM, SCRIPT_URL],
  'client-dhclient.pcap': [],
  'client-udhcpc.pcap': [],
  'uefi-httpboot-snponly-deb13.pcap': [HTTP_URL, SCRIPT_URL],
  'uefi-ovmf-snponly-deb13.pcap': [BY_4011, SCRIPT_URL],
  'uefi-ovmf-snponly-v2.0.0.pcap': [BY_4011, SCRIPT_URL],
  'uefi-ovmf-snponly2019.pcap': [BY_4011, SCRIPT_URL],
  'uefi-qemu-efirom-virtio.pcap': [SCRIPT_URL, BY_4011, SCRIPT_URL],
  'uefi-secboot-shim-grub206.pcap': [BY_4011],
}

test.each(FILES)('beside another server, H18 iPXE never a loader: %s', file => {
  const view = { server: server({ subnets: [] }), fleet: new TestFleet() }
  const told = messagesTo(file, 67).flatMap(message => {
    const decision = respondAsProxy(message, view)
    if (messageTypeOf(message) !== 'discover') {
      expect(decision).toMatchObject({ do: 'silence', reason: 'addresses-elsewhere' })
      return []
    }
    if (decision.do === 'silence') return []
    const reply = decode(encodeWithin(decision.message, limitsFor(message, 1500)).bytes) as DhcpMessage
    expect(reply.yiaddr).toBe('0.0.0.0')
    if (decision.reason === 'boot-offered') return [text(reply, 67)]
    const asks = { ...message, options: new Map([...message.options, [53, Uint8Array.of(3)] as const]) }
    const ack = respondAsBootServer(asks, { address: ip('10.77.0.150'), port: 4011 }, view) as Reply
    return [`port 4011, then ${text(ack.message, 67)}`]
  })
  expect(told.filter((what, i) => what !== told[i - 1])).toEqual(PROXIED[file])
})

test('H06 OVMF and iPXE of one machine say one UUID', () => {
  const uuids = messagesTo('uefi-ovmf-snponly2019.pcap', 67).map(uuidOf)
  expect(new Set(uuids.filter(uuid => uuid !== undefined))).toEqual(new Set(['77000000-0000-4000-8000-000003000002']))
})
