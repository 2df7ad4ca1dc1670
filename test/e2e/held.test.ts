import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { bootDisk } from '../../services/lab/stand-in/boot-disk.ts'
import { untilDiskBooted } from '../../services/lab/qemu/life.ts'
import { LIFE_LIMIT_MS, oneOfEach, stateOf, withLab } from './rig.ts'

test('an unapproved machine shows who it is and boots its disk; approved and power-cycled it installs', {
  timeout: 2 * LIFE_LIMIT_MS,
}, async () => {
  await withLab({ machines: oneOfEach(false) }, async ({ lab, start, machines, folder }) => {
    const ends = await Promise.all(
      machines.map(async ({ name, mac }) => {
        const disk = join(folder, 'machines', name)
        mkdirSync(disk, { recursive: true })
        writeFileSync(join(disk, 'disk.img'), bootDisk())
        const machine = await start(name)
        const first = await untilDiskBooted(machine, { limitMs: LIFE_LIMIT_MS })
        const shown = machine.serial.lines.some(
          line => line.toLowerCase().includes(`mac ${mac}`) && line.includes(machine.request.serial),
        )
        const before = await stateOf(lab, name)
        await machine.exited
        await lab.fleet.order(name, 'approve', { reason: 'the test wants it' }, 'anna')
        const from = machine.serial.lines.length
        machine.powerOn()
        const second = await untilDiskBooted(machine, { limitMs: LIFE_LIMIT_MS, from })
        return [first.outcome, shown, before, second.outcome, await stateOf(lab, name)]
      }),
    )
    expect(ends).toEqual([
      ['held', true, 'held', 'installed', 'installed'],
      ['held', true, 'held', 'installed', 'installed'],
    ])
  })
})
