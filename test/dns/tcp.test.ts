import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { EMPTY_FRAME_BUFFER, frame, takeFrames } from '../../services/dns/frames.ts'
import { serveTcp } from '../../services/dns/tcp.ts'
import { FakeClock } from '../fake/clock.ts'

const opened: { server: Server; close: () => void }[] = []
afterEach(async () => {
  for (const { server, close } of opened.splice(0)) {
    close()
    server.close()
    await once(server, 'close')
  }
})

/** A server that sends every message back, on loopback. */
async function echo(
  clock = new FakeClock(),
  handle = async (message: Uint8Array): Promise<Uint8Array | undefined> => message,
) {
  const server = createServer()
  const side = serveTcp(server, clock, handle)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  opened.push({ server, close: () => side.close() })
  const dial = async (): Promise<Socket> => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    await once(socket, 'connect')
    return socket
  }
  return { clock, dial }
}

async function readAll(socket: Socket): Promise<number[]> {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(socket, 'close')
  return [...Buffer.concat(chunks)]
}

test('J25 several queries on one connection are answered, also when they come octet by octet', async () => {
  const { dial } = await echo()
  const socket = await dial()
  socket.setNoDelay(true)
  for (const octet of [0, 2, 7, 8, 0, 1, 9]) socket.write(Uint8Array.of(octet))
  socket.end()
  expect(await readAll(socket)).toEqual([0, 2, 7, 8, 0, 1, 9])
})

test('J25 silence for one query does not end the others', async () => {
  const { dial } = await echo(new FakeClock(), async message => (message[0] === 1 ? undefined : message))
  const socket = await dial()
  socket.end(Uint8Array.of(0, 1, 1, 0, 1, 2))
  expect(await readAll(socket)).toEqual([0, 1, 2])
})

test.each([
  ['J25 an idle connection is closed after ten seconds', 10_000],
  ['J25 and not before', 9999],
])('%s', async (_, milliseconds) => {
  const { clock, dial } = await echo()
  const socket = await dial()
  socket.write(Uint8Array.of(0, 1, 5))
  const [first] = (await once(socket, 'data')) as [Buffer]
  expect([...first]).toEqual([0, 1, 5])
  clock.advance(milliseconds)
  if (milliseconds < 10_000) {
    socket.write(Uint8Array.of(0, 1, 6))
    const [second] = (await once(socket, 'data')) as [Buffer]
    expect([...second]).toEqual([0, 1, 6])
    socket.destroy()
  } else {
    expect(await readAll(socket)).toEqual([])
  }
})

test('J25 a connection that keeps busy ends after two minutes', async () => {
  const { clock, dial } = await echo()
  const socket = await dial()
  const closed = once(socket, 'close')
  let rounds = 0
  for (; rounds < 13 && !socket.destroyed; rounds += 1) {
    socket.write(Uint8Array.of(0, 1, rounds))
    await once(socket, 'data')
    clock.advance(9900)
  }
  await closed
  expect(rounds).toBe(13)
})

test('J25 a length above 4096 ends the connection', async () => {
  const { dial } = await echo()
  const socket = await dial()
  socket.write(Uint8Array.of(0x10, 0x01))
  expect(await readAll(socket)).toEqual([])
})

test('J25 more than 32 unanswered queries end the connection', async () => {
  const { dial } = await echo(new FakeClock(), () => new Promise(() => {}))
  const socket = await dial()
  socket.write(Uint8Array.from(Array.from({ length: 33 }, () => [0, 1, 1]).flat()))
  expect(await readAll(socket)).toEqual([])
})

test('J25 one client has at most 16 connections', async () => {
  const { dial } = await echo()
  const sockets = []
  for (let index = 0; index < 17; index += 1) sockets.push(await dial())
  const [last, ...others] = sockets.reverse()
  expect(await readAll(last!)).toEqual([])
  expect(others.filter(socket => socket.destroyed)).toEqual([])
  for (const socket of others) socket.destroy()
})

test('however a stream is cut, the messages are the same', () => {
  const messages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 })
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }), (sent, cuts) => {
      const stream = Buffer.concat(sent.map(frame))
      let buffer = EMPTY_FRAME_BUFFER
      const got: number[][] = []
      for (let offset = 0, index = 0; offset < stream.length; index += 1) {
        const length = cuts[index % cuts.length]!
        const frames = takeFrames(buffer, stream.subarray(offset, offset + length), 4096)
        if (frames === 'too-long') return expect.unreachable()
        got.push(...frames.messages.map(message => [...message]))
        buffer = frames.buffer
        offset += length
      }
      expect(got).toEqual(sent.map(message => [...message]))
    }),
  )
})
