/** TFTP as boot firmware reads a loader (RFC 1350, 2347 to 2349, 7440): option sets, retries and window as OVMF and iPXE use them. */
import { createHash } from 'node:crypto'
import type { Clock } from '../../kit/clock.ts'
import type { Datagram, DatagramPort, Endpoint } from '../../kit/datagram-port.ts'
import type { Ipv4 } from '../../kit/ipv4.ts'

const OPCODE = { read: 1, data: 3, ack: 4, error: 5, oack: 6 } as const
const SERVER_PORT = 69
const DEFAULT_BLOCK_BYTES = 512
/** Sent by OVMF after it has learnt the size, and by anybody who does not like the server's options (RFC 2347). */
const ERROR_OPTIONS = 8
const ERROR_FOREIGN_PORT = 5
/** No loader is larger; more is a server that never stops. */
const LARGEST_FILE_BYTES = 64 * 1024 * 1024

export type TftpOptions = { blksize: number; windowsize?: number }

/** What the firmwares of the captures ask for. */
export const OVMF_OPTIONS: TftpOptions = { blksize: 1468, windowsize: 4 }
export const IPXE_OPTIONS: TftpOptions = { blksize: 1432 }

export type TftpResult = { ok: true; size: number; sha256: string } | { ok: false; reason: string }

export type TftpTools = {
  /** A fresh socket on the machine's own address for every transfer. */
  open: () => Promise<DatagramPort>
  clock: Clock
  signal: AbortSignal
  /** How long one packet is waited for, and how often it is asked for again. */
  waitMs: number
  tries: number
}

export function encodeRead(file: string, options: TftpOptions): Uint8Array {
  const words = [file, 'octet', 'tsize', '0', 'blksize', String(options.blksize)]
  if (options.windowsize !== undefined) words.push('windowsize', String(options.windowsize))
  return Buffer.concat([Uint8Array.of(0, OPCODE.read), Buffer.from(words.map(word => `${word}\0`).join(''), 'latin1')])
}

function encodeAck(block: number): Uint8Array {
  return Uint8Array.of(0, OPCODE.ack, block >> 8, block & 255)
}

function encodeError(code: number, text: string): Uint8Array {
  return Buffer.concat([Uint8Array.of(0, OPCODE.error, 0, code), Buffer.from(`${text}\0`, 'latin1')])
}

type Packet =
  | { type: 'data'; block: number; bytes: Uint8Array }
  | { type: 'oack'; options: Map<string, number> }
  | { type: 'error'; code: number; text: string }

/** Undefined for anything a server has no business to send. Never throws. */
export function decodePacket(bytes: Uint8Array): Packet | undefined {
  if (bytes.length < 4 && bytes[1] !== OPCODE.oack) return undefined
  if (bytes.length < 2 || bytes[0] !== 0) return undefined
  const number = (bytes[2]! << 8) | bytes[3]!
  const words = () => Buffer.from(bytes.subarray(2)).toString('latin1').split('\0')
  switch (bytes[1]) {
    case OPCODE.data:
      return { type: 'data', block: number, bytes: bytes.subarray(4) }
    case OPCODE.error:
      return { type: 'error', code: number, text: Buffer.from(bytes.subarray(4)).toString('latin1').split('\0')[0]! }
    case OPCODE.oack:
      return { type: 'oack', options: pairs(words()) }
    default:
      return undefined
  }
}

function pairs(words: string[]): Map<string, number> {
  const options = new Map<string, number>()
  for (let at = 0; at + 1 < words.length; at += 2) {
    if (words[at] !== '') options.set(words[at]!.toLowerCase(), Number(words[at + 1]))
  }
  return options
}

/** What is wrong with the options that a server chose (RFC 2348, 2349, 7440: never more than was asked for). */
export function objectionTo(chosen: Map<string, number>, asked: TftpOptions): string | undefined {
  const limits: Record<string, number> = {
    blksize: asked.blksize,
    tsize: LARGEST_FILE_BYTES,
    windowsize: asked.windowsize ?? 0,
  }
  for (const [name, value] of chosen) {
    const limit = limits[name]
    if (limit === undefined || (name === 'windowsize' && limit === 0)) return `option ${name} was not asked for`
    const least = name === 'blksize' ? 8 : name === 'windowsize' ? 1 : 0
    if (!Number.isInteger(value) || value < least || value > limit) return `${name} ${value} is out of range`
  }
  return undefined
}

type Progress = {
  server?: Endpoint
  expected: number
  size: number
  inWindow: number
  tsize?: number
  block: number
  window: number
}

/** One transfer: hears packets one by one and answers each. */
class Transfer {
  private readonly hash = createHash('sha256')
  private readonly state: Progress = { expected: 1, size: 0, inWindow: 0, block: DEFAULT_BLOCK_BYTES, window: 1 }
  private last: { bytes: Uint8Array; to: Endpoint }
  private readonly port: DatagramPort
  private readonly asked: TftpOptions
  private readonly probe: boolean

  constructor(port: DatagramPort, asked: TftpOptions, probe: boolean, first: { bytes: Uint8Array; to: Endpoint }) {
    this.port = port
    this.asked = asked
    this.probe = probe
    this.last = first
  }

  repeat(): void {
    this.port.send(this.last.bytes, this.last.to)
  }

  private reply(bytes: Uint8Array): void {
    this.last = { bytes, to: this.state.server! }
    this.repeat()
  }

  /** The result once the transfer is over; undefined while it goes on. */
  hear({ bytes, from }: Datagram): TftpResult | undefined {
    const { state, last } = this
    if (from.address !== last.to.address) return undefined
    // RFC 1350 §4: a packet from another port is somebody else's; that somebody is told, the transfer goes on.
    if (state.server && from.port !== state.server.port) {
      this.port.send(encodeError(ERROR_FOREIGN_PORT, 'unknown transfer'), from)
      return undefined
    }
    const packet = decodePacket(bytes)
    if (!packet) return undefined
    if (packet.type === 'error') return { ok: false, reason: `TFTP error ${packet.code}: ${packet.text}` }
    if (from.port === SERVER_PORT) return { ok: false, reason: 'TFTP: the server answered from port 69 (RFC 1350 §4)' }
    state.server ??= from
    return packet.type === 'oack' ? this.agree(packet.options) : this.take(packet.block, packet.bytes)
  }

  private agree(options: Map<string, number>): TftpResult | undefined {
    const objection = objectionTo(options, this.asked)
    if (objection) {
      this.reply(encodeError(ERROR_OPTIONS, objection))
      return { ok: false, reason: `TFTP: ${objection}` }
    }
    this.state.block = options.get('blksize') ?? DEFAULT_BLOCK_BYTES
    this.state.window = options.get('windowsize') ?? 1
    const tsize = options.get('tsize')
    if (tsize !== undefined) this.state.tsize = tsize
    if (this.probe && tsize !== undefined) {
      this.reply(encodeError(ERROR_OPTIONS, 'User aborted the transfer'))
      return { ok: true, size: tsize, sha256: '' }
    }
    this.reply(encodeAck(0))
    return undefined
  }

  private take(block: number, bytes: Uint8Array): TftpResult | undefined {
    const { state } = this
    if (block !== (state.expected & 0xffff)) {
      // A gap: the server goes back to what was acknowledged last (RFC 7440 §4). A duplicate is not answered (RFC 1123 §4.2.3.1).
      if (state.window > 1 && state.inWindow > 0) this.acknowledge(state.expected - 1)
      return undefined
    }
    if (bytes.length > state.block)
      return { ok: false, reason: `TFTP: block ${block} is longer than ${state.block} bytes` }
    this.hash.update(bytes)
    state.size += bytes.length
    state.inWindow += 1
    const final = bytes.length < state.block
    if (state.size > LARGEST_FILE_BYTES) return { ok: false, reason: 'TFTP: the file does not end' }
    if (final || state.inWindow >= state.window) this.acknowledge(state.expected)
    state.expected += 1
    return final ? this.finish() : undefined
  }

  private acknowledge(block: number): void {
    this.state.inWindow = 0
    this.reply(encodeAck(block & 0xffff))
  }

  private finish(): TftpResult {
    const { size, tsize } = this.state
    if (size === 0) return { ok: false, reason: 'TFTP: the file is empty' }
    if (tsize !== undefined && tsize !== size)
      return { ok: false, reason: `TFTP: tsize said ${tsize} bytes, ${size} came` }
    return { ok: true, size, sha256: this.hash.digest('hex') }
  }
}

async function transfer(
  tools: TftpTools,
  server: Ipv4,
  file: string,
  asked: TftpOptions,
  probe: boolean,
): Promise<TftpResult> {
  const port = await tools.open()
  const first = { bytes: encodeRead(file, asked), to: { address: server, port: SERVER_PORT } }
  try {
    return await run(tools, port, new Transfer(port, asked, probe, first))
  } finally {
    await port.close()
  }
}

/** Drives one transfer: every packet restarts the wait, every wait that ends repeats what was said last. */
function run(tools: TftpTools, port: DatagramPort, running: Transfer): Promise<TftpResult> {
  const { clock, signal, waitMs, tries } = tools
  return new Promise(resolve => {
    let left = tries
    let cancel = () => {}
    const settle = (result: TftpResult) => {
      cancel()
      signal.removeEventListener('abort', powerLost)
      resolve(result)
    }
    const powerLost = () => settle({ ok: false, reason: 'power was cut' })
    const wait = () => {
      cancel()
      cancel = clock.after(waitMs, () => {
        left -= 1
        if (left <= 0) return settle({ ok: false, reason: `TFTP: nothing heard after ${tries} tries` })
        running.repeat()
        wait()
      })
    }
    port.onDatagram(datagram => {
      const result = running.hear(datagram)
      if (result) return settle(result)
      left = tries
      wait()
    })
    signal.addEventListener('abort', powerLost, { once: true })
    running.repeat()
    wait()
  })
}

/**
 * Reads a file as firmware does. With `probe`, OVMF's way: ask for the size, end that with error 8, then read.
 * The result carries the size and the SHA-256 of what came.
 */
export async function tftpRead(
  tools: TftpTools,
  server: Ipv4,
  file: string,
  asked: TftpOptions,
  probe: boolean,
): Promise<TftpResult> {
  if (!probe) return transfer(tools, server, file, asked, false)
  const probed = await transfer(tools, server, file, asked, true)
  if (!probed.ok) return probed
  const read = await transfer(tools, server, file, asked, false)
  if (read.ok && read.size !== probed.size) {
    return { ok: false, reason: `TFTP: the probe said ${probed.size} bytes, the file has ${read.size}` }
  }
  return read
}
