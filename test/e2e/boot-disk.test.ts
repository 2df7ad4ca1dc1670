import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Mac } from '../../services/kit/mac.ts'
import { QemuMachine, startQemuMachine } from '../../services/lab/qemu/machine.ts'
import { bootDisk, DISK_BOOTED } from '../../services/lab/stand-in/boot-disk.ts'

const root = mkdtempSync(join(tmpdir(), 'rackrise-boot-disk-'))
const started: QemuMachine[] = []
afterAll(async () => {
  await Promise.all(started.map(machine => machine.close()))
  rmSync(root, { recursive: true, force: true })
})

function machineWith(firmware: 'bios' | 'uefi', disk: Uint8Array): Promise<QemuMachine> {
  const folder = join(root, firmware)
  mkdirSync(folder)
  writeFileSync(join(folder, 'disk.img'), disk)
  const uuid = '5ac4815e-0000-4000-8000-000000000001'
  const mac = 'bc:24:11:00:00:01' as Mac
  return startQemuMachine({
    name: firmware,
    mac,
    uuid,
    serial: 'LAB-1',
    firmware,
    folder,
    memoryMiB: 256,
    diskMiB: 16,
    accel: 'tcg',
  })
}

test.each(['bios', 'uefi'] as const)(
  'a %s machine boots the disk, says so once, and switches itself off',
  { timeout: 120_000 },
  async firmware => {
    const machine = await machineWith(firmware, bootDisk())
    started.push(machine)
    expect(await machine.exited).toEqual({ why: 'guest' })
    expect(machine.serial.lines.filter(line => line.includes(DISK_BOOTED))).toHaveLength(1)
  },
)

test('a machine can be unplugged and plugged in again, and keeps its disk', { timeout: 60_000 }, async () => {
  const machine = started[0]!
  machine.powerOn()
  const off = machine.exited
  await machine.powerCycle()
  expect(await off).toEqual({ why: 'plug' })
  expect(await machine.exited).toEqual({ why: 'guest' })
  expect(machine.serial.lines.filter(line => line.includes(DISK_BOOTED))).toHaveLength(2)
})
