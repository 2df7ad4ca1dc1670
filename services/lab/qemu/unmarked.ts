/**
 * Makes iPXE in QEMU's ROM look like a vendor's PXE ROM, which says neither `iPXE` as its user class (77) nor sends iPXE's
 * own options (175). So that the loader goes over TFTP as it does in the field, both are taken out of the machine's
 * requests until its first TFTP read request; what speaks after that is the loader, and may say who it is.
 */

const ETHERNET_BYTES = 14
const ETHERTYPE_IPV4 = 0x0800
const PROTOCOL_UDP = 17
const UDP_BYTES = 8
const DHCP_SERVER_PORT = 67
/** PXE's boot server. */
const BOOT_SERVER_PORT = 4011
const TFTP_PORT = 69
const TFTP_READ = 1
/** Fixed fields of BOOTP (RFC 951), before the magic cookie of RFC 2132 §2. */
const BOOTP_BYTES = 236
const MAGIC_COOKIE = 0x63825363
const PAD = 0
const END = 255
const MARKS: ReadonlySet<number> = new Set([77, 175])

type UdpFrame = { port: number; ip: Buffer; udp: Buffer; payload: Buffer }

/** The UDP datagram of a frame, as views on its bytes; undefined for everything else, fragments too. */
function udpOf(frame: Buffer): UdpFrame | undefined {
  if (frame.length < ETHERNET_BYTES + 20 + UDP_BYTES || frame.readUInt16BE(12) !== ETHERTYPE_IPV4) return undefined
  const packet = frame.subarray(ETHERNET_BYTES)
  const headerBytes = (packet[0]! & 15) * 4
  const length = packet.readUInt16BE(2)
  const fragment = (packet.readUInt16BE(6) & 0x3fff) !== 0
  if (fragment || packet[9] !== PROTOCOL_UDP || headerBytes < 20) return undefined
  if (length > packet.length || length < headerBytes + UDP_BYTES) return undefined
  const udp = packet.subarray(headerBytes, length)
  const udpBytes = udp.readUInt16BE(4)
  if (udpBytes < UDP_BYTES || udpBytes > udp.length) return undefined
  const datagram = udp.subarray(0, udpBytes)
  return {
    port: udp.readUInt16BE(2),
    ip: packet.subarray(0, headerBytes),
    udp: datagram,
    payload: datagram.subarray(UDP_BYTES),
  }
}

/** Is this Ethernet frame a TFTP read request (RFC 1350 §5)? */
export function isTftpRead(frame: Buffer): boolean {
  const found = udpOf(frame)
  return found?.port === TFTP_PORT && found.payload.length >= 2 && found.payload.readUInt16BE(0) === TFTP_READ
}

/** The frame without iPXE's marks, if it is a DHCP request that has them; else the same frame. Its length never changes. */
export function withoutMarks(frame: Buffer): Buffer {
  const copy = Buffer.from(frame)
  const found = udpOf(copy)
  if (found?.port !== DHCP_SERVER_PORT && found?.port !== BOOT_SERVER_PORT) return frame
  if (!blankMarks(found.payload)) return frame
  writeChecksum(found)
  return copy
}

/** Overwrites the options with pad bytes (RFC 2132 §3.1). Whether there were any. */
function blankMarks(message: Buffer): boolean {
  if (message.length < BOOTP_BYTES + 4 || message.readUInt32BE(BOOTP_BYTES) !== MAGIC_COOKIE) return false
  let blanked = false
  for (let at = BOOTP_BYTES + 4; at < message.length; ) {
    const code = message[at]!
    if (code === END) break
    const next = code === PAD ? at + 1 : at + 2 + (message[at + 1] ?? 0)
    if (MARKS.has(code)) {
      message.fill(PAD, at, Math.min(next, message.length))
      blanked = true
    }
    at = next
  }
  return blanked
}

/** RFC 768: over the addresses, the protocol, the length and the datagram; a sum of zero is sent as all ones. */
function writeChecksum({ ip, udp }: UdpFrame): void {
  udp.writeUInt16BE(0, 6)
  const pseudo = Buffer.alloc(12)
  ip.copy(pseudo, 0, 12, 20)
  pseudo[9] = PROTOCOL_UDP
  pseudo.writeUInt16BE(udp.length, 10)
  const odd = udp.length % 2 === 1 ? [Buffer.alloc(1)] : []
  const bytes = Buffer.concat([pseudo, udp, ...odd])
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  udp.writeUInt16BE(~sum & 0xffff || 0xffff, 6)
}
