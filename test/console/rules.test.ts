import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadLayers } from '../../services/answer/load.ts'
import { viewLayers } from '../../services/console/layers.ts'
import { viewRules } from '../../services/console/rules.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { Fleet, LISTED, NODE1, siteOf, STRANGER } from '../machine/rig.ts'

const RULES = `[[rule]]
when = { mac = "bc:24:11:*", serial = ["7K*", "!7K9"] }
profile = "pve"
name = "node{{index}}"
answers = ["odd"]
[[rule]]
when = { serial = "X*" }
profile = "pve"
approve = true
answers = ["base", "odd"]
`

test('each rule with its conditions as they are written, and the machines that it takes', async () => {
  const site = siteOf(LISTED + RULES)
  const { registry } = await Fleet.open(site)
  await registry.sight({ macs: ['bc:24:11:ab:12:98' as Mac], serial: '7K2' }, 'http')
  await registry.sight({ macs: ['bc:24:11:ab:12:97' as Mac], serial: '7K3' }, 'http')
  await registry.sight({ macs: [STRANGER], serial: '7K9' }, 'http')
  await registry.sight({ macs: [NODE1], serial: 'X1' }, 'http')
  expect(viewRules(site, registry)).toEqual({
    rules: [
      {
        rule: 1,
        when: ['mac = "bc:24:11:*"', 'serial = ["7K*", "!7K9"]'],
        profile: 'pve',
        name: 'node{{index}}',
        answers: ['odd'],
        approve: false,
        machines: [
          { id: 'bc:24:11:ab:12:98', name: 'node2' },
          { id: 'bc:24:11:ab:12:97', name: 'node3' },
        ],
      },
      { rule: 2, when: ['serial = "X*"'], profile: 'pve', answers: ['base', 'odd'], approve: true, machines: [] },
    ],
    unlisted: 1,
  })
})

test('each layer with who names it, how much it sets, and what is wrong with it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rackrise-layers-'))
  const write = (name: string, text: string): Promise<void> => writeFile(join(folder, name), text)
  await write('base.toml', '[global]\ncountry = "at"\nroot-ssh-keys = ["a", "b"]\n[network]\nsource = "from-dhcp"\n')
  await write('odd.toml', 'a = \n')
  await write('default.toml', '[global]\ncuontry = "at"\n')
  await write(`${NODE1.replaceAll(':', '-')}.toml`, '[global]\nfqdn = "a.b"\n')
  await write(`${STRANGER}.toml`, '')
  const site = siteOf(LISTED + RULES)
  const { layers } = viewLayers(site, await loadLayers(folder))
  await rm(folder, { recursive: true })
  expect(
    layers.map(({ problems, file: _, ...rest }) => ({ ...rest, codes: problems.map(({ code }) => code) })),
  ).toEqual([
    { name: 'base', usedBy: ['rule 2'], keys: 3, codes: [] },
    { name: NODE1, usedBy: ['machine node1'], keys: 1, codes: [] },
    { name: STRANGER, usedBy: [`machine ${STRANGER}`], keys: 0, codes: [] },
    { name: 'default', usedBy: ['machines for which nothing else is named'], keys: 1, codes: ['unknown-key'] },
    { name: 'odd', usedBy: ['rule 1', 'rule 2'], keys: 0, codes: ['syntax'] },
  ])
})
