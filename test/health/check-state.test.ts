import { expect, test } from 'vitest'
import { overlaps } from '../../services/health/check-state.ts'
import { foldMachines } from '../../services/machine/fold.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { Fleet, LISTED, NODE1, siteOf, STRANGER } from '../machine/rig.ts'

const rule = (when: string): string => `[[rule]]\nwhen = { ${when} }\nprofile = "pve"\n`

test('machines that two rules fit are told together, listed ones and others not', async () => {
  const site = siteOf(LISTED + rule('mac = "bc:24:11:*"') + rule('serial = "7K*"') + rule('mac = "*:99"'))
  const fleet = await Fleet.open(site)
  const other = 'bc:24:11:ab:12:98' as Mac
  await fleet.registry.sight({ macs: [STRANGER] }, 'http')
  await fleet.registry.sight({ macs: [other], serial: '7K2' }, 'http')
  await fleet.registry.sight({ macs: ['b0:7b:25:00:00:01' as Mac], serial: '7K3' }, 'http')
  await fleet.registry.sight({ macs: [NODE1], serial: '7K1' }, 'http')
  const machines = foldMachines({ checkpoint: undefined, snapshots: () => [], events: () => fleet.store.rows })
  expect(machines).toEqual(fleet.registry.machines())
  expect(overlaps(machines, site).map(({ message }) => message)).toEqual([
    `rule 1 takes ${STRANGER}, and so would rule 3`,
    `rule 1 takes ${other}, and so would rule 2`,
  ])
})
