/**
 * What a hostile neighbour says in DHCP: messages that are whole and mean harm. Run beside the appliance's clients; prints what it sent, as one
 * line of JSON. The argument is an address of the rack.
 */
import { createSocket } from 'node:dgram'
import { decode, encode } from '../../services/dhcp/codec.ts'
import { type DhcpMessage, isMalformed } from '../../services/dhcp/message.ts'
import { ipv4FromNumber } from '../../services/kit/ipv4.ts'
import { dhcp, mac, type Said } from '../dhcp/messages.ts'
import { Chance } from '../fuzz/mutate.ts'

const SERVED = '10.77.0.1'
const STORM = 2000
const CROWD = 5000
const DECLINES = 12
const ANSWER_LIMIT_MS = 2000
/** A window's worth and a breath: what the kernel would drop shows nothing. */
const BURST = 64

const chance = new Chance(0x77)
const socket = createSocket('udp4')
await new Promise<void>(resolve => socket.bind(68, '0.0.0.0', resolve))

let sent = 0
async function say(message: DhcpMessage): Promise<void> {
  socket.send(encode(message, { maxBytes: 1472 }), 67, SERVED)
  if (++sent % BURST === 0) await new Promise(resolve => setTimeout(resolve, 1))
}

const octet = (): string => chance.below(256).toString(16).padStart(2, '0')
const anyMac = () => mac(`52:54:${octet()}:${octet()}:${octet()}:${octet()}`)
const anyAddress = (): string => ipv4FromNumber(chance.below(2 ** 32))
const ofPool = (): string => `10.77.0.${100 + chance.below(100)}`

/** Says something and waits for what comes back to that machine. */
async function ask(message: DhcpMessage): Promise<DhcpMessage | undefined> {
  const answer = new Promise<DhcpMessage | undefined>(resolve => {
    const timer = setTimeout(() => done(undefined), ANSWER_LIMIT_MS)
    const hear = (bytes: Buffer): void => {
      const heard = decode(bytes)
      if (!isMalformed(heard) && heard.xid === message.xid) done(heard)
    }
    const done = (heard: DhcpMessage | undefined): void => {
      clearTimeout(timer)
      socket.off('message', hear)
      resolve(heard)
    }
    socket.on('message', hear)
  })
  await say(message)
  return answer
}

/** One machine that takes addresses and finds all of them in use. */
async function declineAll(): Promise<number> {
  const who: Said = { mac: mac('52:54:00:77:de:c1') }
  let declined = 0
  for (let xid = 1; xid <= DECLINES; xid += 1) {
    const offer = await ask(dhcp('discover', { ...who, xid }))
    if (!offer) continue
    await ask(dhcp('request', { ...who, xid, wants: offer.yiaddr, server: SERVED }))
    await say(dhcp('decline', { ...who, xid, wants: offer.yiaddr, server: SERVED }))
    declined += 1
  }
  return declined
}

const circuit = (): [number, Uint8Array] => [82, Uint8Array.of(1, 4, chance.below(256), 1, 2, 3, 5, 4, 10, 77, 0, 0)]

const STORMS: Record<string, () => DhcpMessage> = {
  'replies to the server port': () => ({ ...dhcp('ack', { mac: anyMac(), server: anyAddress() }), op: 'reply' }),
  'messages of servers': () => dhcp('offer', { mac: anyMac(), server: SERVED }),
  'relay agents that nobody knows': () =>
    dhcp('discover', { mac: anyMac(), giaddr: anyAddress(), options: [circuit()] }),
  'option 82 from nowhere': () => dhcp('discover', { mac: mac('52:54:00:77:82:82'), options: [circuit()] }),
  'declines by strangers': () => dhcp('decline', { mac: anyMac(), wants: ofPool(), server: SERVED }),
  'releases by strangers': () => dhcp('release', { mac: anyMac(), ciaddr: ofPool(), server: SERVED }),
  'requests that contradict themselves': () =>
    dhcp('request', {
      mac: anyMac(),
      wants: ofPool(),
      ciaddr: anyAddress(),
      server: SERVED,
      maxSize: chance.below(600),
    }),
}

const declined = await declineAll()
for (const storm of Object.values(STORMS)) for (let count = 0; count < STORM; count += 1) await say(storm())
for (let count = 0; count < CROWD; count += 1) await say(dhcp('discover', { mac: anyMac(), xid: count }))
process.stdout.write(`${JSON.stringify({ sent, declined, storm: STORM, crowd: CROWD })}\n`)
socket.close()
