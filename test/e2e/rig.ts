/** Labs for tests: inside the private namespace that `npm test` made, each with a folder of its own, closed whatever happens. */
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isProblem } from '../../services/kit/is-problem.ts'
import type { QemuMachine } from '../../services/lab/qemu/machine.ts'
import { type LabMachine, planMachines } from '../../services/lab/rack-plan.ts'
import { startLabQemu } from '../../services/lab/run-rack.ts'
import { type Lab, type LabRequest, openLab } from '../../services/lab/session.ts'
import type { TimelineEntry } from '../../services/console/schema/machine.ts'

/** Longer than any machine takes under emulation on two busy cores. */
export const LIFE_LIMIT_MS = 6 * 60_000
/** Small enough for a quick download by a BIOS NIC driver under emulation, which does about 1 MiB/s. */
const QUICK_ISO_MIB = 24
const SIZE = { memoryMiB: 1024, diskMiB: 64, limitMs: LIFE_LIMIT_MS }

/** The bridge of a lab must never be built on the host. */
function assertPrivateNamespace(): void {
  const outside = process.env['RACKRISE_LAB_OUTSIDE']
  if (!outside || outside === readlinkSync('/proc/self/ns/net'))
    throw new Error('these tests need a network namespace of their own: run `npm test -- e2e`')
}

export type Rig = { lab: Lab; machines: LabMachine[]; start: (name: string) => Promise<QemuMachine>; folder: string }

export async function withLab(
  request: Partial<LabRequest> & { machines: LabMachine[] },
  body: (rig: Rig) => Promise<void>,
): Promise<void> {
  assertPrivateNamespace()
  const folder = mkdtempSync(join(tmpdir(), 'rackrise-e2e-'))
  const started: QemuMachine[] = []
  let lab: Lab | undefined
  try {
    lab = await openLab({ folder, kind: 'qemu', standInMiB: QUICK_ISO_MIB, ...request })
    const open = lab
    const start = async (name: string): Promise<QemuMachine> => {
      const spec = request.machines.find(machine => machine.name === name)!
      const machine = await startLabQemu(open, spec, SIZE)
      started.push(machine)
      return machine
    }
    await body({ lab, machines: request.machines, start, folder })
  } finally {
    await Promise.all(started.map(machine => machine.close()))
    await lab?.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** One machine of each firmware, in this order: node1 BIOS, node2 UEFI. */
export function oneOfEach(approve = true): LabMachine[] {
  return planMachines(2, 'mixed', approve)
}

export async function timelineOf(lab: Lab, name: string): Promise<TimelineEntry[]> {
  const entries = await lab.fleet.timeline(name, 0)
  if (isProblem(entries)) throw new Error(entries.message)
  return entries
}

export async function stateOf(lab: Lab, name: string): Promise<string> {
  const view = await lab.fleet.show(name)
  return isProblem(view) ? view.code : `${view.state}${view.installed?.inferred ? ' (inferred)' : ''}`
}

export function countOf(entries: readonly TimelineEntry[], type: string): number {
  return entries.filter(entry => entry.type === type && !entry.anomaly).length
}

/** Polls the timeline; the limit is the test's failure. */
export async function untilEvent(lab: Lab, name: string, type: string): Promise<void> {
  for (const end = Date.now() + LIFE_LIMIT_MS; Date.now() < end; ) {
    if (countOf(await timelineOf(lab, name), type) > 0) return
    await new Promise(wake => setTimeout(wake, 100))
  }
  throw new Error(`${name} had no ${type} within ${LIFE_LIMIT_MS / 1000} s`)
}
