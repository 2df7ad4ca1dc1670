/** A rack that asks for its answers at once: one TLS connection for each machine, from its own address. Prints what each waited, as JSON. */
import { readFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'

export type Question = { address: string; path: string; body: string }
export type RackQuestion = {
  server: string
  port: number
  machines: Question[]
  /** How often the rack asks, one time after the other. */
  repeats: number
  /** What happens at once: everything from the first SYN on, or the requests alone, when the last handshake is done. */
  atOnce: 'connections' | 'requests'
}
export type Wait = {
  /** From the first SYN to the last octet of the answer. */
  wholeMs: number
  /** From the request, the handshake done, to the last octet of the answer. */
  answerMs: number
}
export type RackWaits = { waits: Wait[]; errors: string[]; cpuMs: number; bytes: number }

type Line = { socket: TLSSocket; begun: number }

const LIMIT_MS = 30_000
/** What rustls offers, in its order: Node would begin with a hybrid of ML-KEM, which costs both ends more. */
const GROUPS = 'X25519:P-256:P-384'

/** Resolves when the handshake is done. */
function open({ server, port }: RackQuestion, { address }: Question): Promise<Line> {
  return new Promise((resolve, reject) => {
    const begun = performance.now()
    const options = { host: server, port, localAddress: address, rejectUnauthorized: false, ecdhCurve: GROUPS }
    const socket = connect(options, () => {
      socket.off('error', reject)
      // As ureq does, the installer's HTTP library: no piece waits until the one before it is acknowledged.
      socket.setNoDelay(true)
      resolve({ socket, begun })
    })
    socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error('no answer')))
    socket.on('error', reject)
  })
}

/** What came, as it came: it is read when the clock has stopped, since a hundred readings would be what the last machine waited for. */
type Come = Wait & { parts: Buffer[] }

/** In two pieces, as the installer does. */
function post({ socket, begun }: Line, server: string, { path, body }: Question): Promise<Come> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    let missing: number | undefined
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`closed after ${parts.length} parts`)))
    socket.on('data', (part: Buffer) => {
      parts.push(part)
      missing = missing === undefined ? missingAfter(Buffer.concat(parts)) : missing - part.length
      if (missing === undefined || missing > 0) return
      const now = performance.now()
      resolve({ wholeMs: now - begun, answerMs: now - asked, parts })
    })
    const head = [
      `POST ${path} HTTP/1.1`,
      'accept-encoding: gzip',
      `content-length: ${Buffer.byteLength(body)}`,
      'user-agent: ureq/3.0.11',
      `host: ${server}`,
      'content-type: application/json; charset=utf-8',
      'accept: application/json, application/toml;q=0.5',
    ]
    const asked = performance.now()
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    socket.write(body)
  })
}

/** Octets of the body that are still to come; undefined while the head is not whole. */
function missingAfter(come: Buffer): number | undefined {
  const end = come.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(come.subarray(0, end).toString('latin1'))?.[1])
  return end + 4 + length - come.length
}

/** Throws if it is no answer. */
function check({ wholeMs, answerMs, parts }: Come): Wait & { bytes: number } {
  const text = Buffer.concat(parts).toString('latin1')
  if (!text.startsWith('HTTP/1.1 200 ') || !text.includes('[disk-setup]')) throw new Error(text.slice(0, 200))
  return { wholeMs, answerMs, bytes: text.length }
}

async function askOnce(question: RackQuestion): Promise<PromiseSettledResult<Wait & { bytes: number }>[]> {
  const { machines, server, atOnce } = question
  const lines = machines.map(machine => open(question, machine))
  const opened = Promise.allSettled(lines)
  if (atOnce === 'requests') await opened
  const come = await Promise.allSettled(lines.map(async (line, index) => post(await line, server, machines[index]!)))
  for (const line of await opened) if (line.status === 'fulfilled') line.value.socket.destroy()
  return Promise.allSettled(
    come.map(async one => (one.status === 'rejected' ? Promise.reject(one.reason) : check(one.value))),
  )
}

async function main(question: RackQuestion): Promise<RackWaits> {
  const result: RackWaits = { waits: [], errors: [], cpuMs: 0, bytes: 0 }
  const before = process.cpuUsage()
  for (let repeat = 0; repeat < question.repeats; repeat++) {
    for (const outcome of await askOnce(question)) {
      if (outcome.status === 'rejected') result.errors.push(String(outcome.reason))
      else {
        const { bytes, ...wait } = outcome.value
        result.waits.push(wait)
        result.bytes += bytes
      }
    }
  }
  const used = process.cpuUsage(before)
  return { ...result, cpuMs: (used.user + used.system) / 1000 }
}

if (import.meta.main) {
  const question = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as RackQuestion
  process.stdout.write(JSON.stringify(await main(question)))
}
