/** Machines as the API shows them, for tests of the page. */
import type { MachineView } from '../../../services/console/schema/machine.ts'

export const NOW = '2026-11-26T12:00:00.000Z'

export function machine(part: Partial<MachineView> = {}): MachineView {
  const id = part.id ?? 'bc:24:11:00:00:01'
  return {
    id,
    name: 'node1',
    macs: [id],
    state: 'held',
    listed: 'machine',
    attempts: 0,
    firstSeenAt: NOW,
    heardAt: NOW,
    ...part,
  }
}
