/** Tables of the kernel as text: sockets (proc_net_tcp.rst) and routes. Numbers stand in them in host order, which is little-endian here. Total. */
import { type Ipv4, ipv4FromNumber, prefixContains } from '../../kit/ipv4.ts'
import type { Listener } from './ports.ts'

export type ListeningSocket = Pick<Listener, 'protocol' | 'address' | 'port'> & { inode: string }

/** Of TCP those that listen, of UDP those that are not connected. */
const LISTENS = { tcp: '0A', udp: '07' }

const fromHostOrder = (hex: string): number => Number.parseInt((hex.match(/../g) ?? []).toReversed().join(''), 16) >>> 0

/** Of IPv6 only `::`, which takes IPv4 as well; other addresses of it clash with nobody here. */
function addressText(hex: string): string | undefined {
  if (/^[0-9A-F]{8}$/i.test(hex)) return ipv4FromNumber(fromHostOrder(hex))
  return /^0{32}$/.test(hex) ? '::' : undefined
}

/** Lines as `  1: 0100007F:0035 00000000:0000 0A ...`: address and port, those of the peer, the state; the tenth field is the inode. */
export function parseSockets(text: string, protocol: Listener['protocol']): ListeningSocket[] {
  return text.split('\n').flatMap(line => {
    const fields = line.trim().split(/\s+/)
    const [hex = '', port = ''] = (fields[1] ?? '').split(':')
    const address = addressText(hex)
    const inode = fields[9]
    if (fields[3] !== LISTENS[protocol] || address === undefined || inode === undefined) return []
    return /^[0-9A-F]{4}$/i.test(port) ? [{ protocol, address, port: Number.parseInt(port, 16), inode }] : []
  })
}

/** Whether a line of /proc/net/route leads there: interface, destination, gateway, four numbers, the mask. */
export function isRouted(text: string, address: Ipv4): boolean {
  return text.split('\n').some(line => {
    const fields = line.split('\t')
    const [destination = '', mask = ''] = [fields[1], fields[7]]
    if (![destination, mask].every(hex => /^[0-9A-F]{8}$/i.test(hex))) return false
    const length = fromHostOrder(mask).toString(2).replaceAll('0', '').length
    return prefixContains({ network: ipv4FromNumber(fromHostOrder(destination)), length }, address)
  })
}
