/**
 * Who else is on the wire, and means no good or knows no better: run beside the machines, for a bounded time. Prints one line of JSON with what it did. The arguments
 * say what (`flood`, `scan` or `slow`), from which address, and with which seed.
 */
import { createSocket } from 'node:dgram'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { encode } from '../../services/dhcp/codec.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { dhcp, UEFI } from '../dhcp/messages.ts'
import { Chance } from '../fuzz/mutate.ts'

const SERVED = '10.77.0.1'
const [what, from = '', seed = '1'] = process.argv.slice(2)
const chance = new Chance(Number(seed))
const pause = (ms: number): Promise<void> => new Promise(wake => setTimeout(wake, ms))

/** Machines that nobody has: half of them speak as firmware that wants to boot. */
const FLOOD = 2_000
const BURST = 32
const BURST_MS = 10

const octet = (): string => chance.below(256).toString(16).padStart(2, '0')
const anyMac = (): Mac => `02:${octet()}:${octet()}:${octet()}:${octet()}:${octet()}` as Mac

async function flood(): Promise<number> {
  const socket = createSocket('udp4')
  await new Promise<void>(resolve => socket.bind(0, from, resolve))
  for (let count = 0; count < FLOOD; count++) {
    const kind = count % 2 === 0 ? UEFI : {}
    const message = dhcp('discover', { mac: anyMac(), xid: chance.below(2 ** 32), ...kind })
    // The last of a burst asks the boot server, which has a port of its own.
    socket.send(encode(message, { maxBytes: 1472 }), count % BURST === BURST - 1 ? 4011 : 67, SERVED)
    if (count % BURST === BURST - 1) await pause(BURST_MS)
  }
  await pause(100)
  socket.close()
  return FLOOD
}

const PATHS = [
  ...['/', '/.env', '/.git/config', '/wp-login.php', '/admin', '/cgi-bin/luci', '/api/v1/machines', '/metrics'],
  ...['/..%2f..%2fetc/passwd', '/loaders/../../../etc/shadow', '/boot/00000000/initrd.img', '/boot.ipxe?mac=zz'],
  ...['/isos/', '/answer/AAAAAAAAAAAAAAAAAAAAAA', '/webhook/x', '/first-boot/x', `/${'a'.repeat(4000)}`],
]
const ROUNDS = 8

function request(port: 80 | 443, method: string, path: string): Promise<void> {
  return new Promise(resolve => {
    const plain = connect({ port, host: SERVED, localAddress: from })
    const socket = port === 443 ? connectTls({ socket: plain, rejectUnauthorized: false }) : plain
    const timer = setTimeout(() => socket.destroy(), 5_000)
    const body = method === 'POST' ? '{"not":"system information"}' : ''
    socket.once(port === 443 ? 'secureConnect' : 'connect', () =>
      socket.write(
        `${method} ${path} HTTP/1.1\r\nHost: ${SERVED}\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      ),
    )
    for (const one of [plain, socket]) one.on('error', () => {})
    socket.resume().once('close', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}

async function scan(): Promise<number> {
  let asked = 0
  for (let round = 0; round < ROUNDS; round++)
    for (const port of [80, 443] as const) {
      const method = chance.of(['GET', 'POST', 'HEAD', 'OPTIONS', 'PROPFIND'])
      await Promise.all(PATHS.map(path => request(port, method, path)))
      asked += PATHS.length
    }
  return asked
}

/** Clients that send a header octet by octet, and others that begin a handshake and stop. */
const SLOW = 60
const SLOW_FOR_MS = 20_000
const OCTET_MS = 500
const CLIENT_HELLO = Buffer.from('16030100a5010000a10303', 'hex')

async function slow(): Promise<number> {
  const sockets: Socket[] = []
  for (let count = 0; count < SLOW; count++) {
    const port = count % 3 === 0 ? 443 : 80
    const socket = connect({ port, host: SERVED, localAddress: from })
    const text = `GET /boot.ipxe?mac=02:00:00:00:00:01 HTTP/1.1\r\nHost: ${SERVED}\r\nX-Slow: ${'x'.repeat(200)}`
    const timer = setInterval(() => socket.write(text[socket.bytesWritten] ?? 'x'), OCTET_MS)
    socket.on('connect', () => void (port === 443 && socket.write(CLIENT_HELLO)))
    socket.on('error', () => {})
    socket.resume().on('close', () => clearInterval(timer))
    sockets.push(socket)
  }
  await pause(SLOW_FOR_MS)
  for (const socket of sockets) socket.destroy()
  return SLOW
}

const WAYS: Record<string, () => Promise<number>> = { flood, scan, slow }
process.stdout.write(`${JSON.stringify({ what, count: await WAYS[what ?? '']!() })}\n`)
