/** Machines that an operator had forgotten: whoever comes back with one of their MACs is new, and waits for a person whatever the site says. */
import type { Mac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import type { ForgottenRow } from '../store/types.ts'
import type { Fact, MachineId } from './event.ts'
import type { Machine } from './lifecycle.ts'

export function forgottenRow({ id, macs }: Machine, title: string, at: number, by: string): ForgottenRow {
  return { machine: id, macs: macs.join(), name: title, at, by }
}

/** To who had it in hand while that was done. */
export function wasForgotten(id: MachineId): Problem {
  const hint = 'see `rackrise machine list`; it comes back as a new one when it is seen again'
  return { code: 'unknown-machine', message: `${id} was forgotten just now`, hint, severity: 'error' }
}

export class Forgotten {
  readonly #byMac = new Map<string, ForgottenRow>()

  /** A later row replaces an earlier one of the same MAC. */
  add(row: ForgottenRow): void {
    for (const mac of row.macs.split(',')) this.#byMac.set(mac, row)
  }

  /** What has to be said of a machine that comes back. */
  returnOf(macs: readonly Mac[]): Extract<Fact, { type: 'returned' }> | undefined {
    const row = macs.map(mac => this.#byMac.get(mac)).find(found => found !== undefined)
    return row && { type: 'returned', name: row.name, forgottenAt: row.at, by: row.by }
  }
}
