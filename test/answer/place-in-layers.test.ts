import { expect, test } from 'vitest'
import { placeInLayers } from '../../services/answer/layer.ts'
import { type AnswerProblem, errorAt } from '../../services/answer/problems.ts'
import { formatProblem } from '../../services/kit/problem.ts'
import { layersOf } from './samples.ts'

const { byName } = layersOf({
  base: '# all\n[global]\nkeyboard = "us"\nroot_password = "x"\n\n[network]\nsource = "from-answer"\nfilter.ID_PATH = "["\n',
  node1: '[disk-setup]\nfilesystem = "zfs"\ndisk-list = ["sda", "sda"]\n[global]\nkeyboard = "uk"\n',
})
const layers = [byName.get('base')!, byName.get('node1')!]

const at = (...path: (string | number)[]): AnswerProblem => errorAt(path, 'wrong-value', 'm', 'h')

test.each([
  ['where two layers set it, the later one', at('global', 'keyboard'), 'answers/node1.toml:5:1: error: m; h'],
  ['in its own spelling', at('global', 'root-password'), 'answers/base.toml:4:1: error: m; h'],
  ['an entry of a list', at('disk-setup', 'disk-list', 1), 'answers/node1.toml:3:21: error: m; h'],
  ['a property of a filter', at('network', 'filter', 'ID_PATH'), 'answers/base.toml:8:8: error: m; h'],
  ['what is missing, at its table', at('network', 'cidr'), 'answers/base.toml:6:1: error: m; h'],
  ['what no layer has anything of', at('first-boot', 'url'), 'error: m; h'],
  ['what has a place', { ...at('global', 'keyboard'), place: { file: 'x', line: 1 } }, 'x:1: error: m; h'],
  ['what is about nothing in particular', at(), 'error: m; h'],
])('%s', (_, problem, said) => {
  expect(placeInLayers([problem], layers).map(formatProblem)).toEqual([said])
})
