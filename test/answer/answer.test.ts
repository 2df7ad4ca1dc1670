import { fileURLToPath } from 'node:url'
import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { type AnswerInput, type ComposedAnswer, composeAnswer } from '../../services/answer/answer.ts'
import { dialectOf, dialectOfVersion } from '../../services/answer/dialect.ts'
import { loadLayers } from '../../services/answer/load.ts'
import { parseSystemInformation } from '../../services/answer/system-information.ts'
import { isProblem } from '../../services/kit/is-problem.ts'
import { type Mac, parseMac } from '../../services/kit/mac.ts'
import { bytesOf, layersOf, NEWEST } from './samples.ts'

const MAC = parseMac('b0:7b:25:aa:01:10') as Mac
const FINGERPRINT = 'AB:CD:EF:01:'.repeat(8).slice(0, -1)

const LAYERS = layersOf({
  base: `[global]
keyboard = "de"
country = "de"
timezone = "Europe/Berlin"
mailto = "root@{{site.domain}}"
root_password = "correct horse"
[network]
source = "from-dhcp"`,
  mirror: '[disk-setup]\nfilesystem = "zfs"\ndisk-list = ["sda", "sdb"]\nzfs.raid = "raid1"',
  node7: '[disk-setup]\nfilter.ID_MODEL = "SAMSUNG*"',
  'b0-7b-25-aa-01-10': 'global.mailto = "seven@{{site.domain}}"',
})

const INPUT: AnswerInput = {
  layers: LAYERS,
  profileAnswers: ['base', 'mirror'],
  machineAnswers: [],
  macs: [],
  machine: { name: 'node7', fqdn: 'node7.rack7.example.org', address: '10.77.0.17', mac: MAC },
  site: { name: 'rack-7', domain: 'rack7.example.org', address: '10.77.0.1' },
  dialect: NEWEST,
  product: 'pve',
}

function composed(input: Partial<AnswerInput>): ComposedAnswer {
  const answer = composeAnswer({ ...INPUT, ...input })
  if (Array.isArray(answer)) throw new Error(JSON.stringify(answer))
  return answer
}

test('a rack server of Proxmox VE 9.2 with webhook and first-boot script', () => {
  const { toml, leftOut, layers, warnings } = composed({
    machineAnswers: ['node7'],
    macs: [MAC],
    webhookUrl: 'https://10.77.0.1/webhook/w7',
    firstBootUrl: 'https://10.77.0.1/first-boot/f7',
    fingerprint: FINGERPRINT,
    token: 'node7:s3cret',
  })
  expect(layers).toEqual(['base', 'mirror', 'node7', 'b0-7b-25-aa-01-10'])
  expect([leftOut, warnings]).toEqual([[], []])
  expect(parse(toml)).toEqual({
    global: {
      keyboard: 'de',
      country: 'de',
      timezone: 'Europe/Berlin',
      mailto: 'seven@rack7.example.org',
      'root-password': 'correct horse',
      fqdn: 'node7.rack7.example.org',
    },
    network: { source: 'from-dhcp' },
    'disk-setup': { filesystem: 'zfs', filter: { ID_MODEL: 'SAMSUNG*' }, zfs: { raid: 'raid1' } },
    'post-installation-webhook': {
      url: 'https://10.77.0.1/webhook/w7',
      'cert-fingerprint': FINGERPRINT,
      'auth-token': 'node7:s3cret',
    },
    'first-boot': { source: 'from-url', url: 'https://10.77.0.1/first-boot/f7', 'cert-fingerprint': FINGERPRINT },
  })
})

test('a mini PC of Backup Server 3.2: what it posts decides how its answer is written', () => {
  const posted = parseSystemInformation(
    bytesOf({ product: { product: 'pbs' }, iso: { release: '3.2', isorelease: '1' }, network_interfaces: [] }),
  )
  if (isProblem(posted)) throw new Error(posted.message)
  const { toml, leftOut, warnings } = composed({
    dialect: dialectOf({ ...posted, accept: '*/*' }),
    product: posted.product,
    webhookUrl: 'https://10.77.0.1/webhook/w7',
    fingerprint: FINGERPRINT,
    token: 'node7:s3cret',
  })
  expect(leftOut).toEqual(['post-installation-webhook'])
  expect(warnings.map(warning => warning.code)).toEqual(['newer-key'])
  expect(toml).toContain('root_password = "correct horse"')
  expect(toml).toContain('disk_list = [ "sda", "sdb" ]')
  expect(toml).not.toContain('webhook')
})

test.each<[string, Partial<AnswerInput>, string[]]>([
  ['a layer that is not there', { profileAnswers: ['base', 'raid'] }, ['layer-unknown']],
  ['no disks at all', { profileAnswers: ['base'] }, ['missing-key']],
  ['no name from anywhere', { machine: {} }, ['missing-key']],
  ['a host name of digits', { machine: { fqdn: '7.rack7.example.org' } }, ['wrong-value']],
  ['a webhook that the installer cannot call', { webhookUrl: 'https://[fd00::1]/w7' }, ['wrong-value']],
])('%s: no answer, and what is wrong', (_, input, codes) => {
  const problems = composeAnswer({ ...INPUT, ...input })
  expect(Array.isArray(problems) && problems.map(problem => problem.code)).toEqual(codes)
})

const EXAMPLES = fileURLToPath(new URL('../../answers', import.meta.url))

test.each([
  ['ext4', 'pve', [8, 3]],
  ['ext4', 'pbs', [9, 2]],
  ['zfs-mirror', 'pve', [9, 2]],
  ['zfs-mirror', 'pmg', [8, 4]],
] as const)('the examples are valid: base and %s for %s, installer %s', async (disks, product, version) => {
  const layers = await loadLayers(EXAMPLES)
  expect(layers.problems).toEqual([])
  const dialect = dialectOfVersion(version)
  const firstBootUrl = 'https://10.77.0.1/first-boot/f7'
  const answer = composed({ layers, product, dialect, profileAnswers: ['base', disks], firstBootUrl })
  expect(answer.warnings).toEqual([])
})

test('the example of one machine goes on top, and the locked password is told', async () => {
  const layers = await loadLayers(EXAMPLES)
  const answer = composed({ layers, profileAnswers: ['base', 'ext4'], machineAnswers: ['node1'] })
  expect(answer.layers).toEqual(['base', 'ext4', 'node1'])
  expect(answer.warnings.map(warning => warning.code)).toEqual(['nobody-can-log-in'])
  expect(answer.toml).toContain('mailto = "node1@rack7.example.org"')
})

test('the lines that the examples comment out are valid too', async () => {
  const { readFile } = await import('node:fs/promises')
  const uncommented = async (name: string) =>
    (await readFile(`${EXAMPLES}/${name}.toml`, 'utf8')).replaceAll(/^# (?=(?:\[|[a-z-]+(?:\.[A-Z_]+)? = ))/gm, '')
  const base = (await uncommented('base')).replace('source = "from-dhcp"\n', '')
  const disks = (await uncommented('zfs-mirror')).replace(/^disk-list.*$/m, '')
  const zfs = composed({ layers: layersOf({ base, disks }), profileAnswers: ['base', 'disks'] })
  expect(zfs.toml).toContain('ID_NET_NAME_MAC = "*b07b25aa0110"')
  expect(zfs.toml).toContain('arc-max = 8192')
  const ext4 = (await uncommented('ext4')).replace(/^filter.*$/m, '')
  const lvm = composed({ layers: layersOf({ base, disks: ext4 }), profileAnswers: ['base', 'disks'] })
  expect(lvm.toml).toContain('maxvz = 0')
})
