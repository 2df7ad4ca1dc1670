/** Who listens on this host: the kernel's tables of sockets, and the processes that hold them. */
import { closeSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { parseIpv4 } from '../../kit/ipv4.ts'
import { NOT_PERMITTED, openNativeSocket, PORT_TAKEN, PortRefusal } from '../../kit/native-socket.ts'
import { type WantedSocket, wantedSockets } from '../../kit/sockets.ts'
import { type ListeningSocket, parseSockets } from '../probe/kernel-tables.ts'
import type { Listener, PortsSite, Tried } from '../probe/ports.ts'

const TABLES = [
  { protocol: 'udp', file: '/proc/net/udp' },
  { protocol: 'udp', file: '/proc/net/udp6' },
  { protocol: 'tcp', file: '/proc/net/tcp' },
  { protocol: 'tcp', file: '/proc/net/tcp6' },
] as const

/** Who holds each socket, as far as this user may know. */
async function holders(): Promise<Map<string, { pid: number; program: string }>> {
  const found = new Map<string, { pid: number; program: string }>()
  const pids = (await readdir('/proc')).filter(name => /^\d+$/.test(name))
  // First ourselves: who handed us a socket has it, too.
  for (const pid of new Set([String(process.pid), ...pids])) {
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
  const read = ({ protocol, file }: (typeof TABLES)[number]): Promise<ListeningSocket[]> =>
    readFile(file, 'utf8').then(
      text => parseSockets(text, protocol),
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
