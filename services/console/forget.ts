/** Forgetting a machine for good: what was kept about it goes, and the address that it had is free (T20). */
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import type { Machine } from '../machine/lifecycle.ts'
import { openAttempt } from '../machine/machine-log.ts'
import type { Registry } from '../machine/registry.ts'
import type { LeaseSource } from './leases.ts'
import { pickMachine } from './pick-machine.ts'
import type { ForgottenView } from './schema/forget.ts'

export type ForgetOrder = { who: string; force: boolean }

export interface Forgetting {
  /** By name, MAC, serial number or address. `force`: although an installation is under way, or the machine is blocked. */
  forget(query: string, order: ForgetOrder): Promise<ForgottenView | Problem>
  close(): Promise<void>
}

function unforgettable(machine: Machine, title: string): Problem | undefined {
  const attempt = openAttempt(machine)
  if (attempt !== undefined) {
    return {
      code: 'attempt-open',
      message: `${title} is ${machine.state}, attempt ${attempt}: forgotten now, its installer gets no answer and its report finds nobody`,
      hint: 'wait for its end or block it, or say --force',
      severity: 'error',
    }
  }
  if (machine.state !== 'blocked') return undefined
  return {
    code: 'machine-blocked',
    message: `${title} is blocked: forgotten it would be held, and boot its disk, when it is seen again`,
    hint: 'leave it blocked, or say --force',
    severity: 'error',
  }
}

function unwritten(title: string, error: unknown): Problem {
  const what = error instanceof Error ? error.message : String(error)
  return {
    code: 'store-failed',
    message: `${title} could not be forgotten: ${what}`,
    hint: 'make room on the disk of the state folder, and repeat the command',
    severity: 'error',
  }
}

type ForgetSource = { registry: Registry; leases: Pick<LeaseSource, 'drop'> }

async function forgetMachine(
  { registry, leases }: ForgetSource,
  query: string,
  { who, force }: ForgetOrder,
): Promise<ForgottenView | Problem> {
  const machine = pickMachine(registry, query)
  if (isProblem(machine)) return machine
  const name = registry.titleOf(machine)
  const refusal = force ? undefined : unforgettable(machine, name)
  if (refusal) return refusal
  const { id, macs, staticAddress } = machine
  try {
    await registry.forget(machine, who)
    const dropped = await leases.drop(({ mac }) => macs.includes(mac))
    const addresses = new Set([
      ...dropped.map(({ address }) => address),
      ...(staticAddress ? [staticAddress.address] : []),
    ])
    return { id, name, macs, addresses: [...addresses] }
  } catch (error) {
    return unwritten(name, error)
  }
}

export function localForgetting(source: ForgetSource, close: () => Promise<void>): Forgetting {
  return { forget: (query, order) => forgetMachine(source, query, order), close }
}
