#!/usr/bin/env node
/**
 * Machines that download by HTTP, in one process of its own: system calls through libc, one poll(2), and bytes that are thrown away where they arrive
 * (MSG_TRUNC, tcp(7)), so that the servers are measured and not the client. Usage: http-client.ts '{"server":"10.0.0.1","port":80,"path":"/x",...}'; prints
 * one JSON line.
 */
import koffi from 'koffi'
import { type Ipv4, ipv4ToBytes } from '../../services/kit/ipv4.ts'

export type DownloadRequest = {
  server: Ipv4
  port: number
  /** Where the clients stand. */
  from: Ipv4
  path: string
  clients: number
  /** The first bytes of the body only, if it has more. */
  bytes: number
  /** Again and again, until it is stopped. */
  forEver?: boolean
}

export type DownloadResult = {
  /** From the first connection to the last byte. */
  ms: number
  bytes: number
  /** Clients that got everything that was promised to them. */
  complete: number
  /** Of this process. */
  cpuMs: number
  error?: string
}

const AF_INET = 2
const SOCK_STREAM = 1
const MSG_PEEK = 0x2
const MSG_TRUNC = 0x20
const MSG_DONTWAIT = 0x40
const POLLIN = 1
const POLL_BYTES = 8
const POLL_MS = 1000
const SOCKADDR_BYTES = 16
const HEAD_BYTES = 4096
/** In one system call; more than a socket holds. */
const MOST_BYTES = 64 * 1024 * 1024

const library = koffi.load('libc.so.6')
const libc = {
  socket: library.func('int socket(int, int, int)'),
  bind: library.func('int bind(int, const uint8_t *, uint32_t)'),
  connect: library.func('int connect(int, const uint8_t *, uint32_t)'),
  send: library.func('int64_t send(int, const uint8_t *, size_t, int)'),
  recv: library.func('int64_t recv(int, uint8_t *, size_t, int)'),
  poll: library.func('int poll(uint8_t *, unsigned long, int)'),
  close: library.func('int close(int)'),
}

function socketAddress(address: Ipv4, port: number): Uint8Array {
  const bytes = Buffer.alloc(SOCKADDR_BYTES)
  bytes.writeUInt16LE(AF_INET, 0)
  bytes.writeUInt16BE(port, 2)
  bytes.set(ipv4ToBytes(address), 4)
  return bytes
}

class Client {
  readonly socket: number
  readonly #head = Buffer.alloc(HEAD_BYTES)
  /** Of the body; undefined before its head came. */
  #left: number | undefined
  received = 0

  constructor({ server, port, from, path, bytes }: DownloadRequest) {
    this.socket = libc.socket(AF_INET, SOCK_STREAM, 0)
    if (libc.bind(this.socket, socketAddress(from, 0), SOCKADDR_BYTES) < 0) throw new Error(`cannot be at ${from}`)
    if (libc.connect(this.socket, socketAddress(server, port), SOCKADDR_BYTES) < 0) throw new Error('cannot connect')
    const lines = [`GET ${path} HTTP/1.1`, 'Host: bench', `Range: bytes=0-${bytes - 1}`, 'Connection: close', '', '']
    const request = Buffer.from(lines.join('\r\n'))
    if (libc.send(this.socket, request, request.length, 0) !== request.length) throw new Error('cannot ask')
  }

  /** Takes what is there; whether that was the end. Throws when the end came too early. */
  read(): boolean {
    this.#left ??= this.#readHead()
    if (this.#left === undefined) return false
    const taken = libc.recv(this.socket, null, Math.min(this.#left, MOST_BYTES), MSG_TRUNC | MSG_DONTWAIT) as number
    if (taken === 0 && this.#left > 0) throw new Error(`cut off, ${this.#left} bytes before the end`)
    if (taken > 0) {
      this.#left -= taken
      this.received += taken
    }
    return this.#left === 0
  }

  close(): void {
    libc.close(this.socket)
  }

  #readHead(): number | undefined {
    const there = libc.recv(this.socket, this.#head, HEAD_BYTES, MSG_PEEK | MSG_DONTWAIT) as number
    const text = this.#head.toString('latin1', 0, Math.max(there, 0))
    const end = text.indexOf('\r\n\r\n')
    if (there === 0) throw new Error('cut off in its head')
    if (end < 0) return undefined
    libc.recv(this.socket, this.#head, end + 4, 0)
    const [, status] = /^HTTP\/1\.1 (\d+)/.exec(text) ?? []
    const [, length] = /^content-length: (\d+)/im.exec(text) ?? []
    if (status !== '206' || length === undefined) throw new Error(`answered ${text.slice(0, end)}`)
    return Number(length)
  }
}

/** Resolves nothing and waits for nobody: this process has no event loop to speak of. */
function download(request: DownloadRequest): { complete: number; bytes: number } {
  let clients = Array.from({ length: request.clients }, () => new Client(request))
  const total = { complete: 0, bytes: 0 }
  while (clients.length > 0) {
    const entries = Buffer.alloc(clients.length * POLL_BYTES)
    for (const [index, { socket }] of clients.entries()) {
      entries.writeInt32LE(socket, index * POLL_BYTES)
      entries.writeInt16LE(POLLIN, index * POLL_BYTES + 4)
    }
    libc.poll(entries, clients.length, POLL_MS)
    clients = clients.flatMap((client, index) => {
      if (entries.readInt16LE(index * POLL_BYTES + 6) === 0 || !client.read()) return [client]
      client.close()
      total.complete += 1
      total.bytes += client.received
      return request.forEver ? [new Client(request)] : []
    })
  }
  return total
}

function measure(request: DownloadRequest): DownloadResult {
  const [began, cpu] = [performance.now(), process.cpuUsage()]
  try {
    const { complete, bytes } = download(request)
    const { user, system } = process.cpuUsage(cpu)
    return { ms: performance.now() - began, bytes, complete, cpuMs: (user + system) / 1000 }
  } catch (error) {
    return { ms: 0, bytes: 0, complete: 0, cpuMs: 0, error: error instanceof Error ? error.message : String(error) }
  }
}

if (import.meta.main) {
  const result = measure(JSON.parse(process.argv[2]!) as DownloadRequest)
  process.stdout.write(`${JSON.stringify(result)}\n`)
  process.exitCode = result.error ? 1 : 0
}
