/**
 * Who has which address, as the rack's side of the wire hears it: every ACK to every machine passes here. An address that is given to a second machine while
 * the first may still use it is what a DHCP server must never do.
 */
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import type { DhcpWire, Lease } from '../../services/lab/simulated/dhcp-client.ts'
import { OPTION, type Reply } from '../../services/lab/simulated/dhcp-message.ts'

const MS_PER_SECOND = 1000

export type Holding = { lease: Lease; from: number; until: number }

function leaseMs({ options }: Reply): number {
  const value = options.get(OPTION.leaseTime)
  return value?.length === 4 ? Buffer.from(value).readUInt32BE() * MS_PER_SECOND : 0
}

export class Ledger {
  readonly #byAddress = new Map<Ipv4, { mac: Mac; until: number }>()
  readonly #byMac = new Map<Mac, Holding>()
  readonly #now: () => number
  /** One line for each address that two machines had. */
  readonly givenTwice: string[] = []
  acks = 0
  naks = 0

  constructor(now: () => number) {
    this.#now = now
  }

  hear(mac: Mac, reply: Reply): void {
    if (reply.type === 'nak') this.naks += 1
    if (reply.type !== 'ack') return
    this.acks += 1
    const now = this.#now()
    const { yiaddr } = reply
    const holder = this.#byAddress.get(yiaddr)
    if (holder && holder.mac !== mac && holder.until > now)
      this.givenTwice.push(`${yiaddr} was given to ${mac} while ${holder.mac} had it`)
    const until = now + leaseMs(reply)
    this.#byAddress.set(yiaddr, { mac, until })
    const server = Buffer.from(reply.options.get(OPTION.serverId) ?? []).join('.') as Ipv4
    this.#byMac.set(mac, { lease: { address: yiaddr, server, reply }, from: now, until })
  }

  holding(mac: Mac): Holding | undefined {
    return this.#byMac.get(mac)
  }

  /** The same wire, read along. */
  watch(wire: DhcpWire): DhcpWire {
    return {
      ...wire,
      listen: (xid, listener) =>
        wire.listen(xid, {
          ...listener,
          receive: reply => {
            this.hear(listener.mac, reply)
            listener.receive(reply)
          },
        }),
    }
  }
}
