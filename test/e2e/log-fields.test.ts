/** Whose line it is: every line about a machine has its name and, while an attempt is open, the attempt, whichever room wrote it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { systemClock } from '../../services/kit/clock.ts'
import { planMachines } from '../../services/lab/rack-plan.ts'
import { runSimulatedRack } from '../../services/lab/run-rack.ts'
import { withLab } from './rig.ts'

type Line = { msg: string; room?: string; machine?: string; attempt?: string; event?: string; [field: string]: unknown }

const ROOMS = ['dhcp', 'dns', 'http', 'machine', 'tftp']

test('every line about a machine says which machine and which attempt, in every room', {
  timeout: 90_000,
}, async () => {
  const machines = planMachines(3, 'mixed', true).map((machine, index) => ({ ...machine, approve: index < 2 }))
  await withLab({ kind: 'simulated', machines, more: '[log]\nlevel = "debug"\n' }, async ({ lab }) => {
    const specs = machines.map((machine, index) => ({ ...machine, withhold250: index === 1 }))
    const signal = new AbortController().signal
    await runSimulatedRack({ lab, machines: specs, clock: systemClock, signal, display: { show() {} } })
    const views = await lab.fleet.list()
    expect(views.map(({ state }) => state)).toEqual(['installed', 'installed', 'held'])
    const text = readFileSync(join(lab.folder, 'appliance.log'), 'utf8').trimEnd()
    const lines = text.split('\n').map(line => JSON.parse(line) as Line)
    for (const { name, mac, address, attempt } of views.map(view => ({ ...view, mac: view.macs[0]! }))) {
      const words = [mac, `${address}"`, `${address} `, `"${name}"`, attempt?.id].filter(word => word !== undefined)
      const its = lines.filter(line => words.some(word => JSON.stringify(line).includes(word)))
      expect(its.filter(({ machine }) => machine !== name)).toEqual([])
      const from = its.findIndex(({ event }) => event === 'attempt-started')
      const to = its.findIndex(({ event }) => event === 'reported')
      const open = its.slice(from, to + 1)
      expect(open.filter(line => line.attempt !== attempt?.id)).toEqual([])
      expect(its.slice(to + 1).filter(line => line.attempt && line.event !== 'local-disk-told')).toEqual([])
    }
    const about = lines.filter(({ machine }) => machine !== undefined)
    expect(new Set(about.map(({ room }) => room))).toEqual(new Set(ROOMS))
  })
})
