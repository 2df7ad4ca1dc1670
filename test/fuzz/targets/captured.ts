/** Messages of real firmware and clients, from the captures of test/vectors/dhcp. */
import { readdirSync } from 'node:fs'
import { readUdpPackets } from '../../dhcp/pcap.ts'

const FOLDER = new URL('../../vectors/dhcp/', import.meta.url)

/** Payloads that went to one of these UDP ports, each once. */
export function capturedPayloads(...ports: number[]): Uint8Array[] {
  const files = readdirSync(FOLDER).filter(name => name.endsWith('.pcap'))
  const packets = files.flatMap(name => readUdpPackets(new URL(name, FOLDER).pathname))
  const byOctets = new Map(
    packets
      .filter(({ toPort }) => ports.includes(toPort))
      .map(({ payload }) => [Buffer.from(payload).toString('hex'), payload]),
  )
  return [...byOctets.values()]
}
