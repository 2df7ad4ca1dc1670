import { readdirSync, readlinkSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { afterEach, expect, test } from 'vitest'
import type { DatagramPort } from '../../services/kit/datagram-port.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { interfaceMtu } from '../../services/kit/native-socket.ts'
import { PortBundle } from '../../services/kit/port-bundle.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'

const LOOPBACK = '127.0.0.1' as Ipv4
const opened: DatagramPort[] = []
afterEach(() => Promise.all(opened.splice(0).map(port => port.close())))

async function open(bundle: PortBundle): Promise<DatagramPort> {
  const port = await bundle.open({ address: LOOPBACK, port: 0 })
  opened.push(port)
  return port
}

async function client(): Promise<DatagramPort> {
  const port = await openUdpPort({ address: LOOPBACK, port: 0 })
  opened.push(port)
  return port
}

/** Sockets and epoll sets that this process holds, those of the runtime included. */
function descriptors(): number {
  return readdirSync('/proc/self/fd').filter(fd => {
    try {
      return /socket|eventpoll/.test(readlinkSync(`/proc/self/fd/${fd}`))
    } catch {
      return false
    }
  }).length
}

test('K01 twenty ports have twenty numbers, and none tells the next', async () => {
  const bundle = new PortBundle()
  const numbers: number[] = []
  for (let index = 0; index < 20; index += 1) numbers.push((await open(bundle)).local.port)
  expect(new Set(numbers).size).toBe(20)
  const steps = numbers.slice(1).map((number, index) => number - numbers[index]!)
  expect(new Set(steps).size).toBeGreaterThan(10)
  expect(Math.min(...numbers)).toBeGreaterThan(1023)
})

test('every port hears what is meant for it, however many speak at once', async () => {
  const bundle = new PortBundle()
  const ports = await Promise.all(Array.from({ length: 100 }, () => open(bundle)))
  const asking = await client()
  const heard = new Map<number, string[]>()
  const echoes = new Promise<number>(resolve => {
    let count = 0
    asking.onDatagram(() => {
      count += 1
      if (count === 300) resolve(count)
    })
  })
  for (const port of ports)
    port.onDatagram(({ bytes, from }) => {
      heard.set(port.local.port, [...(heard.get(port.local.port) ?? []), Buffer.from(bytes).toString()])
      port.send(bytes, from)
    })
  for (let turn = 0; turn < 3; turn += 1)
    for (const { local } of ports) asking.send(Buffer.from(`${local.port} ${turn}`), local)
  expect(await echoes).toBe(300)
  expect(heard.size).toBe(100)
  for (const [number, texts] of heard) expect(texts).toEqual([`${number} 0`, `${number} 1`, `${number} 2`])
})

test('a port that is closed by what another one hears is heard no more', async () => {
  const bundle = new PortBundle()
  const ports = await Promise.all([open(bundle), open(bundle), open(bundle)])
  const asking = await client()
  let count = 0
  const first = new Promise<void>(resolve => {
    for (const port of ports)
      port.onDatagram(() => {
        count += 1
        for (const other of ports) void other.close()
        resolve()
      })
  })
  for (const { local } of ports) asking.send(Buffer.from('stop'), local)
  await first
  await new Promise(resolve => setImmediate(resolve))
  expect(count).toBe(1)
})

test('nothing stays open when all ports are closed', async () => {
  const before = descriptors()
  const bundle = new PortBundle()
  for (let turn = 0; turn < 2; turn += 1) {
    const ports = await Promise.all(Array.from({ length: 10 }, () => bundle.open({ address: LOOPBACK, port: 0 })))
    expect(descriptors()).toBeGreaterThanOrEqual(before + 11)
    await Promise.all(ports.map(port => port.close()))
    await Promise.all(ports.map(port => port.close()))
    await new Promise(resolve => setImmediate(resolve))
    expect(descriptors()).toBe(before)
  }
})

test('what is too long to be meant is dropped, and what follows is heard', async () => {
  const bundle = new PortBundle()
  const [one, two] = [await open(bundle), await open(bundle)]
  const asking = await client()
  const lengths: number[] = []
  const last = new Promise<void>(resolve => {
    for (const port of [one, two])
      port.onDatagram(({ bytes }) => {
        lengths.push(bytes.length)
        if (bytes.length === 3) resolve()
      })
  })
  asking.send(new Uint8Array(1), one.local)
  asking.send(new Uint8Array(5000), two.local)
  asking.send(new Uint8Array(3), two.local)
  await last
  // Node itself reports the first of a turn, whatever its length.
  expect(lengths.filter(length => length !== 5000)).toEqual([1, 3])
})

test('the MTU is that of the interface; one that is missing has none', () => {
  expect(interfaceMtu('lo')).toBe(65_536)
  expect(interfaceMtu('nosuch0')).toBeUndefined()
  expect(Object.keys(networkInterfaces())).toContain('lo')
})
