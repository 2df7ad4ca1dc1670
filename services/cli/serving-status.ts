/** What `systemctl status` shows of an appliance: one line, what a person asks first and what waits for one. */
import { counted } from '../kit/amount.ts'
import type { MachineState } from '../machine/lifecycle.ts'

/** What a rack does, then what went wrong, then what waits for somebody. A machine that is installed or blocked needs no word. */
const SHOWN: [states: MachineState[], word: string][] = [
  [['booting', 'installing'], 'installing'],
  [['approved'], 'approved'],
  [['failed'], 'failed'],
  [['stalled'], 'stalled'],
  [['held'], 'held'],
]

export type Standing = {
  site: string
  device: string
  states: readonly MachineState[]
  /** Alarms that last. */
  alarms: number
}

/** As `serving rack-7 on eth1: 12 machines, 3 installing, 1 failed; 2 alarms, see rackrise alarm list`. */
export function servingStatus({ site, device, states, alarms }: Standing): string {
  const shown = SHOWN.map(([of, word]) => ({ word, count: states.filter(state => of.includes(state)).length }))
  const fleet = [
    counted(states.length, 'machine'),
    ...shown.filter(({ count }) => count > 0).map(({ word, count }) => `${count} ${word}`),
  ]
  const trouble = alarms > 0 ? `; ${counted(alarms, 'alarm')}, see rackrise alarm list` : ''
  return `serving ${site} on ${device}: ${fleet.join(', ')}${trouble}`
}
