/** A TFTP client as firmware is one: it asks, takes blocks in order, acknowledges windows, and retries when nothing comes. */
import type { DatagramPort, Endpoint } from '../../services/kit/datagram-port.ts'
import { decodePacket, encodePacket, type TftpOption } from '../../services/tftp/packet.ts'

export type Download = {
  /** Complete once a short block came. */
  done: boolean
  bytes: Uint8Array
  options: TftpOption[]
  error?: { code: number; text: string }
  server?: Endpoint
  blocksHeard: number
  /** What a ROM does when its timer fires: the request again, or the last ACK again. */
  retry: () => void
}

export function download(
  port: DatagramPort,
  server: Endpoint,
  name: string,
  options: TftpOption[] = [],
  mode = 'octet',
): Download {
  let chunks: Uint8Array[] = []
  let expected = 1
  let blockSize = 512
  let windowSize = 1
  let rollTo = 0
  const state: Download = { done: false, bytes: new Uint8Array(0), options: [], blocksHeard: 0, retry: () => ask() }
  const ask = (): void => port.send(encodePacket({ op: 'rrq', name, mode, options }), server)
  const wire = (block: number): number => (rollTo === 1 && block > 0 ? ((block - 1) % 0xffff) + 1 : block & 0xffff)
  const acknowledge = (): void => {
    if (state.server) port.send(encodePacket({ op: 'ack', block: wire(expected - 1) }), state.server)
  }
  port.onDatagram(({ bytes, from }) => {
    state.server ??= from
    const packet = decodePacket(bytes)
    if (from.port !== state.server.port || !packet) return
    state.retry = acknowledge
    if (packet.op === 'error') state.error = { code: packet.code, text: packet.text }
    if (packet.op === 'oack') {
      state.options = packet.options
      const valueOf = (wanted: string) => packet.options.find(([option]) => option.toLowerCase() === wanted)?.[1]
      blockSize = Number(valueOf('blksize') ?? 512)
      windowSize = Number(valueOf('windowsize') ?? 1)
      rollTo = Number(valueOf('rollover') ?? 0)
      acknowledge()
    }
    if (packet.op === 'data') {
      state.blocksHeard += 1
      if (packet.block !== wire(expected)) {
        // A gap: say what arrived (RFC 7440 §4); the last one again: its ACK was lost.
        if (packet.block === wire(expected - 1) || packet.block > wire(expected)) acknowledge()
        return
      }
      chunks.push(packet.payload)
      expected += 1
      const last = packet.payload.length < blockSize
      if (last || (expected - 1) % windowSize === 0) acknowledge()
      if (last) {
        state.done = true
        state.bytes = Buffer.concat(chunks)
        chunks = []
      }
    }
  })
  ask()
  return state
}
