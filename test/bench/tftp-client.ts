#!/usr/bin/env node
/**
 * A rack of TFTP clients in one process of its own: blocking system calls through libc and no event loop, so that the servers are measured and not
 * the client. Losses are drawn here, at the client's edge of the wire in both directions, since the kernel may have no netem; the seed makes every
 * server lose the same. Usage: tftp-client.ts '{"server":"10.0.0.1","port":69,"name":"x","file":"/x",...}'; prints one JSON line.
 */
import { readFileSync } from 'node:fs'
import koffi from 'koffi'
import { type Ipv4, ipv4FromNumber, ipv4ToBytes, ipv4ToNumber } from '../../services/kit/ipv4.ts'

export type RackRequest = {
  server: string
  port: number
  /** What the server is asked for, and where the same octets are on this disk. */
  name: string
  file: string
  clients: number
  blockSize: number
  windowSize: number
  /** Of datagrams in each direction, 0 to 1. */
  loss: number
  seed: number
  /** How often, one after the other; one more before that is not counted when there are several. */
  repeats: number
  /** Each run is given up then. */
  limitMs: number
  /** Each client speaks from an address of its own, from this one on: servers bound what one address may have. */
  firstAddress: string
}

/** Of all runs that count. */
export type RackResult = {
  /** Downloads that came whole and as they should be. */
  completed: number
  /** Octets that came and were compared with the file. */
  bytes: number
  ms: number
  /** Times that a client had to ask again because nothing came for a second. */
  retries: number
  /** What the server granted. */
  windowSize: number
  /** Of this process, while it ran: the client must not be what is measured. */
  cpuMs: number
  error?: string
}

const AF_INET = 2
const SOCK_DGRAM = 2
const MSG_DONTWAIT = 0x40
const EPOLL_CTL_ADD = 1
const EPOLLIN = 1
const EPOLL_EVENT_BYTES = process.arch === 'x64' ? 12 : 16
const EPOLL_DATA_AT = EPOLL_EVENT_BYTES - 8
const SOL_SOCKET = 1
const SO_RCVBUF = 8
const SOCKADDR_BYTES = 16
const LARGEST_DATAGRAM = 65_536
const EVENTS = 64
/** What a patient ROM waits before it asks again. */
const RETRY_MS = 1000

const libc = koffi.load('libc.so.6')
const socket = libc.func('int socket(int, int, int)')
const setsockopt = libc.func('int setsockopt(int, int, int, const uint8_t *, uint32_t)')
const bind = libc.func('int bind(int, const uint8_t *, uint32_t)')
const sendto = libc.func('long sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)')
const recvfrom = libc.func('long recvfrom(int, void *, size_t, int, void *, void *)')
const close = libc.func('int close(int)')
const epollCreate = libc.func('int epoll_create1(int)')
const epollControl = libc.func('int epoll_ctl(int, int, int, const uint8_t *)')
const epollWait = libc.func('int epoll_wait(int, void *, int, int)')

const arena = koffi.alloc('uint8_t', LARGEST_DATAGRAM)
const incoming = Buffer.from(koffi.view(arena, LARGEST_DATAGRAM))
const fromArena = koffi.alloc('uint8_t', SOCKADDR_BYTES)
const fromBytes = Buffer.from(koffi.view(fromArena, SOCKADDR_BYTES))
const lengthArena = koffi.alloc('uint32_t', 1)
const fromLength = Buffer.from(koffi.view(lengthArena, 4))
const eventsArena = koffi.alloc('uint8_t', EVENTS * EPOLL_EVENT_BYTES)
const events = Buffer.from(koffi.view(eventsArena, EVENTS * EPOLL_EVENT_BYTES))

function endpoint(address: string, port: number): Buffer {
  const bytes = Buffer.alloc(SOCKADDR_BYTES)
  bytes.writeUInt16LE(AF_INET, 0)
  bytes.writeUInt16BE(port, 2)
  bytes.set(ipv4ToBytes(address as Ipv4), 4)
  return bytes
}

/** xorshift32: the same losses for the same seed. */
function chance(seed: number): () => number {
  let state = seed | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

/** Takes blocks in order, acknowledges windows, tells of a gap once (RFC 7440 §4), and asks again after a second of silence. */
class Client {
  done = false
  bytes = 0
  retries = 0
  retryAt = 0
  windowSize = 1
  readonly fd: number
  readonly #expected: Buffer
  readonly #isLost: () => boolean
  #to: Buffer
  #toPort = 0
  #last: Buffer
  #block = 0
  #blockSize = 512
  #gapTold = false
  #lastWords: Buffer

  constructor(request: RackRequest, index: number, expected: Buffer, isLost: () => boolean) {
    this.#expected = expected
    this.#isLost = isLost
    this.fd = socket(AF_INET, SOCK_DGRAM, 0) as number
    const size = Buffer.alloc(4)
    size.writeInt32LE(1 << 20)
    setsockopt(this.fd, SOL_SOCKET, SO_RCVBUF, size, 4)
    const address = ipv4FromNumber(ipv4ToNumber(request.firstAddress as Ipv4) + index)
    if (bind(this.fd, endpoint(address, 0), SOCKADDR_BYTES) !== 0) throw new Error(`no address ${address}`)
    this.#to = endpoint(request.server, request.port)
    const words = [request.name, 'octet', 'tsize', '0', 'blksize', String(request.blockSize)]
    if (request.windowSize > 1) words.push('windowsize', String(request.windowSize))
    this.#last = Buffer.concat([Buffer.from([0, 1]), Buffer.from(words.map(word => `${word}\0`).join(''))])
    this.#lastWords = Buffer.from([0, 4, 0, 0])
    this.say(performance.now())
  }

  say(now: number): void {
    this.retryAt = now + RETRY_MS
    if (!this.#isLost()) sendto(this.fd, this.#last, this.#last.length, 0, this.#to, SOCKADDR_BYTES)
  }

  #acknowledge(now: number): void {
    this.#lastWords.writeUInt16BE(this.#block & 0xffff, 2)
    this.#last = this.#lastWords
    this.say(now)
  }

  /** The datagram is in `incoming` and `fromBytes`. */
  hear(length: number, now: number): void {
    const port = fromBytes.readUInt16BE(2)
    if (this.#toPort === 0) {
      this.#toPort = port
      this.#to = Buffer.from(fromBytes)
    }
    if (port !== this.#toPort) return
    const opcode = incoming.readUInt16BE(0)
    if (opcode === 3) this.#take(length, now)
    if (opcode === 6) this.#agree(length, now)
    if (opcode === 5)
      throw new Error(`TFTP error ${incoming.readUInt16BE(2)}: ${incoming.toString('latin1', 4, length - 1)}`)
  }

  #agree(length: number, now: number): void {
    if (this.#block > 0) return
    const words = incoming.toString('latin1', 2, length - 1).split('\0')
    const options = new Map<string, number>()
    for (let at = 0; at + 1 < words.length; at += 2) options.set(words[at]!.toLowerCase(), Number(words[at + 1]))
    this.#blockSize = options.get('blksize') ?? 512
    this.windowSize = options.get('windowsize') ?? 1
    if (options.get('tsize') !== this.#expected.length) throw new Error(`tsize ${options.get('tsize')} is wrong`)
    this.#acknowledge(now)
  }

  #take(length: number, now: number): void {
    const number = incoming.readUInt16BE(2)
    if (number !== ((this.#block + 1) & 0xffff)) {
      const behind = (this.#block - number) & 0xffff
      // The ACK of the last one was lost; or there is a gap in the window.
      if (behind === 0 || (behind > 0x8000 && !this.#gapTold)) {
        this.#gapTold = behind > 0
        this.#acknowledge(now)
      }
      return
    }
    this.#gapTold = false
    const size = length - 4
    const at = this.#block * this.#blockSize
    if (size > this.#blockSize || incoming.compare(this.#expected, at, at + size, 4, length) !== 0)
      throw new Error(`block ${this.#block + 1} differs from the file`)
    this.#block += 1
    this.bytes += size
    this.done = size < this.#blockSize
    if (this.done || this.#block % this.windowSize === 0) this.#acknowledge(now)
    else this.retryAt = now + RETRY_MS
    if (this.done && this.bytes !== this.#expected.length)
      throw new Error(`${this.bytes} octets came, not ${this.#expected.length}`)
  }
}

class Rack {
  readonly clients: Client[] = []
  readonly #request: RackRequest
  readonly #byFd = new Map<number, Client>()
  readonly #isLost: () => boolean
  readonly #epoll = epollCreate(0) as number

  constructor(request: RackRequest) {
    this.#request = request
    const draw = chance(request.seed)
    this.#isLost = request.loss > 0 ? () => draw() < request.loss : () => false
    const expected = readFileSync(request.file)
    for (let index = 0; index < request.clients; index += 1) {
      const client = new Client(request, index, expected, this.#isLost)
      this.clients.push(client)
      this.#byFd.set(client.fd, client)
      const event = Buffer.alloc(EPOLL_EVENT_BYTES)
      event.writeUInt32LE(EPOLLIN, 0)
      event.writeUInt32LE(client.fd, EPOLL_DATA_AT)
      epollControl(this.#epoll, EPOLL_CTL_ADD, client.fd, event)
    }
  }

  close(): void {
    for (const { fd } of this.clients) close(fd)
    close(this.#epoll)
  }

  run(): void {
    const end = performance.now() + this.#request.limitMs
    for (;;) {
      const running = this.clients.filter(client => !client.done)
      if (running.length === 0) return
      const now = performance.now()
      if (now > end) throw new Error(`not done after ${this.#request.limitMs} ms`)
      const next = Math.min(end, ...running.map(({ retryAt }) => retryAt))
      this.#listen(Math.max(0, Math.ceil(next - now)))
      const later = performance.now()
      for (const client of running) {
        if (client.done || client.retryAt > later) continue
        client.retries += 1
        client.say(later)
      }
    }
  }

  /** Until one of the clients' timers is due, or some client has ended. */
  #listen(waitMs: number): void {
    const until = performance.now() + waitMs
    for (;;) {
      const left = until - performance.now()
      const count = epollWait(this.#epoll, eventsArena, EVENTS, Math.max(0, Math.ceil(left))) as number
      let ended = false
      for (let index = 0; index < count; index += 1) {
        const client = this.#byFd.get(events.readUInt32LE(index * EPOLL_EVENT_BYTES + EPOLL_DATA_AT))!
        this.#drain(client)
        ended ||= client.done
      }
      if (ended || left <= 0) return
    }
  }

  #drain(client: Client): void {
    for (let most = 256; most > 0; most -= 1) {
      fromLength.writeUInt32LE(SOCKADDR_BYTES, 0)
      const length = recvfrom(client.fd, arena, LARGEST_DATAGRAM, MSG_DONTWAIT, fromArena, lengthArena) as number
      if (length < 4) return
      if (!client.done && !this.#isLost()) client.hear(length, performance.now())
      // One datagram is all that comes without windows; asking again would only cost a system call.
      if (client.windowSize === 1) return
    }
  }
}

/** Every client downloads the file once. */
function runOnce(request: RackRequest): RackResult {
  const cpuAt = process.cpuUsage()
  const start = performance.now()
  const rack = new Rack(request)
  let error: string | undefined
  try {
    rack.run()
  } catch (thrown) {
    error = (thrown as Error).message
  }
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(cpuAt)
  rack.close()
  const sum = (of: (client: Client) => number): number => rack.clients.reduce((total, client) => total + of(client), 0)
  return {
    completed: rack.clients.filter(({ done }) => done).length,
    bytes: sum(({ bytes }) => bytes),
    ms,
    retries: sum(({ retries }) => retries),
    windowSize: rack.clients[0]!.windowSize,
    cpuMs: (user + system) / 1000,
    ...(error ? { error } : {}),
  }
}

function runAll(request: RackRequest): RackResult {
  if (request.repeats > 1) runOnce(request)
  const runs = Array.from({ length: request.repeats }, (_, index) =>
    runOnce({ ...request, seed: request.seed + index }),
  )
  const failed = runs.find(({ error }) => error)
  const sum = (of: (run: RackResult) => number): number => runs.reduce((total, run) => total + of(run), 0)
  return {
    ...runs[0]!,
    completed: sum(({ completed }) => completed),
    bytes: sum(({ bytes }) => bytes),
    ms: sum(({ ms }) => ms),
    retries: sum(({ retries }) => retries),
    cpuMs: sum(({ cpuMs }) => cpuMs),
    ...(failed ? { error: failed.error! } : {}),
  }
}

if (import.meta.main) process.stdout.write(`${JSON.stringify(runAll(JSON.parse(process.argv[2]!) as RackRequest))}\n`)
