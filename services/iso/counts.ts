/** What is counted of the library, when somebody looks. */
import type { Meter } from '../kit/meter.ts'
import type { Problem } from '../kit/problem.ts'
import type { IsoEntry } from './entry.ts'

export const ISO_STATES = ['bootable', 'without-auto-install'] as const
export const PROBLEM_SEVERITIES = ['error', 'warning'] as const

type Library = { entries(): Pick<IsoEntry, 'autoInstallCapable' | 'size'>[]; problems(): Pick<Problem, 'severity'>[] }

export function gaugeLibrary(meter: Meter, library: Library): void {
  meter.gauge('rackrise_isos', 'ISOs of the library that can be read', ['state'], () => {
    const capable = library.entries().filter(({ autoInstallCapable }) => autoInstallCapable).length
    return [
      [{ state: 'bootable' }, capable],
      [{ state: 'without-auto-install' }, library.entries().length - capable],
    ]
  })
  meter.gauge('rackrise_iso_bytes', 'Their size', [], () => [
    [{}, library.entries().reduce((sum, { size }) => sum + size, 0)],
  ])
  meter.gauge('rackrise_iso_problems', 'What is wrong with the library', ['severity'], () =>
    PROBLEM_SEVERITIES.map(
      severity => [{ severity }, library.problems().filter(problem => problem.severity === severity).length] as const,
    ),
  )
}
