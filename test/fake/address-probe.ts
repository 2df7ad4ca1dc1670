/** Looks at addresses for a test: who uses which is written down, and an answer comes when the test lets it. */
import type { AddressProbe, Answerer } from '../../services/kit/address-probe.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'

export class FakeProbe implements AddressProbe {
  /** Who uses an address; everything answers where `everywhere` is set. */
  readonly users = new Map<string, Answerer>()
  everywhere: Answerer | undefined
  /** Addresses that were asked for, in order. */
  readonly asked: Ipv4[] = []
  /** Whether there is a way to that address. */
  isReachable: (address: Ipv4) => boolean = () => true
  #held: (() => void)[] | undefined

  uses(address: string, mac?: Mac): void {
    this.users.set(address, mac ? { mac } : {})
  }

  reaches(address: Ipv4): boolean {
    return this.isReachable(address)
  }

  async probe(address: Ipv4): Promise<Answerer | undefined> {
    this.asked.push(address)
    const held = this.#held
    if (held) await new Promise<void>(resolve => held.push(resolve))
    return this.users.get(address) ?? this.everywhere
  }

  /** From now on a probe takes until `answer`. */
  hold(): void {
    this.#held = []
  }

  answer(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const go of held) go()
  }

  async close(): Promise<void> {}
}
