/** Which machines a soak has, and what may become of each. Pure. */
import { type LabMachine, planMachines } from '../../services/lab/rack-plan.ts'

/**
 * `listed`: the site approves it. `ordered`: in the site, and a person approves it with others at once. `held`: in the site, and nobody ever approves it;
 * `stranger`: not even in the site. The last two must never be installed.
 */
export type Role = 'listed' | 'ordered' | 'held' | 'stranger'

/** Of twenty machines. */
const PATTERN: readonly Role[] = [
  ...Array.from({ length: 11 }, (): Role => 'listed'),
  ...Array.from({ length: 7 }, (): Role => 'ordered'),
  'held',
  'stranger',
]

/** A step that meets every place of the pattern, so that the kinds come mixed. */
const STEP = 7

export type Actor = { machine: LabMachine; role: Role }

export function planActors(count: number): Actor[] {
  return planMachines(count, 'mixed', true).map((machine, index) => {
    const role = PATTERN[(index * STEP) % PATTERN.length]!
    return { role, machine: { ...machine, approve: role === 'listed' } }
  })
}

export function mayInstall(role: Role): boolean {
  return role === 'listed' || role === 'ordered'
}
