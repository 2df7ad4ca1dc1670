import { expect, test } from 'vitest'
import { tryAnswer } from '../../services/answer/answer.ts'
import { placeInLayers } from '../../services/answer/layer.ts'
import { type AnswerProblem, errorAt } from '../../services/answer/problems.ts'
import { formatProblem } from '../../services/kit/problem.ts'
import { layersOf, NEWEST } from './samples.ts'

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

test('a placeholder without a value and what is composed of several layers stand at their layers, too', () => {
  const tried = tryAnswer({
    layers: layersOf({
      base: '[global]\nkeyboard = "de"\ncountry = "at"\nmailto = "a@b"\ntimezone = "UTC"\nroot-password = "correct horse"\nfqdn = "{{machine.serial}}.x"\n',
      disks: '[network]\nsource = "from-dhcp"\n[disk-setup]\nfilesystem = "ext4"\ndisk-list = ["sda", "sdb"]\n',
      hook: '[post-installation-webhook]\nurl = "https://hooks.example.org/x"\n',
    }),
    profileAnswers: ['base', 'disks', 'hook'],
    machineAnswers: [],
    macs: [],
    machine: { name: 'node1' },
    site: { name: 'rack', domain: 'rack.test', address: '10.77.0.1' },
    dialect: NEWEST,
    product: 'pve',
    webhookUrl: 'https://10.77.0.1/webhook/x',
  })
  expect('problems' in tried && tried.problems.map(problem => formatProblem(problem).split(';')[0])).toEqual([
    'answers/base.toml:7:1: error: global.fqdn: this machine has no machine.serial',
    'answers/hook.toml:2:1: warning: the layers send the report elsewhere, so the end of the installation can only be inferred',
    'answers/base.toml:7:1: error: global.fqdn has a label that is empty, too long or not of letters, digits and inner hyphens',
    'answers/disks.toml:5:1: error: ext4 takes one disk, disk-setup.disk-list has 2',
  ])
})
