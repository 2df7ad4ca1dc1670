/** Who listens on this host: the kernel's tables of sockets, and the processes that hold them. */
import { closeSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { ipv4FromNumber, parseIpv4 } from '../../kit/ipv4.ts'
import { NOT_PERMITTED, openNativeSocket, PORT_TAKEN, PortRefusal } from '../../kit/native-socket.ts'
import { type WantedSocket, wantedSockets } from '../../kit/sockets.ts'
import type { Listener, PortsSite, Tried } from '../probe/ports.ts'

const TABLES = [
  { protocol: 'udp', file: '/proc/net/udp', state: '07' },
  { protocol: 'udp', file: '/proc/net/udp6', state: '07' },
  { protocol: 'tcp', file: '/proc/net/tcp', state: '0A' },
  { protocol: 'tcp', file: '/proc/net/tcp6', state: '0A' },
] as const

type Socket = Pick<Listener, 'protocol' | 'address' | 'port'> & { inode: string }

/** Lines as `  1: 0100007F:0035 00000000:0000 0A ...` (proc_net_tcp.rst): address in host order, port, state; the tenth field is the inode. */
function parseTable(text: string, protocol: Listener['protocol'], state: string): Socket[] {
  return text.split('\n').flatMap(line => {
    const fields = line.trim().split(/\s+/)
    const [hex, port] = (fields[1] ?? '').split(':')
    const address = hex && addressText(hex)
    const inode = fields[9]
    if (fields[3] !== state || !address || !port || inode === undefined) return []
    return [{ protocol, address, port: Number.parseInt(port, 16), inode }]
  })
}

/** Of IPv6 only `::`, which takes IPv4 as well; other addresses of it clash with nobody here. */
function addressText(hex: string): string | undefined {
  if (hex.length === 8) return ipv4FromNumber(Number.parseInt(hex.match(/../g)!.toReversed().join(''), 16))
  return /^0+$/.test(hex) ? '::' : undefined
}

/** Who holds each socket, as far as this user may know. */
async function holders(): Promise<Map<string, { pid: number; program: string }>> {
  const found = new Map<string, { pid: number; program: string }>()
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
  for (const pid of pids) {
    const folder = `/proc/${pid}/fd`
    const names = await readdir(folder).catch(() => [])
    if (names.length === 0) continue
    const program = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim()
    for (const link of await Promise.all(names.map(name => readlink(`${folder}/${name}`).catch(() => '')))) {
      const inode = /^socket:\[(\d+)\]$/.exec(link)?.[1]
      if (inode !== undefined && !found.has(inode)) found.set(inode, { pid: Number(pid), program })
    }
  }
  return found
}

export async function readListeners(): Promise<Listener[]> {
  const read = ({ protocol, file, state }: (typeof TABLES)[number]): Promise<Socket[]> =>
    readFile(file, 'utf8').then(
      text => parseTable(text, protocol, state),
      () => [],
    )
  const sockets = (await Promise.all(TABLES.map(read))).flat()
  const byInode = await holders()
  return sockets.map(({ inode, ...socket }) => ({ ...socket, ...byInode.get(inode) }))
}

type Wanted = Pick<WantedSocket, 'kind' | 'address' | 'port'> & { device?: string }

function wanted({ network, http, dhcp, console: { host, port } }: PortsSite): Wanted[] {
  const { interface: device, address } = network
  const request = { interface: device, address, dhcp: dhcp.mode !== 'off', httpPort: http.port, tlsPort: http.tlsPort }
  const ours = wantedSockets(request).filter(({ listensIn }) => !listensIn)
  const here = parseIpv4(host)
  return [
    ...ours.map(({ kind, address: own, port: number }) => ({ kind, address: own, port: number, device })),
    ...(here ? [{ kind: 'tcp' as const, address: here, port }] : []),
  ]
}

/** Opens each port as the appliance would, and closes it at once: only that tells whether it can be had beside a server of another interface. */
export function tryPorts(site: PortsSite): Tried {
  const taken: string[] = []
  const forbidden: string[] = []
  let isAdrift = false
  for (const { kind, ...request } of wanted(site)) {
    try {
      closeSync(openNativeSocket(kind, request))
    } catch (error) {
      const why = error instanceof PortRefusal ? error.why : ''
      if (why === PORT_TAKEN) taken.push((error as PortRefusal).port)
      else if (why === NOT_PERMITTED) forbidden.push((error as PortRefusal).port)
      else isAdrift = true
    }
  }
  return { taken, forbidden, isAdrift }
}
