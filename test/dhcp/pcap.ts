/** Reads classic pcap files of Ethernet frames, as far as UDP over IPv4. */
import { readFileSync } from 'node:fs'
import { type Ipv4, ipv4FromBytes } from '../../services/kit/ipv4.ts'

export type UdpPacket = {
  from: Ipv4
  fromPort: number
  to: Ipv4
  toPort: number
  payload: Uint8Array
}

const MAGIC_MICROSECONDS_LITTLE_ENDIAN = 0xa1b2c3d4
const FILE_HEADER = 24
const RECORD_HEADER = 16
const ETHERNET_HEADER = 14

export function readUdpPackets(file: string): UdpPacket[] {
  const bytes = readFileSync(file)
  if (bytes.readUInt32LE(0) !== MAGIC_MICROSECONDS_LITTLE_ENDIAN) throw new Error(`${file} is no pcap file`)
  const packets: UdpPacket[] = []
  let at = FILE_HEADER
  while (at < bytes.length) {
    const length = bytes.readUInt32LE(at + 8)
    const packet = readFrame(bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length))
    if (packet) packets.push(packet)
    at += RECORD_HEADER + length
  }
  return packets
}

function readFrame(frame: Buffer): UdpPacket | undefined {
  const ip = frame.subarray(ETHERNET_HEADER)
  if (frame.readUInt16BE(12) !== 0x0800 || ip[9] !== 17) return undefined
  const udp = ip.subarray((ip[0]! & 15) * 4)
  return {
    from: ipv4FromBytes(ip.subarray(12, 16))!,
    to: ipv4FromBytes(ip.subarray(16, 20))!,
    fromPort: udp.readUInt16BE(0),
    toPort: udp.readUInt16BE(2),
    payload: Uint8Array.from(udp.subarray(8, udp.readUInt16BE(4))),
  }
}
