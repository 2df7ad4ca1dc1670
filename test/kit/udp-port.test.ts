import { createSocket } from 'node:dgram'
import { afterEach, expect, test } from 'vitest'
import type { DatagramPort } from '../../services/kit/datagram-port.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { EnvironmentProblem } from '../../services/kit/problem.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'

const LOOPBACK = '127.0.0.1' as Ipv4
const opened: DatagramPort[] = []
afterEach(() => Promise.all(opened.splice(0).map(port => port.close())))

async function open(): Promise<DatagramPort> {
  const port = await openUdpPort({ device: 'lo', address: LOOPBACK, port: 0 })
  opened.push(port)
  return port
}

/** Resolves with what came, once so many did. */
function collect(port: DatagramPort, count: number): Promise<string[]> {
  const texts: string[] = []
  return new Promise(resolve =>
    port.onDatagram(({ bytes }) => {
      texts.push(Buffer.from(bytes).toString())
      if (texts.length === count) resolve(texts)
    }),
  )
}

test('a burst arrives whole and in order, and its replies do too', async () => {
  const [server, client] = [await open(), await open()]
  server.onDatagram(({ bytes, from }) => server.send(bytes, from))
  const wanted = Array.from({ length: 500 }, (_, index) => `datagram ${index}`)
  const came = collect(client, wanted.length)
  for (const text of wanted) client.send(Buffer.from(text), server.local)
  expect(await came).toEqual(wanted)
})

test('a receiver may keep the bytes of one datagram while the next ones come', async () => {
  const [server, client] = [await open(), await open()]
  const kept: Uint8Array[] = []
  const all = new Promise<void>(resolve =>
    server.onDatagram(({ bytes }) => {
      kept.push(bytes)
      if (kept.length === 200) resolve()
    }),
  )
  for (let index = 0; index < 200; index++) client.send(Uint8Array.of(index), server.local)
  await all
  expect(kept.map(bytes => bytes[0])).toEqual(Array.from({ length: 200 }, (_, index) => index))
})

test('a sender may use its memory for the next datagram at once, also beside another sender', async () => {
  const [one, two, client] = [await open(), await open(), await open()]
  const came = collect(client, 200)
  const memory = Buffer.alloc(4)
  for (let index = 0; index < 200; index++) {
    memory.write(String(index).padStart(4, '0'))
    const sender = index % 3 === 0 ? one : two
    sender.send(memory, client.local)
  }
  expect(await came).toEqual(Array.from({ length: 200 }, (_, index) => String(index).padStart(4, '0')))
})

test('an empty datagram, one larger than a batch holds, and port 0 disturb nobody', async () => {
  const [server, client] = [await open(), await open()]
  const texts: string[] = []
  const last = new Promise<void>(resolve =>
    server.onDatagram(({ bytes }) => {
      texts.push(Buffer.from(bytes).toString())
      if (texts.at(-1) === 'after') resolve()
    }),
  )
  client.send(Buffer.alloc(0), server.local)
  client.send(Buffer.from('nobody'), { address: LOOPBACK, port: 0 })
  // Nothing here speaks in datagrams of that size: in the middle of a burst it is dropped, never cut.
  client.send(Buffer.alloc(60_000, 'x'), server.local)
  client.send(Buffer.from('after'), server.local)
  await last
  expect(texts.filter(text => text.length !== 60_000)).toEqual(['', 'after'])
})

test('a datagram that the network refuses does not keep back those behind it', async () => {
  const [server, client] = [await open(), await open()]
  const came = collect(server, 2)
  client.send(Buffer.from('one'), server.local)
  // Bound to loopback: there is no way to this network.
  client.send(Buffer.from('lost'), { address: '192.0.2.1' as Ipv4, port: 9 })
  client.send(Buffer.from('two'), server.local)
  expect(await came).toEqual(['one', 'two'])
})

test('a sender from plain dgram is answered at its own port', async () => {
  const server = await open()
  server.onDatagram(({ bytes, from }) => server.send(bytes, from))
  const plain = createSocket('udp4')
  const echo = new Promise(resolve => plain.once('message', message => resolve(message.toString())))
  plain.send('hello', server.local.port, LOOPBACK)
  expect(await echo).toBe('hello')
  await new Promise<void>(resolve => plain.close(() => resolve()))
})

test('closing twice is closing once, and sending afterwards is nothing', async () => {
  const port = await open()
  await Promise.all([port.close(), port.close()])
  port.send(Buffer.from('late'), port.local)
})

test('a port that is taken says so', async () => {
  const port = await open()
  const again = openUdpPort({ address: LOOPBACK, port: port.local.port })
  await expect(again).rejects.toThrow(EnvironmentProblem)
  await expect(again).rejects.toThrow(/the port is taken; see which process holds it/)
})
