/** Another installation is rehearsed on the hardware that the last one reported; what is no plain repetition waits for a person. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { localExplainer } from '../../services/console/explain.ts'
import { type Fleet, localFleet } from '../../services/console/fleet.ts'
import { describeFact } from '../../services/machine/event.ts'
import { rehearseBy } from '../../services/console/rehearsal.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { STRANGER } from '../machine/rig.ts'
import { LAYER, Rig } from './rig.ts'

const SDA = { DEVNAME: '/dev/sda', ID_MODEL: 'INTEL_SSD', ID_SERIAL_SHORT: 'A1' }
const SDB = { DEVNAME: '/dev/sdb', ID_MODEL: 'TOSHIBA_HDD', ID_SERIAL_SHORT: 'B2' }
const REPORT = {
  fqdn: 'node1.rack.test',
  disks: [
    { size: 1, 'is-bootdisk': true, 'udev-properties': SDA },
    { size: 1, 'udev-properties': SDB },
  ],
  'network-interfaces': [{ name: 'eno1', mac: 'bc:24:11:ab:12:21', 'udev-properties': { INTERFACE: 'eno1' } }],
}

let rig: Rig
let fleet: Fleet
let explainer: ReturnType<typeof localExplainer>

beforeEach(async () => {
  rig = await Rig.start()
  const { registry, site, catalogue, layers, urls, clock } = rig.context
  const passwords = { get: (machine: string) => rig.passwords.get(machine) }
  const fingerprint = (): string => rig.certificate.current.fingerprint
  const close = async (): Promise<void> => {}
  explainer = localExplainer(
    { registry, site, catalogue, layers, urls, fingerprint, passwords, documents: rig.documents, clock },
    close,
  )
  fleet = localFleet(registry, rehearseBy(explainer), close)
  await rig.bring('installing')
  await rig.tls(`/webhook/${rig.token('webhook')}`, { method: 'POST', body: JSON.stringify(REPORT) })
})
afterEach(() => rig.close())

const disks = (text: string): Promise<void> =>
  writeFile(join(rig.folder, 'answers', 'base.toml'), LAYER.replace('disk-list = ["sda"]', text))

describe('another installation', () => {
  test('of the same disk starts at a word', async () => {
    expect(await fleet.order('node1', 'reinstall', {}, 'anna')).toMatchObject({ state: 'approved' })
  })

  test('of another disk is held, with both named, until a person confirms it', async () => {
    await disks('disk-list = ["sdb"]')
    expect(await fleet.order('node1', 'reinstall', { reason: 'new role' }, 'anna')).toEqual({
      code: 'disks-in-doubt',
      message:
        'node1 would erase sdb (TOSHIBA HDD, serial B2): the last installation used other disks: sda (INTEL SSD, serial A1)',
      hint: 'see `rackrise explain` and `rackrise machine devices`, correct the answer, or repeat the order with --confirm-disks',
      severity: 'error',
    })
    expect(rig.node1.state).toBe('installed')
    const confirmed = await fleet.order('node1', 'reinstall', { reason: 'new role', confirmDisks: true }, 'anna')
    expect(confirmed).toMatchObject({ state: 'approved' })
    const timeline = await rig.context.registry.timeline(rig.node1.id, 0, 100)
    expect(describeFact(timeline.findLast(({ type }) => type === 'attempt-started')!)).toContain(
      '(new role; disks confirmed: sdb (TOSHIBA HDD, serial B2))',
    )
  })

  test('is not what `approve` is for: it hears of the right word, and nothing of its disks', async () => {
    await disks('disk-list = ["sdb"]')
    expect(await fleet.order('node1', 'approve', {}, 'anna')).toMatchObject({
      code: 'not-approvable',
      message: 'an installed machine needs `machine reinstall`',
    })
  })

  test('whose filter has become ambiguous is held', async () => {
    await disks('filter.ID_SERIAL_SHORT = "*"')
    expect(await fleet.order('node1', 'reinstall', {}, 'anna')).toMatchObject({ code: 'disks-in-doubt' })
  })

  test('is explained beforehand: what it erases and what it leaves', async () => {
    await disks('filter.ID_MODEL = "TOSHIBA*"')
    const explanation = await explainer.explain('node1')
    if (isProblem(explanation)) throw new Error(explanation.message)
    expect(explanation.rehearsal).toMatchObject({
      erases: ['sdb (TOSHIBA HDD, serial B2)'],
      leaves: ['sda (INTEL SSD, serial A1)'],
      doubts: [{ code: 'other-disks' }],
    })
  })

  test('the first one of a machine that never reported is not rehearsed', async () => {
    const stranger = await rig.context.registry.sight({ macs: [STRANGER] }, 'dhcp')
    expect(await rehearseBy(explainer)(stranger, 'pve')).toBeUndefined()
  })

  test('after a report that names no disk is not rehearsed: nothing is known', async () => {
    await fleet.order('node1', 'reinstall', {}, 'anna')
    await rig.bring('installing')
    await rig.tls(`/webhook/${rig.token('webhook')}`, { method: 'POST', body: JSON.stringify({ fqdn: 'x' }) })
    await disks('disk-list = ["sdz"]')
    expect(await fleet.order('node1', 'reinstall', {}, 'anna')).toMatchObject({ state: 'approved' })
  })

  test('with a profile that a person names is rehearsed with that one', async () => {
    const rehearse = rehearseBy(explainer)
    expect(await rehearse(rig.node1, 'pve')).toMatchObject({ doubts: [] })
    expect(await rehearse(rig.node1, 'nothing')).toBeUndefined()
  })
})
