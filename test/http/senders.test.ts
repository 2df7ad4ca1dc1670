/** Both senders: whatever the segments and the range are, the bytes are those of the slice; whatever the client does, nothing stays behind. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent, createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BodySender, SendOutcome } from '../../services/http/body-sender.ts'
import { CopySender } from '../../services/http/copy-sender.ts'
import { OpenFiles } from '../../services/http/open-files.ts'
import type { Rates } from '../../services/http/pace.ts'
import { loadSystemCalls } from '../../services/http/system-calls.ts'
import { ThreadSender } from '../../services/http/thread-sender.ts'
import { type Segment, sliceSegments, totalLength } from '../../services/kit/segments.ts'
import { HeardLog } from '../machine/rig.ts'

const FILE_BYTES = 300_000
const content = Buffer.from(Uint8Array.from({ length: FILE_BYTES }, (_, index) => (index * 31 + (index >> 8)) & 255))

let folder: string
let file: string
let server: Server
let sender: BodySender
const files = new OpenFiles()
/** What the next response is, and what became of it. */
let segments: readonly Segment[] = []
let outcome: Promise<SendOutcome>

async function respond(response: ServerResponse): Promise<SendOutcome> {
  const opened = await files.open(segments)
  response.writeHead(200, { 'content-length': totalLength(segments) })
  const sent = await sender.send(response, { segments, files: opened, machine: 'node1', onSent: () => {} })
  await files.release(opened)
  return sent
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rackrise-senders-'))
  file = join(folder, 'file')
  await writeFile(file, content)
  server = createServer((_request, response) => {
    outcome = respond(response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
})

afterEach(async () => {
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  await sender.close()
  await rm(folder, { recursive: true })
})

function ask(agent: Agent | false = false): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, agent }, resolve).on('error', reject)
  })
}

async function bytesOf(response: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

const anySegment: fc.Arbitrary<Segment> = fc.oneof(
  fc.uint8Array({ maxLength: 5000 }).map((bytes): Segment => ({ from: 'memory', bytes })),
  fc.tuple(fc.nat(FILE_BYTES), fc.nat(FILE_BYTES)).map(
    ([one, other]): Segment => ({
      from: 'file',
      path: file,
      offset: Math.min(one, other),
      length: Math.abs(one - other),
    }),
  ),
)

function wholeOf(list: readonly Segment[]): Buffer {
  return Buffer.concat(
    list.map(segment =>
      segment.from === 'memory' ? segment.bytes : content.subarray(segment.offset, segment.offset + segment.length),
    ),
  )
}

const open: [string, (rates: Rates, log: HeardLog) => BodySender][] = [
  ['the thread', (rates, log) => new ThreadSender(loadSystemCalls(), rates, log)],
  ['the event loop', (rates, log) => new CopySender(rates, log)],
]

describe.each(open)('%s', (_name, openSender) => {
  test('property: any range of any list of segments is the slice of the whole', { timeout: 60_000 }, async () => {
    sender = openSender({}, new HeardLog())
    await fc.assert(
      fc.asyncProperty(
        fc.array(anySegment, { maxLength: 12 }),
        fc.nat(FILE_BYTES),
        fc.nat(FILE_BYTES),
        async (list, start, length) => {
          segments = sliceSegments(list, start, length)
          const received = await bytesOf(await ask())
          expect(received.equals(wholeOf(list).subarray(start, start + length))).toBe(true)
          expect(await outcome).toEqual({ sent: received.length, complete: true })
        },
      ),
      { numRuns: 60 },
    )
  })

  test('a client that goes away ends it, and what is sent is told', async () => {
    sender = openSender({}, new HeardLog())
    segments = Array.from({ length: 400 }, (): Segment => ({ from: 'file', path: file, offset: 0, length: FILE_BYTES }))
    const response = await ask()
    response.on('error', () => {})
    await new Promise(resolve => response.once('data', resolve))
    response.destroy()
    const { sent, complete } = await outcome
    expect([sent < totalLength(segments), complete]).toEqual([true, false])
  })

  test('a slow reader gets all of it', async () => {
    sender = openSender({}, new HeardLog())
    segments = Array.from({ length: 60 }, (): Segment => ({ from: 'file', path: file, offset: 0, length: FILE_BYTES }))
    const response = await ask()
    let received = 0
    for await (const part of response) {
      received += (part as Buffer).length
      await new Promise(resolve => setImmediate(resolve))
    }
    expect([received, await outcome]).toEqual([60 * FILE_BYTES, { sent: 60 * FILE_BYTES, complete: true }])
  })

  test('many at once get all of it', async () => {
    sender = openSender({}, new HeardLog())
    segments = [
      { from: 'file', path: file, offset: 0, length: FILE_BYTES },
      { from: 'memory', bytes: Uint8Array.of(1, 2, 3) },
      { from: 'file', path: file, offset: 1000, length: 5 },
    ]
    const all = await Promise.all(Array.from({ length: 12 }, async () => bytesOf(await ask())))
    expect(all.filter(bytes => bytes.equals(wholeOf(segments)))).toHaveLength(12)
  })

  test('the last packet of a body does not wait for another one', async () => {
    sender = openSender({}, new HeardLog())
    segments = [{ from: 'file', path: file, offset: 0, length: 1 }]
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const took: number[] = []
    for (let count = 0; count < 20; count++) {
      const began = performance.now()
      await bytesOf(await ask(agent))
      took.push(performance.now() - began)
    }
    agent.destroy()
    // The kernel holds back what is corked for 200 ms, each time; a host that is busy does not.
    expect(Math.min(...took)).toBeLessThan(150)
  })

  test('a rate is kept', async () => {
    sender = openSender({ perMachine: 1_000_000 }, new HeardLog())
    segments = [{ from: 'file', path: file, offset: 0, length: FILE_BYTES }]
    const began = performance.now()
    await bytesOf(await ask())
    // A quantum (64 KiB) is there from the beginning; the rest comes at a million bytes a second.
    expect(performance.now() - began).toBeGreaterThan(200)
  })

  test('a rate that is lifted lifts it for what is under way', async () => {
    sender = openSender({ perMachine: 25_000 }, new HeardLog())
    segments = [{ from: 'file', path: file, offset: 0, length: FILE_BYTES }]
    const response = await ask()
    sender.pace({})
    const began = performance.now()
    expect((await bytesOf(response)).length).toBe(FILE_BYTES)
    // At the first rate it would take nine seconds more.
    expect(performance.now() - began).toBeLessThan(6_000)
    expect((await outcome).complete).toBe(true)
  })

  test('stopped, it cuts what is under way', async () => {
    sender = openSender({ perMachine: 100_000 }, new HeardLog())
    segments = [{ from: 'file', path: file, offset: 0, length: FILE_BYTES }]
    const response = await ask()
    response.on('error', () => {})
    response.resume()
    server.closeAllConnections()
    expect((await outcome).complete).toBe(false)
  })
})

test('a thread that is told to stop cuts what is under way, and says so', async () => {
  sender = new ThreadSender(loadSystemCalls(), { perMachine: 100_000 }, new HeardLog())
  segments = [{ from: 'file', path: file, offset: 0, length: FILE_BYTES }]
  const response = await ask()
  response.on('error', () => {}).resume()
  await sender.close()
  expect((await outcome).complete).toBe(false)
  sender = new CopySender({}, new HeardLog())
})
