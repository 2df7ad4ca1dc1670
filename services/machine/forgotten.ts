/** What is kept of a machine that an operator had forgotten, and what is said of it. */
import type { Problem } from '../kit/problem.ts'
import type { ForgottenRow } from '../store/types.ts'
import type { MachineId } from './event.ts'
import type { Machine } from './lifecycle.ts'

export function forgottenRow({ id, macs }: Machine, title: string, at: number, by: string): ForgottenRow {
  return { machine: id, macs: macs.join(), name: title, at, by }
}

/** To who had it in hand while that was done. */
export function wasForgotten(id: MachineId): Problem {
  const hint = 'see `rackrise machine list`; it comes back as a new one when it is seen again'
  return { code: 'unknown-machine', message: `${id} was forgotten just now`, hint, severity: 'error' }
}
