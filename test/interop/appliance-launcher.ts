/**
 * Stands in for the service manager: opens the sockets of its units as root and starts the appliance with them as somebody else, with no capability
 * left. Arguments: the site file, and changes as `NAME=PORT`, `NAME:DEVICE` (none: as a unit that says nothing but the port), `NAME!` (of the
 * other kind) or `-NAME` (not handed over).
 */
import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { join } from 'node:path'
import koffi from 'koffi'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { openNativeSocket } from '../../services/kit/native-socket.ts'

const [site, ...changes] = process.argv.slice(2)
const MAIN = join(import.meta.dirname, '../../services/main.ts')
const ADDRESS = '10.77.0.1' as Ipv4

type Unit = { name: string; kind: 'udp' | 'tcp'; port: number; address: Ipv4; device?: string }

let units: Unit[] = [
  { name: 'dhcp', kind: 'udp', port: 67, address: '0.0.0.0' as Ipv4 },
  { name: 'boot-server', kind: 'udp', port: 4011, address: ADDRESS },
  { name: 'dhcp-watch', kind: 'udp', port: 68, address: '0.0.0.0' as Ipv4 },
  { name: 'tftp', kind: 'udp', port: 69, address: ADDRESS },
  { name: 'dns', kind: 'udp', port: 53, address: ADDRESS },
  { name: 'dns-tcp', kind: 'tcp', port: 53, address: ADDRESS },
  { name: 'http', kind: 'tcp', port: 80, address: ADDRESS },
  { name: 'https', kind: 'tcp', port: 443, address: ADDRESS },
]
for (const change of changes) {
  const [, name, mark, value] = /^-?([a-z-]+)([=:!]?)(.*)$/.exec(change)!
  const changed = (unit: Unit): Unit[] => {
    if (unit.name !== name) return [unit]
    if (change.startsWith('-')) return []
    if (mark === '=') return [{ ...unit, port: Number(value) }]
    return [mark === ':' ? { ...unit, device: value! } : { ...unit, kind: unit.kind === 'udp' ? 'tcp' : 'udp' }]
  }
  units = units.flatMap(changed)
}

const [SOL_SOCKET, SO_BROADCAST] = [1, 6]
const setsockopt = koffi.load('libc.so.6').func('int setsockopt(int, int, int, const uint8_t *, uint32_t)')

function open({ kind, port, address, device = 'eth1' }: Unit): number {
  // systemd shares every UDP port that it opens.
  if (device !== '') return openNativeSocket(kind, { device, address, port, shared: true })
  const fd = openNativeSocket(kind, { address, port, shared: true })
  setsockopt(fd, SOL_SOCKET, SO_BROADCAST, new Uint8Array(4), 4)
  return fd
}

const sockets = units.map(open)
const identity = [
  '--reuid',
  'nobody',
  '--regid',
  'nogroup',
  '--clear-groups',
  '--bounding-set',
  '-all',
  '--inh-caps',
  '-all',
  '--no-new-privs',
  '--pdeathsig',
  'KILL',
  '--',
]
const child = spawn(
  'setpriv',
  [...identity, 'sh', '-c', 'LISTEN_PID=$$ exec "$@"', 'sh', process.execPath, MAIN, 'serve', '--config', site!],
  {
    stdio: ['ignore', 'inherit', 'inherit', ...sockets],
    env: { ...process.env, LISTEN_FDS: String(units.length), LISTEN_FDNAMES: units.map(({ name }) => name).join(':') },
  },
)
for (const fd of sockets) closeSync(fd)
process.stdout.write(`appliance ${child.pid}\n`)
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('exit', code => process.exit(code ?? 70))
