/**
 * Who answers for an address on the link of one interface, as the kernel knows it. Whoever exchanged a datagram with us stands in this table
 * without anything having to be sent, and reading it needs no capability.
 */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Ipv4 } from './ipv4.ts'
import { type Mac, parseMac } from './mac.ts'

const TABLE = '/proc/net/arp'
/** ATF_COM of <linux/if_arp.h>: the address was resolved; without it the entry only says that somebody asked. */
const RESOLVED = 0x2

export type Neighbour = { address: Ipv4; mac: Mac; device: string }

/** Reads the form of `/proc/net/arp`: IP address, hardware type, flags, hardware address, mask, device. Lines of another form are passed over. */
export function parseNeighbours(text: string): Neighbour[] {
  return text.split('\n').flatMap(line => {
    const [address, , flags, hardware, , device] = line.trim().split(/\s+/)
    const mac = hardware === undefined ? undefined : parseMac(hardware)
    const isResolved = (Number(flags) & RESOLVED) !== 0
    return mac && device && isResolved ? [{ address: address as Ipv4, mac, device }] : []
  })
}

/** Resolved neighbours of that interface now. Empty where the table can't be read. */
export async function neighboursOf(device: string): Promise<ReadonlyMap<Ipv4, Mac>> {
  const text = await readFile(TABLE, 'utf8').catch(() => '')
  return new Map(
    parseNeighbours(text)
      .filter(neighbour => neighbour.device === device)
      .map(({ address, mac }) => [address, mac]),
  )
}

/**
 * Who stands at that address of the interface's link now. Read at once: the kernel keeps 1024 neighbours at most (gc_thresh3) and has them in memory, so this
 * takes well under a millisecond.
 */
export function neighbourAt(device: string, address: Ipv4): Mac | undefined {
  try {
    return parseNeighbours(readFileSync(TABLE, 'utf8')).find(
      neighbour => neighbour.device === device && neighbour.address === address,
    )?.mac
  } catch {
    // Without the table nobody is known, and what rests on it is refused.
    return undefined
  }
}
