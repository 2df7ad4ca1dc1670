import { expect, test } from 'vitest'
import { judgePorts, judgePortsInUse, type Listener, type Tried } from '../../services/health/probe/ports.ts'
import { siteOf } from '../machine/rig.ts'

const site = siteOf()
const listener = (text: string, more: Partial<Listener> = {}): Listener => {
  const [, protocol, address, port] = /^(\w+) (.*):(\d+)$/.exec(text)!
  return { protocol: protocol as 'udp', address: address!, port: Number(port), ...more }
}
const DNSMASQ = { pid: 812, program: 'dnsmasq' }
const RESOLVED = { pid: 401, program: 'systemd-resolve' }
const FREE =
  'ports-free: all ports of the appliance are free: udp 67, udp 4011, udp 69, udp 53, tcp 53, tcp 80, tcp 443'
const tried = (taken: string[], forbidden: string[] = []): Tried => ({ taken, forbidden })

test.each<[string, Tried, Listener[], string[]]>([
  ['a host with nothing else on it', tried([]), [], [FREE]],
  [
    'dnsmasq on all addresses',
    tried(['udp 0.0.0.0:67', 'udp 10.77.0.1:53']),
    [listener('udp 0.0.0.0:67', DNSMASQ), listener('udp 0.0.0.0:53', DNSMASQ)],
    [
      'port-taken: udp 0.0.0.0:67 is taken by dnsmasq (pid 812)',
      'port-taken: udp 10.77.0.1:53 is taken by dnsmasq (pid 812)',
    ],
  ],
  [
    'dnsmasq of a virtual network beside us, which the kernel lets be',
    tried([]),
    [listener('udp 0.0.0.0:67', DNSMASQ), listener('udp 192.168.122.1:53', DNSMASQ)],
    [FREE, 'same-host-server: dnsmasq (pid 812) of this host has udp 0.0.0.0:67, udp 192.168.122.1:53'],
  ],
  [
    'the resolver of systemd',
    tried([]),
    [listener('udp 127.0.0.53:53', RESOLVED), listener('tcp 127.0.0.53:53', RESOLVED), listener('tcp 0.0.0.0:22')],
    [FREE, 'same-host-server: systemd-resolve (pid 401) of this host has udp 127.0.0.53:53, tcp 127.0.0.53:53'],
  ],
  [
    'somebody whose name this user may not know',
    tried(['tcp 10.77.0.1:80']),
    [listener('tcp :::80')],
    ['port-taken: tcp 10.77.0.1:80 is taken by a process of another user'],
  ],
  [
    'somebody who is gone by now',
    tried(['tcp 10.77.0.1:80']),
    [],
    ['port-taken: tcp 10.77.0.1:80 is taken by somebody'],
  ],
  [
    'socket units that wait',
    tried(['udp 0.0.0.0:67']),
    [listener('udp 0.0.0.0:67', { pid: 1, program: 'systemd' })],
    ['port-of-systemd: udp 0.0.0.0:67 is held by systemd (pid 1) for a socket unit'],
  ],
  ['no such interface', { taken: [], forbidden: [], isAdrift: true }, [], []],
  [
    'a user who may open none',
    tried([], ['udp 0.0.0.0:67', 'udp 10.77.0.1:69']),
    [],
    ['ports-untried: whether udp 0.0.0.0:67, udp 10.77.0.1:69 can be had was not tried: this user may not open them'],
  ],
])('%s', (_, outcome, listeners, expected) => {
  expect(judgePorts(outcome, listeners, site).map(({ code, message }) => `${code}: ${message}`)).toEqual(expected)
})

test('while the appliance runs its own ports are nothing to tell', () => {
  const ours = [
    listener('udp 0.0.0.0:67', { pid: 99, program: 'node' }),
    listener('udp 10.77.0.1:53', { pid: 99, program: 'node' }),
  ]
  const found = judgePortsInUse([...ours, listener('udp 127.0.0.53:53', RESOLVED)], site, 99)
  expect(found.map(({ code }) => code)).toEqual(['ports-ours', 'same-host-server'])
})
