/**
 * What a hostile neighbour sends, from one address of the rack: run beside the appliance's clients. Prints one line of JSON for each
 * thing that it can say about a reply. The argument says what: `udp`, `source-port-zero`, `http`, or `hold`, which holds connections until its input ends.
 */
import { createSocket, type Socket } from 'node:dgram'
import { connect, type Socket as Connection } from 'node:net'
import koffi from 'koffi'

const SERVED = '10.77.0.1'
/** The neighbour's own address, so that limits on it are its own. */
const [what, from = ''] = process.argv.slice(2)
const UDP_PORTS = [67, 68, 69, 53]
const LONGEST = 600
const RANDOM_DATAGRAMS = 10_000
const CROWD = 500
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`)

/** xorshift32: the same storm every time. */
let seed = 0x77_00_00_01
function random(below: number): number {
  seed ^= seed << 13
  seed ^= seed >>> 17
  seed ^= seed << 5
  return (seed >>> 0) % below
}
const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random(256)))

const NEIGHBOUR_MAC = Buffer.from('525400770066', 'hex')

function discover(mac: Buffer, firmware: boolean): Buffer {
  const message = Buffer.alloc(LONGEST)
  message.set([1, 1, 6, 0, ...noise(4)])
  message.set(mac, 28)
  const boots = [93, 2, 0, 7, 97, 17, 0, ...noise(16), 82, 4, 1, 2, 1, 1, 60, 9, ...Buffer.from('PXEClient')]
  const options = [53, 1, 1, 55, 3, 1, 3, 6, 61, 7, 1, ...mac, ...(firmware ? boots : [])]
  message.set([0x63, 0x82, 0x53, 0x63, ...options, 255], 236)
  return message
}

function query(): Buffer {
  const labels = ['mirror', 'rack7', 'example', 'org'].flatMap(label => [label.length, ...Buffer.from(label)])
  const edns = [0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]
  const message = [0x77, 0x01, 1, 0x20, 0, 1, 0, 0, 0, 0, 0, 1, ...labels, 0, 0, 16, 0, 1, ...edns]
  return Buffer.concat([Buffer.from(message), Buffer.alloc(LONGEST - message.length)])
}

function readRequest(): Buffer {
  const words = Buffer.from('\0\x01snponly.efi\0octet\0blksize\x001468\0windowsize\x0064\0tsize\x000\0')
  return Buffer.concat([words, Buffer.alloc(LONGEST - words.length, 'x')])
}

/** Of a server that says it is another one each time. */
function offer(): Buffer {
  const message = discover(NEIGHBOUR_MAC, true)
  message.set([2])
  message.set([10, 77, 0, 150], 16)
  message.set([53, 1, 2, 54, 4, 10, 77, random(256), random(256), 67, 8, ...Buffer.from('evil.efi'), 255], 240)
  return message
}

const VALID: Record<number, () => Buffer> = {
  67: () => discover(NEIGHBOUR_MAC, true),
  68: offer,
  69: readRequest,
  53: query,
}

/** A window's worth and a breath: what the kernel would drop shows nothing. */
const BURST = 64
async function sendAll(socket: Socket, port: number, datagrams: Iterable<Buffer>): Promise<number> {
  let sent = 0
  for (const datagram of datagrams) {
    socket.send(datagram, port, SERVED)
    if (++sent % BURST === 0) await new Promise(resolve => setTimeout(resolve, 1))
  }
  return sent
}

function* sweep(port: number): Generator<Buffer> {
  for (let length = 0; length <= LONGEST; length++) {
    yield noise(length)
    yield VALID[port]!().subarray(0, length)
    const flipped = Buffer.from(VALID[port]!().subarray(0, length))
    if (length > 0) flipped[random(length)] = random(256)
    yield flipped
  }
}

function* storm(): Generator<Buffer> {
  for (let count = 0; count < RANDOM_DATAGRAMS; count++) yield noise(random(LONGEST))
}

/** More machines than the pool has addresses. */
function* crowd(): Generator<Buffer> {
  for (let count = 0; count < CROWD; count++) yield discover(noise(6), false)
}

async function assaultUdp(): Promise<void> {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(0, from, resolve))
  let replies = 0
  socket.on('message', () => replies++)
  for (const port of UDP_PORTS)
    say({ port, sent: (await sendAll(socket, port, sweep(port))) + (await sendAll(socket, port, storm())) })
  say({ replies, crowd: await sendAll(socket, 67, crowd()) })
  socket.close()
}

/** The one way to a source port of 0: the kernel gives every other socket a port. */
function sendFromPortZero(): void {
  const library = koffi.load('libc.so.6')
  const open = library.func('int socket(int, int, int)')
  const send = library.func('long sendto(int, const uint8_t *, size_t, int, const uint8_t *, uint32_t)')
  const [AF_INET, SOCK_RAW, IPPROTO_UDP, SOCKADDR_BYTES, UDP_HEADER_BYTES] = [2, 3, 17, 16, 8]
  const fd = open(AF_INET, SOCK_RAW, IPPROTO_UDP) as number
  const address = Buffer.from([AF_INET, 0, 0, 0, ...SERVED.split('.').map(Number), 0, 0, 0, 0, 0, 0, 0, 0])
  for (const port of UDP_PORTS) {
    for (const length of [0, 4, 12, 17, 60, 300, LONGEST]) {
      const payload = VALID[port]!().subarray(0, length)
      const header = Buffer.alloc(UDP_HEADER_BYTES)
      header.writeUInt16BE(port, 2)
      header.writeUInt16BE(UDP_HEADER_BYTES + payload.length, 4)
      const packet = Buffer.concat([header, payload])
      say({ port, sent: send(fd, packet, packet.length, 0, address, SOCKADDR_BYTES) as number })
    }
  }
}

const head = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`
const SMUGGLED = head('GET /loaders/snponly.efi HTTP/1.1', 'Host: a')

/** Requests that two parsers in a row could read differently, and others that no client sends. */
const SHAPES: Record<string, string | Buffer> = {
  'length and chunks': `${head('POST /boot.ipxe HTTP/1.1', 'Host: a', 'Content-Length: 4', 'Transfer-Encoding: chunked')}0\r\n\r\n${SMUGGLED}`,
  'two lengths': `${head('POST /boot.ipxe HTTP/1.1', 'Host: a', 'Content-Length: 0', `Content-Length: ${SMUGGLED.length}`)}${SMUGGLED}`,
  'chunks with a tail': `${head('POST /boot.ipxe HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked, identity')}0\r\n\r\n${SMUGGLED}`,
  'chunks by another name': `${head('POST /boot.ipxe HTTP/1.1', 'Host: a', 'Transfer-Encoding: xchunked')}0\r\n\r\n${SMUGGLED}`,
  'a blank before the colon': `${head('POST /boot.ipxe HTTP/1.1', 'Host: a', `Content-Length : ${SMUGGLED.length}`)}${SMUGGLED}`,
  'a negative length': `${head('POST /boot.ipxe HTTP/1.1', 'Host: a', 'Content-Length: -1')}${SMUGGLED}`,
  'a chunk size that overflows': `${head('POST /boot.ipxe HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked')}ffffffffffffffffff\r\n${SMUGGLED}`,
  'a folded header': head('GET /boot.ipxe HTTP/1.1', 'Host: a', 'X: 1', ' Transfer-Encoding: chunked'),
  'line feeds only': 'GET /boot.ipxe HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n',
  'NUL in a header': head('GET /boot.ipxe HTTP/1.1', 'Host: a', 'X: \0'),
  'no host': head('GET /boot.ipxe HTTP/1.1'),
  'oversized headers': head('GET /boot.ipxe HTTP/1.1', 'Host: a', `X: ${'x'.repeat(70_000)}`),
  'twenty thousand headers': head(
    'GET /boot.ipxe HTTP/1.1',
    'Host: a',
    ...Array.from({ length: 20_000 }, (_, index) => `X${index}: 1`),
  ),
  'a path of 60 KB': head(`GET /${'a'.repeat(60_000)} HTTP/1.1`, 'Host: a'),
  'a version of its own': head('GET /boot.ipxe HTTP/7.7', 'Host: a'),
  'a tunnel': head('CONNECT 10.77.0.1:443 HTTP/1.1', 'Host: a'),
  'TLS to the plain port': Buffer.from('16030100a5010000a10303', 'hex'),
  noise: noise(2000),
}

/** Status lines in the order they came, and how it ended. */
function exchange(port: number, bytes: string | Buffer): Promise<{ statuses: string[]; closed: boolean }> {
  return new Promise(resolve => {
    const parts: Buffer[] = []
    const socket = connect({ port, host: SERVED, localAddress: from })
    const end = (closed: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      const text = Buffer.concat(parts).toString('latin1')
      resolve({ statuses: [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => status!), closed })
    }
    const timer = setTimeout(() => end(false), 1500)
    socket.on('connect', () => socket.write(bytes))
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.on('error', () => end(true))
    socket.on('close', () => end(true))
  })
}

async function assaultHttp(): Promise<void> {
  const shapes = Object.entries(SHAPES)
  const outcomes = await Promise.all(shapes.map(([, bytes]) => exchange(80, bytes)))
  for (const [index, [shape]] of shapes.entries()) say({ shape, ...outcomes[index]! })
  const garbage = [noise(3000), Buffer.alloc(2), Buffer.from('16030100050100000100', 'hex'), Buffer.alloc(70_000, 0xff)]
  await Promise.all([53, 443].flatMap(port => garbage.map(bytes => exchange(port, bytes))))
}

/** Connections that say nothing, or half of something, and stay. */
async function hold(): Promise<void> {
  const halves = [
    '',
    'GET /boot.ipxe HTTP/1.1\r\nHost:',
    head('POST /boot.ipxe HTTP/1.1', 'Host: a', 'Content-Length: 60000'),
    '\x16\x03\x01\x02\0\x01',
  ]
  const all: Connection[] = []
  for (let count = 0; count < 300; count++) {
    const socket = connect({ port: [53, 80, 443][count % 3]!, host: SERVED, localAddress: from })
    socket.on('connect', () => socket.write(halves[count % 4]!))
    socket.on('error', () => {})
    all.push(socket)
  }
  await new Promise(resolve => setTimeout(resolve, 500))
  say({ open: all.filter(({ readyState }) => readyState === 'open').length })
  process.stdin.on('end', () => process.exit(0)).resume()
}

if (what === 'udp') await assaultUdp()
if (what === 'source-port-zero') sendFromPortZero()
if (what === 'http') await assaultHttp()
if (what === 'hold') await hold()
