/**
 * What every message of the captures is told, to the option: fields, values, order, destination. captures.test.ts has the stories; this is the
 * fine print, written down once for each firmware and referred to by capture.
 */
import { expect, test } from 'vitest'
import { dhcpPlan } from '../../services/boot/plan.ts'
import { decode, encodeWithin, limitsFor } from '../../services/dhcp/codec.ts'
import { destinationOf } from '../../services/dhcp/destination.ts'
import { clientOf } from '../../services/dhcp/identify.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { addresses, messageTypeOf } from '../../services/dhcp/options.ts'
import { codes, hex, ip, text } from './messages.ts'
import { readUdpPackets } from './pcap.ts'
import { ANSWER, Bench, SCRIPT_URL, subnet } from './rig.ts'

const FOLDER = new URL('../vectors/dhcp/', import.meta.url)
const ADDRESS = ip('10.77.0.100')
const SITE = subnet('10.77.0.0/24', ['10.77.0.100-10.77.0.250'], {
  router: ip('10.77.0.254'),
  ntp: [ip('10.77.0.1')],
})

type Told = {
  siaddr: string
  file: string
  /** Codes in their order: type, server, lease time; what was asked for as it was asked; the rest; 61 at the end. */
  options: number[]
  /** Values that differ between kinds of clients. */
  values: Record<number, string | undefined>
}

/** 43 says to take the file of this reply and to ask no boot server. */
const PXE = { 43: '060108ff', 60: 'PXEClient', 66: '10.77.0.1' }

const ROM: Told = {
  siaddr: '10.77.0.1',
  file: 'undionly.kpxe',
  options: [53, 54, 51, 1, 3, 6, 15, 42, 43, 60, 66, 67, 119, 58, 59, 97, 61],
  values: { ...PXE, 67: 'undionly.kpxe' },
}
/** OVMF sends no client identifier, so none comes back; it asks for every option from 1 on. */
const OVMF: Told = {
  siaddr: '10.77.0.1',
  file: 'snponly.efi',
  options: [53, 54, 51, 1, 3, 6, 15, 28, 42, 43, 58, 59, 60, 66, 67, 97],
  values: { ...PXE, 67: 'snponly.efi' },
}
/** A whole URL, and nothing of TFTP. */
const OVMF_HTTP: Told = {
  siaddr: '10.77.0.1',
  file: 'http://10.77.0.1/loaders/snponly.efi',
  options: [53, 54, 51, 1, 3, 6, 15, 28, 42, 58, 59, 60, 67, 97],
  values: { 60: 'HTTPClient', 67: 'http://10.77.0.1/loaders/snponly.efi' },
}
/** No option 60, and 175.176 against waiting for a proxy. iPXE of 2019 does not ask for NTP servers. */
const IPXE_2019: Told = {
  siaddr: '10.77.0.1',
  file: SCRIPT_URL,
  options: [53, 54, 51, 1, 3, 6, 15, 67, 119, 175, 58, 59, 42, 61],
  values: { 67: SCRIPT_URL, 175: 'b00101' },
}
const IPXE: Told = { ...IPXE_2019, options: [53, 54, 51, 1, 3, 6, 15, 42, 67, 119, 175, 58, 59, 61] }
/** The installer's two options, and nothing to boot. */
const UDHCPC: Told = {
  siaddr: '0.0.0.0',
  file: '',
  options: [53, 54, 51, 1, 3, 6, 15, 28, 42, 119, 250, 251, 58, 59, 61],
  values: { 250: ANSWER.url, 251: ANSWER.fingerprint },
}
const DHCLIENT: Told = { ...UDHCPC, options: [53, 54, 51, 1, 28, 3, 15, 6, 250, 251, 58, 59, 42] }

/** `*` marks who sets the BROADCAST flag. Each of them sends DISCOVER and REQUEST, and is told the same in OFFER and ACK. */
const TELLS: Record<string, [who: string, told: Told][]> = {
  'bios-qemu-rom-ipxe2019-e1000': [
    ['ipxe x86-bios', IPXE_2019],
    ['installer', UDHCPC],
  ],
  'bios-qemu-rom-ipxe2019-virtio': [
    ['ipxe x86-bios', IPXE_2019],
    ['installer', UDHCPC],
  ],
  'bios-vendorlike-rom-undionly-deb13': [
    ['firmware x86-bios', ROM],
    ['ipxe x86-bios *', IPXE],
    ['installer', UDHCPC],
  ],
  'bios-vendorlike-rom-undionly2019-e1000': [
    ['firmware x86-bios', ROM],
    ['ipxe x86-bios *', IPXE_2019],
    ['installer', UDHCPC],
  ],
  'bios-vendorlike-rom-undionly2019-virtio': [
    ['firmware x86-bios', ROM],
    ['ipxe x86-bios *', IPXE_2019],
    ['installer', UDHCPC],
  ],
  'client-dhclient': [['installer', DHCLIENT]],
  'client-udhcpc': [['installer', UDHCPC]],
  'uefi-httpboot-snponly-deb13': [
    ['firmware x64-uefi *', OVMF_HTTP],
    ['ipxe x64-uefi *', IPXE],
    ['installer', UDHCPC],
  ],
  'uefi-ovmf-snponly-deb13': [
    ['firmware x64-uefi *', OVMF],
    ['ipxe x64-uefi *', IPXE],
  ],
  'uefi-ovmf-snponly-v2.0.0': [
    ['firmware x64-uefi *', OVMF],
    ['ipxe x64-uefi *', IPXE],
    ['installer', UDHCPC],
  ],
  'uefi-ovmf-snponly2019': [
    ['firmware x64-uefi *', OVMF],
    ['ipxe x64-uefi', IPXE_2019],
    ['installer', UDHCPC],
  ],
  'uefi-qemu-efirom-virtio': [
    ['ipxe x64-uefi', IPXE_2019],
    ['firmware x64-uefi *', OVMF],
    ['ipxe x64-uefi *', IPXE],
    ['installer', UDHCPC],
  ],
  'uefi-secboot-shim-grub206': [
    ['firmware x64-uefi *', OVMF],
    ['installer', UDHCPC],
  ],
}

function messagesOf(capture: string): DhcpMessage[] {
  const packets = readUdpPackets(new URL(`${capture}.pcap`, FOLDER).pathname).filter(({ toPort }) => toPort === 67)
  return packets.map(({ payload }) => {
    const message = decode(payload)
    if (isMalformed(message)) throw new Error(`${capture}: ${message.malformed}`)
    // The capture's server gave other addresses; machines take what they are offered.
    const wants: [number, Uint8Array][] = message.options.has(50) ? [[50, addresses([ADDRESS])]] : []
    return { ...message, options: new Map([...message.options, ...wants]) }
  })
}

function speakerOf(message: DhcpMessage): string {
  const { boot } = clientOf(message)!
  const architecture = 'architecture' in boot ? boot.architecture : undefined
  return [boot.stage, architecture, message.broadcast ? '*' : undefined].filter(Boolean).join(' ')
}

const BINARY = new Set([43, 97, 175])

/** What the machine reads from the octets of the reply. */
function heardBy(request: DhcpMessage, site: Bench) {
  const reply = site.reply(request)
  const { bytes, dropped } = encodeWithin(reply.message, limitsFor(request, 1500))
  const heard = decode(bytes) as DhcpMessage
  const values = [43, 60, 66, 67, 175, 250, 251].flatMap(code => {
    const value = BINARY.has(code) ? hex(heard, code) : text(heard, code)
    return value === undefined ? [] : [[code, value] as const]
  })
  const { siaddr, file } = heard
  return {
    answers: `${messageTypeOf(request)} ${messageTypeOf(heard)} ${heard.yiaddr}`,
    told: { siaddr, file, options: codes(heard), values: Object.fromEntries(values) } satisfies Told,
    destination: destinationOf(request, reply.type, 68),
    echoed: [heard.xid, heard.broadcast, hex(heard, 61), hex(heard, 97)],
    dropped,
  }
}

/** A machine with Secure Boot sends what one without sends; told of its own loader, it hears shim in every place where it may look. */
test('H21 uefi-secboot-shim-grub206 as a machine that loads shim: the file field has the folder in which shim looks for GRUB', () => {
  const site = new Bench({ subnets: [SITE] })
  const signed = new Set(['shimx64.efi.signed', 'grubnetx64.efi.signed'])
  const requests = messagesOf('uefi-secboot-shim-grub206').filter(message => speakerOf(message).startsWith('firmware'))
  expect(requests.length).toBeGreaterThan(1)
  for (const request of requests) {
    const { mac, boot } = clientOf(request)!
    site.fleet.plans.set(mac, dhcpPlan(boot, { scriptUrl: SCRIPT_URL, loader: 'grub' }, signed))
    site.now += 1000
    const file = 'grub/shimx64.efi'
    expect(heardBy(request, site).told).toEqual({ ...OVMF, file, values: { ...PXE, 67: file } })
  }
})

test.each(Object.entries(TELLS))('%s', (capture, tells) => {
  const site = new Bench({ subnets: [SITE] })
  const spoken: string[] = []
  for (const request of messagesOf(capture)) {
    site.now += 1000
    const speaker = speakerOf(request)
    if (spoken.at(-1) !== speaker) spoken.push(speaker)
    const [, told] = tells[spoken.length - 1] ?? []
    const isDiscover = messageTypeOf(request) === 'discover'
    expect(heardBy(request, site)).toEqual({
      answers: isDiscover ? 'discover offer 10.77.0.100' : 'request ack 10.77.0.100',
      told,
      // None of these machines has an address yet.
      destination: { address: '255.255.255.255', port: 68 },
      echoed: [
        request.xid,
        request.broadcast,
        hex(request, 61),
        // Back to who boots by PXE or HTTP, and to nobody else.
        told?.options.includes(97) ? hex(request, 97) : undefined,
      ],
      dropped: [],
    })
  }
  expect(spoken).toEqual(tells.map(([who]) => who))
})
