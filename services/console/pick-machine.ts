/** Which machine a person means. */
import type { Problem } from '../kit/problem.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry } from '../machine/registry.ts'

/** The one machine that is meant; an ambiguous name is a question back, never a guess. */
export function pickMachine(registry: Registry, query: string): Machine | Problem {
  const found = registry.find(query)
  if (found.length === 1) return found[0]!
  const ids = found.map(machine => machine.id).join(', ')
  return found.length === 0
    ? {
        code: 'unknown-machine',
        message: `no machine "${query}"`,
        hint: 'see `rackrise machine list`; a machine is known once it was listed or asked for an address',
        severity: 'error',
      }
    : {
        code: 'ambiguous-machine',
        message: `"${query}" is ${found.length} machines: ${ids}`,
        hint: 'name it by its MAC address',
        severity: 'error',
      }
}
