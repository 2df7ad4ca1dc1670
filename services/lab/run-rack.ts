/** Switches a rack on and watches it until every machine has ended: the main job, as a person would see it. */
import { join } from 'node:path'
import type { Clock } from '../kit/clock.ts'
import { openUdpPort } from '../kit/udp-port.ts'
import type { LiveDisplay } from './live-display.ts'
import { SIMULATED_DEVICE } from './network.ts'
import { untilDiskBooted } from './qemu/life.ts'
import { probeAcceleration } from './qemu/accel.ts'
import { type QemuMachine, startQemuMachine } from './qemu/machine.ts'
import { stageOfView } from './qemu/stage-of-view.ts'
import type { LabMachine } from './rack-plan.ts'
import type { Lab } from './session.ts'
import { openDhcpWire } from './simulated/dhcp-client.ts'
import { SimulatedMachine } from './simulated/machine.ts'
import { type Outcome, stageOf } from './stage.ts'

export type RackRun = {
  lab: Lab
  machines: readonly LabMachine[]
  display: Pick<LiveDisplay, 'show'>
  clock: Clock
  /** Pulls every plug when it fires. */
  signal: AbortSignal
}

export type QemuSize = { memoryMiB: number; diskMiB: number; limitMs: number }

/** Between two machines: a rack's power strip does not switch on all at once either. */
const STAGGER_MS = 20
const WATCH_MS = 400

const pause = (ms: number): Promise<void> => new Promise(wake => setTimeout(wake, ms))

export async function runSimulatedRack(run: RackRun): Promise<Map<string, Outcome>> {
  const { machines, display, clock, signal } = run
  const wire = await openDhcpWire(openUdpPort, SIMULATED_DEVICE)
  const outcomes = new Map<string, Outcome>()
  const report: ConstructorParameters<typeof SimulatedMachine>[1]['report'] = (name, stage, address) =>
    display.show(name, stage, address)
  try {
    await Promise.all(
      machines.map(async (spec, index) => {
        await pause(index * STAGGER_MS)
        const machine = new SimulatedMachine(spec, { wire, openPort: openUdpPort, clock, report })
        const stop = (): void => machine.powerOff('the lab was stopped')
        signal.addEventListener('abort', stop, { once: true })
        if (signal.aborted) return
        outcomes.set(spec.name, await machine.powerOn())
      }),
    )
    return outcomes
  } finally {
    await wire.close()
  }
}

/** Shows what the appliance says about machines that have not ended. */
async function watch({ lab, display }: RackRun, running: ReadonlySet<string>): Promise<void> {
  while (running.size > 0) {
    const views = await lab.fleet.list().catch(() => [])
    for (const view of views) if (running.has(view.name)) display.show(view.name, stageOfView(view), view.address)
    await pause(WATCH_MS)
  }
}

export async function startLabQemu(lab: Lab, spec: LabMachine, size: QemuSize): Promise<QemuMachine> {
  const tap = `tap-${spec.name}`
  await lab.rack.addTap(tap)
  const { name, mac, uuid, serial, firmware, httpBoot, secureBoot } = spec
  const folder = join(lab.folder, 'machines', name)
  return startQemuMachine({
    name,
    mac,
    uuid,
    serial,
    firmware,
    ...(httpBoot ? { httpBoot } : {}),
    ...(secureBoot ? { secureBoot } : {}),
    tap,
    folder,
    memoryMiB: size.memoryMiB,
    diskMiB: size.diskMiB,
    accel: await probeAcceleration(),
  })
}

export async function runQemuRack(run: RackRun, size: QemuSize): Promise<Map<string, Outcome>> {
  const { lab, machines, display, signal } = run
  const outcomes = new Map<string, Outcome>()
  const running = new Set(machines.map(({ name }) => name))
  const watching = watch(run, running)
  await Promise.all(
    machines.map(async spec => {
      const machine = await startLabQemu(lab, spec, size)
      const stop = (): void => void machine.powerOff()
      signal.addEventListener('abort', stop, { once: true })
      const outcome = await untilDiskBooted(machine, { limitMs: size.limitMs })
      await machine.close()
      running.delete(spec.name)
      outcomes.set(spec.name, outcome)
      // When the lab was interrupted the appliance may be gone already.
      const view = await lab.fleet.show(spec.name).catch(() => undefined)
      display.show(spec.name, stageOf(outcome), view && 'address' in view ? view.address : undefined)
    }),
  ).finally(() => running.clear())
  await watching
  return outcomes
}
