/**
 * Machines that go on while site files are loaded: exchanges of DHCP at a rate, one slow TFTP transfer, one TLS connection that is used again and again.
 * Until SIGTERM; then tells as JSON what was answered. Arguments: the sets of options that a reply may carry, each as JSON of router, lease time and NTP.
 */
import { createSocket } from 'node:dgram'
import { Agent, request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { decode, encode } from '../../services/dhcp/codec.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { messageTypeOf, OPTION } from '../../services/dhcp/options.ts'
import { LIMITED_BROADCAST, UNSPECIFIED } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { BIOS, dhcp, type Said } from '../dhcp/messages.ts'

const APPLIANCE = '10.77.0.1'
const sets = process.argv.slice(2)
/** Between two exchanges. */
const EVERY_MS = 5
/** Firmware waits for a second or more. */
const PATIENCE_MS = 1000
const LOADER = 'undionly.kpxe'
const BLOCK = 512

let isOver = false
process.on('SIGTERM', () => (isOver = true))

const told = {
  asked: 0,
  offered: 0,
  acknowledged: 0,
  refused: 0,
  unanswered: 0,
  mixed: [] as string[],
  bySet: {} as Record<string, number>,
}

const socket = await openUdpPort({ device: 'eth0', address: UNSPECIFIED, port: 68 })
const waiting = new Map<number, (reply: DhcpMessage) => void>()
socket.onDatagram(({ bytes }) => {
  const message = decode(bytes)
  if (!isMalformed(message) && message.op === 'reply') waiting.get(message.xid)?.(message)
})

function ask(message: DhcpMessage): Promise<DhcpMessage | undefined> {
  return new Promise(resolve => {
    const end = (reply: DhcpMessage | undefined): void => {
      waiting.delete(message.xid)
      clearTimeout(timer)
      resolve(reply)
    }
    const timer = setTimeout(() => end(undefined), PATIENCE_MS)
    waiting.set(message.xid, end)
    socket.send(encode(message, { maxBytes: 1472 }), { address: LIMITED_BROADCAST, port: 67 })
  })
}

function setOf({ options }: DhcpMessage): string {
  const hex = (code: number): string => Buffer.from(options.get(code) ?? []).toString('hex')
  return [OPTION.router, OPTION.leaseTime, OPTION.ntp].map(hex).join(' ')
}

/** What a reply says is of one site file. */
function look(reply: DhcpMessage): void {
  const set = setOf(reply)
  told.bySet[set] = (told.bySet[set] ?? 0) + 1
  if (!sets.includes(set)) told.mixed.push(set)
}

async function exchange(number: number): Promise<void> {
  const mac = `02:00:00:00:00:${(number % 64).toString(16).padStart(2, '0')}` as Mac
  const said: Said = { mac, ...BIOS, broadcast: true, asks: [1, 3, 6, 42, 51] }
  told.asked += 1
  const offer = await ask(dhcp('discover', { ...said, xid: number * 2 + 1 }))
  if (!offer) return void (told.unanswered += 1)
  told.offered += 1
  look(offer)
  const reply = await ask(dhcp('request', { ...said, xid: number * 2 + 2, wants: offer.yiaddr, server: APPLIANCE }))
  if (!reply) return void (told.unanswered += 1)
  if (messageTypeOf(reply) !== 'ack') return void (told.refused += 1)
  told.acknowledged += 1
  look(reply)
}

async function exchanges(): Promise<void> {
  const running = new Set<Promise<void>>()
  for (let number = 1; !isOver; number++) {
    // A machine says one thing at a time.
    if (running.size < 32) {
      const mine: Promise<void> = exchange(number).finally(() => running.delete(mine))
      running.add(mine)
    }
    await sleep(EVERY_MS)
  }
  await Promise.all(running)
}

/** A transfer whose client takes its time with every acknowledgement, until there is nothing more or all is over. */
async function slowTransfer(): Promise<number> {
  const port = createSocket('udp4')
  await new Promise<void>(resolve => port.bind(0, () => resolve()))
  port.send(Buffer.from(`\0\u0001${LOADER}\0octet\0`, 'latin1'), 69, APPLIANCE)
  let got = 0
  let last = 0
  for (;;) {
    const [bytes, from] = await new Promise<[Buffer, { port: number; address: string }]>(resolve =>
      port.once('message', (message, sender) => resolve([message, sender])),
    )
    const block = bytes.readUInt16BE(2)
    // One that waited too long for its acknowledgement comes again.
    if (block === last + 1) got += bytes.length - 4
    last = Math.max(last, block)
    if (!isOver) await sleep(60)
    port.send(Buffer.from([0, 4, bytes[2]!, bytes[3]!]), from.port, from.address)
    if (bytes.length - 4 < BLOCK) break
  }
  port.close()
  return got
}

/** How many requests one connection took, and how many connections there were. */
async function oneConnection(): Promise<{ requests: number; connections: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, rejectUnauthorized: false })
  const sockets = new Set<unknown>()
  let requests = 0
  while (!isOver) {
    await new Promise<void>((resolve, reject) => {
      const call = request({ host: APPLIANCE, path: '/answer', agent }, response => {
        sockets.add(response.socket)
        response.resume().on('end', resolve)
      })
      call.on('error', reject).end()
    })
    requests += 1
    await sleep(50)
  }
  agent.destroy()
  return { requests, connections: sockets.size }
}

process.stdout.write('going\n')
const [, transferred, tls] = await Promise.all([exchanges(), slowTransfer(), oneConnection()])
process.stdout.write(`${JSON.stringify({ ...told, transferred, tls })}\n`)
process.exit(0)
