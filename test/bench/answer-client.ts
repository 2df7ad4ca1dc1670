/** A rack that asks for its answers at once: one TLS connection for each machine, from its own address. Prints what each waited, as JSON. */
import { readFileSync } from 'node:fs'
import { connect } from 'node:tls'

export type Question = { address: string; path: string; body: string }
export type RackQuestion = {
  server: string
  port: number
  machines: Question[]
  /** How often the rack asks, one time after the other. */
  repeats: number
}
export type Wait = {
  /** From the first SYN to the last octet of the answer. */
  wholeMs: number
  /** From the request, the handshake done, to the last octet of the answer. */
  answerMs: number
}
export type RackWaits = { waits: Wait[]; errors: string[]; cpuMs: number; bytes: number }

const LIMIT_MS = 30_000

function ask({ server, port }: RackQuestion, { address, path, body }: Question): Promise<Wait & { bytes: number }> {
  return new Promise((resolve, reject) => {
    const begun = performance.now()
    let asked = 0
    let text = ''
    const options = { host: server, port, localAddress: address, rejectUnauthorized: false }
    const socket = connect(options, () => {
      asked = performance.now()
      const head = [
        `POST ${path} HTTP/1.1`,
        'accept-encoding: gzip',
        `content-length: ${Buffer.byteLength(body)}`,
        'user-agent: ureq/3.0.11',
        `host: ${server}`,
        'content-type: application/json; charset=utf-8',
        'accept: application/json, application/toml;q=0.5',
      ]
      socket.write(`${head.join('\r\n')}\r\n\r\n`)
      socket.write(body)
    })
    socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error('no answer')))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error(`closed after ${text.length} octets`)))
    socket.on('data', (part: Buffer) => {
      text += part.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1])
      if (end < 0 || text.length < end + 4 + length) return
      const now = performance.now()
      socket.destroy()
      if (!text.startsWith('HTTP/1.1 200 ') || !text.includes('[disk-setup]')) reject(new Error(text.slice(0, 200)))
      else resolve({ wholeMs: now - begun, answerMs: now - asked, bytes: length })
    })
  })
}

async function main(question: RackQuestion): Promise<RackWaits> {
  const result: RackWaits = { waits: [], errors: [], cpuMs: 0, bytes: 0 }
  const before = process.cpuUsage()
  for (let repeat = 0; repeat < question.repeats; repeat++) {
    for (const outcome of await Promise.allSettled(question.machines.map(machine => ask(question, machine)))) {
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
