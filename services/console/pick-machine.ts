/** Which machine a person means. */
import type { Problem } from '../kit/problem.ts'
import type { Machine } from '../machine/lifecycle.ts'
import type { Registry } from '../machine/registry.ts'
import { suggest } from '../site/suggest.ts'

const numbersIn = (text: string): string => (text.match(/\d+/g) ?? []).map(Number).join()

/** The name that was probably meant. node3 is no slip of node31: an order for a neighbour erases the wrong disks. */
function nearestName(registry: Registry, query: string): string | undefined {
  const names = registry.machines().map(machine => registry.titleOf(machine))
  return suggest(
    query,
    names.filter(name => numbersIn(name) === numbersIn(query)),
  )
}

function unknownMachine(registry: Registry, query: string): Problem {
  const meant = nearestName(registry, query)
  return {
    code: 'unknown-machine',
    message: `no machine "${query}"${meant ? ` (did you mean "${meant}"?)` : ''}`,
    hint: 'see `rackrise machine list`; a machine is known once it was listed or asked for an address',
    severity: 'error',
  }
}

/** The one machine that is meant; an ambiguous name is a question back, never a guess. */
export function pickMachine(registry: Registry, query: string): Machine | Problem {
  const found = registry.find(query)
  if (found.length === 1) return found[0]!
  if (found.length === 0) return unknownMachine(registry, query)
  return {
    code: 'ambiguous-machine',
    message: `"${query}" is ${found.length} machines: ${found.map(machine => machine.id).join(', ')}`,
    hint: 'name it by its MAC address',
    severity: 'error',
  }
}
