/**
 * Machines that are new to this state and perhaps not new: an operator had one forgotten, or the state was restored from a backup and knows nothing of what came
 * after it. An installed system may be on their disks, so they wait for a person whatever the site says.
 */
import type { Instant } from '../kit/clock.ts'
import type { Mac } from '../kit/mac.ts'
import type { EventStore, ForgottenRow, Restoration } from '../store/types.ts'
import type { Fact, MachineId } from './event.ts'
import { advance, type Machine, newMachine } from './lifecycle.ts'

type HoldingBack = Extract<Fact, { type: 'returned' | 'restored' }>

/** A person approved it once, or its answer is served: what stands about a NIC of it holds nothing back any more. */
function isPersonsOwn({ attempts, attempt }: Machine): boolean {
  return attempts > 0 && (attempt?.bySite !== true || attempt.answeredAt !== undefined)
}

/** What may be the first that is told of a machine. */
export const INTRODUCING: ReadonlySet<Fact['type']> = new Set(['sighted', 'returned', 'restored'])

export class Newcomers {
  readonly #forgotten = new Map<string, ForgottenRow>()
  #restoration: Restoration | undefined

  async read(store: Pick<EventStore, 'forgotten' | 'restoration'>): Promise<void> {
    for (const row of await store.forgotten()) this.forget(row)
    this.#restoration = await store.restoration()
  }

  /** A later row replaces an earlier one of the same MAC. */
  forget(row: ForgottenRow): void {
    for (const mac of row.macs.split(',')) this.#forgotten.set(mac, row)
  }

  /**
   * What has to be said first of a machine that shows these MACs; undefined where the site may approve it. One that is `known` may show a NIC that it did not
   * show before.
   */
  holdingBack(macs: readonly Mac[], known?: Machine): HoldingBack | undefined {
    const news = macs.filter(mac => !known?.macs.includes(mac))
    const row = news.map(mac => this.#forgotten.get(mac)).find(found => found !== undefined)
    if (row && !(known && isPersonsOwn(known)))
      return { type: 'returned', name: row.name, forgottenAt: row.at, by: row.by }
    if (known) return undefined
    return this.#restoration && { type: 'restored', backupOf: this.#restoration.backupOf }
  }

  /** A machine that nobody has seen, as it would be if somebody did. */
  seenFirst(mac: Mac, at: Instant): Machine {
    const machine = newMachine(mac as MachineId, at)
    const fact = this.holdingBack([mac])
    return fact ? advance(machine, { ...fact, at, source: 'site' }).machine : machine
  }
}
