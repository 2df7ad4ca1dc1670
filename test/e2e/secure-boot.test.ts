import { expect, test } from 'vitest'
import { untilDiskBooted } from '../../services/lab/qemu/life.ts'
import { planMachines } from '../../services/lab/rack-plan.ts'
import { fetchSignedLoaders, SIGNED_LOADERS } from '../../services/lab/signed-loaders.ts'
import { countOf, LIFE_LIMIT_MS, stateOf, timelineOf, withLab } from './rig.ts'

test('Secure Boot with Microsoft’s keys: shim and GRUB load kernel and ISO by TFTP, the machine installs itself and boots its disk', {
  timeout: 4 * LIFE_LIMIT_MS,
}, async () => {
  const signed = await fetchSignedLoaders(SIGNED_LOADERS)
  // More than 65,535 blocks, as every real ISO has; and a kernel that says what firmware told it.
  const request = { machines: planMachines(1, 'uefi-secure', true), standInMiB: 64, kernelArgs: ['loglevel=7'], signed }
  await withLab(request, async ({ lab, start }) => {
    const machine = await start('node1')
    const first = await untilDiskBooted(machine, { limitMs: 2 * LIFE_LIMIT_MS })
    await machine.exited
    expect(machine.serial.lines).toContainEqual(expect.stringContaining('secureboot: Secure boot enabled'))
    const from = machine.serial.lines.length
    machine.powerOn()
    const second = await untilDiskBooted(machine, { limitMs: LIFE_LIMIT_MS, from })
    expect([first, second.outcome, await stateOf(lab, 'node1')]).toEqual([
      { outcome: 'installed' },
      'booted-disk',
      'installed',
    ])
    const entries = await timelineOf(lab, 'node1')
    const counts = [
      'attempt-started',
      'script-served',
      'load-failed',
      'kernel-sent',
      'initrd-sent',
      'answer-served',
    ].map(type => countOf(entries, type))
    expect(counts).toEqual([1, 1, 0, 1, 1, 1])
    const sent = entries.filter(({ type }) => type === 'loader-sent').map(({ source, text }) => `${source} ${text}`)
    const [shim, grub] = ['shimx64', 'grubx64'].map(name =>
      expect.stringContaining(`tftp sent loader grub/${name}.efi`),
    )
    expect(sent).toEqual([shim, grub, shim, grub, shim, grub])
    expect(entries.find(({ type }) => type === 'initrd-sent')?.source).toBe('tftp')
    expect(countOf(entries, 'local-disk-told')).toBe(2)
    expect(entries.filter(({ anomaly }) => anomaly)).toEqual([])
  })
})
