/** One question to a resolver that every resolver knows the answer to: who serves the root. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../kit/clock.ts'
import { type Ipv4, UNSPECIFIED } from '../../kit/ipv4.ts'
import { openUdpPort } from '../../kit/udp-port.ts'
import { ANSWER_MS, ANSWER_TRIES } from '../probe/names.ts'

const DNS_PORT = 53
/** Behind the id: a question with recursion, `.` NS IN (RFC 1035 §4.1). */
const QUESTION = Uint8Array.of(0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1)
const IS_RESPONSE = 0x80
const SERVER_FAILURE = 2
const REFUSED = 5

/** Milliseconds until it answered with something that helps; undefined if it did not. */
export async function askForwarder(address: Ipv4, clock: Clock): Promise<number | undefined> {
  for (let left = ANSWER_TRIES; left > 0; left -= 1) {
    const tookMs = await askOnce(address, clock)
    if (tookMs !== undefined) return tookMs
  }
  return undefined
}

async function askOnce(address: Ipv4, clock: Clock): Promise<number | undefined> {
  const port = await openUdpPort({ address: UNSPECIFIED, port: 0 })
  const id = randomBytes(2)
  const began = performance.now()
  const answered = new Promise<number | undefined>(resolve => {
    const cancel = clock.after(ANSWER_MS, () => resolve(undefined))
    port.onDatagram(({ bytes, from }) => {
      const isReply = bytes.length > 3 && bytes[0] === id[0] && bytes[1] === id[1] && (bytes[2]! & IS_RESPONSE) !== 0
      if (from.address !== address || from.port !== DNS_PORT || !isReply) return
      cancel()
      const code = bytes[3]! & 15
      resolve(code === SERVER_FAILURE || code === REFUSED ? undefined : performance.now() - began)
    })
  })
  port.send(Uint8Array.of(...id, ...QUESTION), { address, port: DNS_PORT })
  const tookMs = await answered
  await port.close()
  return tookMs
}
