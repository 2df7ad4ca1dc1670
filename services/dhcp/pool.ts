/**
 * The pools of one subnet as one row of marks, so that a free address is found by a byte search and a full pool of
 * any size is known to be full at once.
 */
import { broadcastOf, type Ipv4, ipv4FromNumber, ipv4ToNumber } from '../kit/ipv4.ts'
import type { Subnet } from '../site/types.ts'
import { isHostAddress } from './subnet.ts'

const NEVER_USED = 0
const USED = 1

type Stretch = { first: number; size: number; at: number }

export class AddressPool {
  readonly subnet: Subnet
  readonly size: number
  readonly #stretches: Stretch[] = []
  readonly #marks: Uint8Array
  /** No address before this one is never-used: a search must not walk over all that a big pool has given already. */
  #searchFrom = 0

  constructor(subnet: Subnet, ours: Ipv4) {
    this.subnet = subnet
    let size = 0
    for (const pool of subnet.pools) {
      const first = ipv4ToNumber(pool.first)
      const stretch = { first, size: ipv4ToNumber(pool.last) - first + 1, at: size }
      this.#stretches.push(stretch)
      size += stretch.size
    }
    this.size = size
    this.#marks = new Uint8Array(size)
    // Never leased, whatever the pools say; marked once, so that no search stops at them.
    for (const address of [subnet.router, ours, subnet.prefix.network, broadcastOf(subnet.prefix)]) {
      if (address && !isHostAddress(subnet, address, ours)) this.mark(address, true)
    }
  }

  #indexOf(address: Ipv4): number | undefined {
    const value = ipv4ToNumber(address)
    const stretch = this.#stretches.find(({ first, size }) => value >= first && value < first + size)
    return stretch && stretch.at + value - stretch.first
  }

  #addressAt(index: number): Ipv4 {
    const stretch = this.#stretches.findLast(({ at }) => at <= index)!
    return ipv4FromNumber(stretch.first + index - stretch.at)
  }

  has(address: Ipv4): boolean {
    return this.#indexOf(address) !== undefined
  }

  /** Used addresses are those with a record, an offer hold or a request that is being written. */
  mark(address: Ipv4, used: boolean): void {
    const index = this.#indexOf(address)
    if (index === undefined) return
    this.#marks[index] = used ? USED : NEVER_USED
    if (!used) this.#searchFrom = Math.min(this.#searchFrom, index)
  }

  /** Addresses that were never used, lowest first. */
  *neverUsed(): Generator<Ipv4> {
    let index = this.#marks.indexOf(NEVER_USED, this.#searchFrom)
    this.#searchFrom = index < 0 ? this.#marks.length : index
    while (index >= 0) {
      yield this.#addressAt(index)
      index = this.#marks.indexOf(NEVER_USED, index + 1)
    }
  }
}
