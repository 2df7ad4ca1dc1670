import { expect, test } from 'vitest'
import { isProblem } from '../../services/kit/is-problem.ts'
import { type Mac, parseMac } from '../../services/kit/mac.ts'
import { selectLayers } from '../../services/answer/select.ts'
import { layersOf } from './samples.ts'

const FIRST = parseMac('bc:24:11:00:00:01') as Mac
const SECOND = parseMac('bc:24:11:00:00:02') as Mac

const FOLDER = layersOf({
  base: 'global.country = "at"',
  ext4: 'disk-setup.filesystem = "ext4"',
  node1: 'global.country = "de"',
  default: 'global.country = "ch"',
  'BC-24-11-00-00-01': 'global.country = "fr"',
  'bc:24:11:00:00:02': 'not toml',
  torn: 'x = ',
})

function select(profileAnswers: string[], machineAnswers: string[], macs: Mac[], folder = FOLDER) {
  const selected = selectLayers({ profileAnswers, machineAnswers, macs }, folder)
  return isProblem(selected) ? selected : selected.map(layer => layer.name)
}

test.each([
  [
    'profile, then machine, then its NIC',
    ['base', 'ext4'],
    ['node1'],
    [FIRST],
    ['base', 'ext4', 'node1', 'BC-24-11-00-00-01'],
  ],
  ['nothing named: default', [], [], [], ['default']],
  ['a file for the NIC instead of default', [], [], [FIRST], ['BC-24-11-00-00-01']],
  ['a layer named twice counts where it stands last', ['base', 'ext4'], ['base'], [], ['ext4', 'base']],
])('%s', (_, profile, machine, macs, names) => {
  expect(select(profile, machine, macs)).toEqual(names)
})

test.each([
  ['a layer that does not exist', ['bsae'], [], 'layer-unknown'],
  ['a layer named like a property of every object', ['constructor'], [], 'layer-unknown'],
  ['a layer that cannot be read', ['base', 'torn'], [], 'syntax'],
  ['a broken file for the NIC is not passed over', ['base', 'ext4'], [SECOND], 'syntax'],
])('%s', (_, profile, macs, code) => {
  expect(select(profile, [], macs)).toMatchObject({ code })
})

test('an empty folder has nothing for anybody', () => {
  expect(select([], [], [FIRST], layersOf({}))).toMatchObject({ code: 'no-layers' })
})
