/**
 * Sends one datagram from one socket again and again until something comes back, and prints every reply as `PORT HEX`.
 * Arguments: how long to wait in milliseconds, the address, the port, the datagram as hexadecimal text, and `once` to send it once.
 */
import { createSocket } from 'node:dgram'

const [waitMs, address, port, hex, once] = process.argv.slice(2)
const EVERY_MS = 100
const socket = createSocket('udp4')
const send = (): void => socket.send(Buffer.from(hex!, 'hex'), Number(port), address!)
const again = setInterval(() => once ?? send(), EVERY_MS)
socket.on('message', (bytes, from) => {
  clearInterval(again)
  process.stdout.write(`${from.port} ${bytes.toString('hex')}\n`)
})
// A port that nobody listens on is silence, too.
socket.on('error', () => {})
setTimeout(() => process.exit(0), Number(waitMs))
send()
