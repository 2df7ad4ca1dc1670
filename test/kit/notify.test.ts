/** What the service manager is told, and what of it waits when it does not listen. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import koffi from 'koffi'
import { afterAll, describe, expect, test } from 'vitest'
import { serviceManager } from '../../services/kit/native-notify.ts'
import { aliveEvery, ServiceManager, statusLine, unixAddress } from '../../services/kit/notify.ts'

/** Takes what it is told while it listens. */
class Manager {
  readonly told: string[] = []
  listens = true
  readonly service = new ServiceManager(
    text => {
      if (this.listens) this.told.push(text)
      return this.listens
    },
    () => 5_000_001_999n,
    15_000,
  )
}

describe('what is told', () => {
  test('M10 a start, its end, a reload and a stop, each in one datagram', () => {
    const { service, told } = new Manager()
    service.starting('reading events')
    service.ready('serving rack-7 on eth1')
    service.alive()
    service.reloading()
    service.ready('serving rack-7 on eth1')
    service.stopping('stopping')
    service.status('serving rack-7 on eth1: 2 machines')
    expect(told).toEqual([
      'EXTEND_TIMEOUT_USEC=600000000\nSTATUS=reading events',
      'READY=1\nSTATUS=serving rack-7 on eth1',
      'WATCHDOG=1',
      'RELOADING=1\nMONOTONIC_USEC=5000001\nSTATUS=reading the site file again',
      'READY=1\nSTATUS=serving rack-7 on eth1',
      'STOPPING=1\nSTATUS=stopping',
    ])
  })

  test('the same status is told once', () => {
    const { service, told } = new Manager()
    service.status('12 machines')
    service.status('12 machines')
    service.status('13 machines')
    expect(told).toEqual(['STATUS=12 machines', 'STATUS=13 machines'])
  })

  test('a manager that does not listen hears the newest state and status later, and no watchdog of the past', () => {
    const manager = new Manager()
    const { service, told } = manager
    manager.listens = false
    service.reloading()
    service.ready('serving 1')
    service.alive()
    service.status('serving 2')
    manager.listens = true
    service.status('serving 2')
    service.status('serving 2')
    expect(told).toEqual(['READY=1\nSTATUS=serving 2'])
  })

  test('a status is one line, whatever a machine calls itself', () => {
    expect(statusLine('serving rack\nMAINPID=1\t')).toBe('STATUS=serving rack MAINPID=1')
  })

  test('nobody is told anything where nobody manages the process', () => {
    const service = new ServiceManager(undefined, () => 0n, 15_000)
    service.ready('serving')
    service.alive()
    expect([service.isThere, service.aliveEveryMs]).toEqual([false, undefined])
  })
})

describe('how often the event loop says that it turns', () => {
  test.each([
    ['half of what the unit says', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 15_000],
    ['also without a process named', { WATCHDOG_USEC: '30000000' }, 15_000],
    ['not for another process', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, undefined],
    ['not without a watchdog', {}, undefined],
    ['not for nonsense', { WATCHDOG_USEC: 'soon' }, undefined],
    ['not without end', { WATCHDOG_USEC: '0' }, undefined],
  ])('%s', (_, environment, milliseconds) => {
    expect(aliveEvery(environment, 7)).toBe(milliseconds)
  })
})

describe('where it is told', () => {
  const hex = (address: Uint8Array | undefined) => address && Buffer.from(address).toString('hex')

  test.each([
    ['a path ends with a zero byte', '/run/n', '01002f72756e2f6e00'],
    ['an abstract name begins with one', '@ab', '0100006162'],
    ['another kind is not for us', 'vsock:2:1234', undefined],
    ['nor is a name without anything', '@', undefined],
    ['nor a relative one', 'run/notify', undefined],
    ['nor one that does not fit', `/${'n'.repeat(107)}`, undefined],
  ])('%s', (_, name, address) => {
    expect(hex(unixAddress(name))).toBe(address)
  })

  test('the longest that fit', () => {
    expect(unixAddress(`/${'n'.repeat(106)}`)).toHaveLength(110)
    expect(unixAddress(`@${'n'.repeat(107)}`)).toHaveLength(110)
  })
})

/** A manager's end of it: Node has none. */
function listen(name: string): { take(): string | undefined; close(): void } {
  const library = koffi.load('libc.so.6')
  const call = (declaration: string): ((...values: unknown[]) => number) =>
    library.func(declaration) as unknown as (...values: unknown[]) => number
  const fd = call('int socket(int, int, int)')(1, 2, 0)
  const address = unixAddress(name)!
  expect(call('int bind(int, const uint8_t *, uint32_t)')(fd, address, address.length)).toBe(0)
  const receive = call('long recv(int, _Out_ uint8_t *, size_t, int)')
  const close = call('int close(int)')
  return {
    take() {
      const bytes = Buffer.alloc(4096)
      const length = receive(fd, bytes, bytes.length, 0x40)
      return length < 0 ? undefined : bytes.toString('utf8', 0, length)
    },
    close: () => void close(fd),
  }
}

describe('a real socket', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rackrise-notify-'))
  afterAll(() => rmSync(folder, { recursive: true }))

  test.each([
    ['in the file system', join(folder, 'notify')],
    ['with an abstract name', `@rackrise-test/${process.pid}`],
  ])('%s', (_, name) => {
    const manager = listen(name)
    const service = serviceManager({ NOTIFY_SOCKET: name, WATCHDOG_USEC: '30000000' }, process.pid)
    service.ready('serving rack-7')
    service.alive()
    expect([manager.take(), manager.take(), manager.take()]).toEqual([
      'READY=1\nSTATUS=serving rack-7',
      'WATCHDOG=1',
      undefined,
    ])
    expect(service.aliveEveryMs).toBe(15_000)
    manager.close()
  })

  test('a manager that is gone, or full, stops nothing', () => {
    const name = `@rackrise-gone/${process.pid}`
    const service = serviceManager({ NOTIFY_SOCKET: name }, process.pid)
    service.status('waiting')
    const manager = listen(name)
    // Nobody reads; the queue of a socket has a few hundred places at most.
    for (let count = 0; count < 2000; count++) service.alive()
    service.ready('serving')
    expect(manager.take()).toBe('WATCHDOG=1\nSTATUS=waiting')
    while (manager.take() === 'WATCHDOG=1');
    service.status('serving')
    expect(manager.take()).toBe('READY=1\nSTATUS=serving')
    manager.close()
  })

  test.each([
    ['no manager', {}],
    ['one that is reached in another way', { NOTIFY_SOCKET: 'vsock:2:1' }],
  ])('%s is told nothing', (_, environment) => {
    expect(serviceManager(environment, process.pid).isThere).toBe(false)
  })
})
