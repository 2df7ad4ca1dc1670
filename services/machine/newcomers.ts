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

  /** What has to be said first of a machine that is seen for the first time; undefined where the site may approve it. */
  holdingBack(macs: readonly Mac[]): HoldingBack | undefined {
    const row = macs.map(mac => this.#forgotten.get(mac)).find(found => found !== undefined)
    if (row) return { type: 'returned', name: row.name, forgottenAt: row.at, by: row.by }
    return this.#restoration && { type: 'restored', backupOf: this.#restoration.backupOf }
  }

  /** A machine that nobody has seen, as it would be if somebody did. */
  seenFirst(mac: Mac, at: Instant): Machine {
    const machine = newMachine(mac as MachineId, at)
    const fact = this.holdingBack([mac])
    return fact ? advance(machine, { ...fact, at, source: 'site' }).machine : machine
  }
}
