/** A person at the machine: presses the key, sees the menu, chooses. Without a key nothing changes: every other test of this folder. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { untilDiskBooted } from '../../services/lab/qemu/life.ts'
import type { QemuMachine } from '../../services/lab/qemu/machine.ts'
import { bootDisk } from '../../services/lab/stand-in/boot-disk.ts'
import { LIFE_LIMIT_MS, oneOfEach, type Rig, stateOf, withLab } from './rig.ts'

/** As a person does who does not want to miss it; a key that the menu has no use for does nothing there. */
const PRESS_EVERY_MS = 300

/** What was drawn on the serial port since the file had so many octets, without the movements of the cursor. */
function screenSince(machine: QemuMachine, from: number): string {
  const octets = readFileSync(join(machine.request.folder, 'serial.log')).subarray(from)
  return stripVTControlCharacters(octets.toString('latin1'))
}

const drawnSoFar = (machine: QemuMachine): number => readFileSync(join(machine.request.folder, 'serial.log')).length

async function until(what: string, isSo: () => boolean, meanwhile: () => void = () => {}): Promise<void> {
  for (const end = Date.now() + LIFE_LIMIT_MS; Date.now() < end; ) {
    if (isSo()) return
    meanwhile()
    await new Promise(wake => setTimeout(wake, PRESS_EVERY_MS))
  }
  throw new Error(`${what}: not within ${LIFE_LIMIT_MS / 1000} s`)
}

/** Presses the key until the menu is there. @returns what the menu shows */
async function openMenu(machine: QemuMachine, from: number): Promise<string> {
  await until('the prompt', () => screenSince(machine, from).includes('Press m for a menu'))
  const isOpen = (): boolean => /Boot the local disk, this time/.test(screenSince(machine, from))
  await until('the menu', isOpen, () => machine.pressKey('m'))
  await until('its last line', () => screenSince(machine, from).includes('Shell of iPXE'))
  return screenSince(machine, from)
}

type Choice = 'disk' | 'install'

async function oneMachine({ lab, start, folder }: Rig, name: string, choice: Choice): Promise<unknown[]> {
  const disk = join(folder, 'machines', name)
  mkdirSync(disk, { recursive: true })
  writeFileSync(join(disk, 'disk.img'), bootDisk())
  const machine = await start(name)

  // Nobody approved it: the menu offers no installation, and its disk is what Enter takes.
  const first = await openMenu(machine, 0)
  machine.pressKey('ret')
  const held = await untilDiskBooted(machine, { limitMs: LIFE_LIMIT_MS })
  const wasChosen = screenSince(machine, 0).includes('chosen here: booting the local disk')
  const before = await stateOf(lab, name)
  await machine.exited

  // Approved, it would install with Enter; the line above is the disk, and leaves the approval as it is.
  await lab.fleet.order(name, 'approve', { reason: 'the test wants it' }, 'anna')
  const [drawn, from] = [drawnSoFar(machine), machine.serial.lines.length]
  machine.powerOn()
  const second = await openMenu(machine, drawn)
  if (choice === 'disk') {
    machine.pressKey('up')
    await new Promise(wake => setTimeout(wake, PRESS_EVERY_MS))
  }
  machine.pressKey('ret')
  const { outcome } = await untilDiskBooted(machine, { limitMs: LIFE_LIMIT_MS, from })
  return [
    ...[/Not approved. To install: /.test(first), /as approved/.test(first), held.outcome, wasChosen, before],
    ...[/Install .*, as approved/.test(second), outcome, await stateOf(lab, name)],
  ]
}

test('who presses m gets a menu: of the disk where nobody approved the machine, of disk and installation where somebody did', {
  timeout: 2 * LIFE_LIMIT_MS,
}, async () => {
  await withLab({ machines: oneOfEach(false) }, async rig => {
    const [bios, uefi] = rig.machines
    const ends = await Promise.all([oneMachine(rig, bios!.name, 'install'), oneMachine(rig, uefi!.name, 'disk')])
    const held = [true, false, 'held', true, 'held']
    expect(ends).toEqual([
      [...held, true, 'installed', 'installed'],
      [...held, true, 'booted-disk', 'booting'],
    ])
  })
})
