/** Which transfers run, by the client's address and port (its transfer identifier): bounded in total and for each address (K20). */
import type { Endpoint } from '../kit/datagram-port.ts'
import type { Ipv4 } from '../kit/ipv4.ts'

export class TransferTable<T> {
  readonly #most: number
  readonly #mostOfAddress: number
  readonly #transfers = new Map<Ipv4, Map<number, T>>()
  #size = 0

  constructor(most: number, mostOfAddress: number) {
    this.#most = most
    this.#mostOfAddress = mostOfAddress
  }

  get size(): number {
    return this.#size
  }

  get({ address, port }: Endpoint): T | undefined {
    return this.#transfers.get(address)?.get(port)
  }

  /** False, and nothing done, when there is no room. The client has no transfer yet. */
  add({ address, port }: Endpoint, transfer: T): boolean {
    const ofAddress = this.#transfers.get(address) ?? new Map<number, T>()
    if (this.#size >= this.#most || ofAddress.size >= this.#mostOfAddress) return false
    this.#transfers.set(address, ofAddress.set(port, transfer))
    this.#size += 1
    return true
  }

  /** Nothing when another one has taken its place. */
  delete({ address, port }: Endpoint, transfer: T): void {
    const ofAddress = this.#transfers.get(address)
    if (ofAddress?.get(port) !== transfer) return
    ofAddress.delete(port)
    if (ofAddress.size === 0) this.#transfers.delete(address)
    this.#size -= 1
  }

  all(): T[] {
    return [...this.#transfers.values()].flatMap(ofAddress => [...ofAddress.values()])
  }
}
