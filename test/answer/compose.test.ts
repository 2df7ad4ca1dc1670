import { expect, test } from 'vitest'
import { type ComposeContext, composeLayers } from '../../services/answer/compose.ts'
import { layersOf } from './samples.ts'

const CONTEXT: ComposeContext = {
  machine: {
    name: 'node7',
    fqdn: 'node7.rack7.example.org',
    address: '10.77.0.17',
    mac: 'b0:7b:25:aa:01:10',
    serial: '7K2QX93',
    index: 7,
  },
  site: { name: 'rack-7', domain: 'rack7.example.org', address: '10.77.0.1' },
  installer: [9, 2],
}

function compose(texts: string[], context: Partial<ComposeContext> = {}) {
  const layers = layersOf(Object.fromEntries(texts.map((text, index) => [`layer${index}`, text])))
  const { answer, problems } = composeLayers([...layers.byName.values()], { ...CONTEXT, ...context })
  return { answer, codes: problems.map(problem => problem.code), problems }
}

test('tables merge key by key, arrays and single values are replaced', () => {
  const { answer } = compose([
    'global.root-ssh-keys = ["a", "b"]\nglobal.country = "at"\nglobal.fqdn = { domain = "x.org" }',
    'global.root_ssh_keys = ["c"]\nglobal.fqdn = { source = "from-dhcp" }\nnetwork.source = "from-dhcp"',
  ])
  expect(answer).toEqual({
    global: { country: 'at', 'root-ssh-keys': ['c'], fqdn: { domain: 'x.org', source: 'from-dhcp' } },
    network: { source: 'from-dhcp' },
  })
})

test.each([
  [
    'a list after a filter',
    '[disk-setup]\nfilter.ID_BUS = "ata"',
    '[disk-setup]\ndisk-list = ["sda"]',
    { 'disk-list': ['sda'] },
  ],
  [
    'a filter after a list',
    '[disk-setup]\ndisk_list = ["sda"]',
    '[disk-setup]\nfilter.ID_BUS = "ata"',
    { filter: { ID_BUS: 'ata' } },
  ],
  [
    'a filter after a filter',
    '[disk-setup]\nfilter.ID_BUS = "ata"',
    '[disk-setup]\nfilter.ID_MODEL = "x"',
    { filter: { ID_BUS: 'ata', ID_MODEL: 'x' } },
  ],
  [
    'both in one layer',
    '',
    '[disk-setup]\nfilter.A = "x"\ndisk-list = ["sda"]',
    { filter: { A: 'x' }, 'disk-list': ['sda'] },
  ],
])('disks: %s', (_, first, second, disks) => {
  expect(compose([first, second]).answer['disk-setup']).toEqual(disks)
})

test('the password of a later layer wins in either form', () => {
  const plain = 'global.root-password = "correct horse"'
  const hashed = 'global.root_password_hashed = "$y$x"'
  const global = { fqdn: 'node7.rack7.example.org' }
  expect(compose([plain, hashed]).answer.global).toEqual({ ...global, 'root-password-hashed': '$y$x' })
  expect(compose([hashed, plain]).answer.global).toEqual({ ...global, 'root-password': 'correct horse' })
})

test('placeholders are filled in everywhere but in keys', () => {
  const { answer, codes } = compose([
    `[global]
     fqdn = "pve{{ index }}-{{machine.name}}.{{site.domain}}"
     root-ssh-keys = ["ssh-ed25519 AAAA {{machine.serial}}@{{site.name}}"]
     [network]
     cidr = "{{machine.address}}/24"
     dns = "{{site.address}}"
     filter."{{machine.name}}" = "*{{machine.mac-digits}}"`,
  ])
  expect(codes).toEqual([])
  expect(answer).toEqual({
    global: { fqdn: 'pve7-node7.rack7.example.org', 'root-ssh-keys': ['ssh-ed25519 AAAA 7K2QX93@rack-7'] },
    network: { cidr: '10.77.0.17/24', dns: '10.77.0.1', filter: { '{{machine.name}}': '*b07b25aa0110' } },
  })
})

test.each([
  ['unknown name', '{{machine.nmae}}', 'placeholder-unknown'],
  ['nothing inside', '{{}}', 'placeholder-unknown'],
  ['name of a property of every object', '{{constructor}}', 'placeholder-unknown'],
  ['value that this machine lacks', '{{machine.uuid}}', 'placeholder-empty'],
  ['random password', '{{password.random}}', 'random-password-misplaced'],
])('placeholder: %s', (_, text, code) => {
  expect(compose([`global.mailto = "${text}"`]).codes).toEqual([code])
})

test('a value that looks like a placeholder or like TOML stays what it is', () => {
  const serial = '{{site.domain}}"\\u000a[first-boot]'
  const { answer, codes } = compose(['global.mailto = "{{machine.serial}}"'], { machine: { serial } })
  expect(answer).toEqual({ global: { mailto: serial } })
  expect(codes).toEqual([])
})

test('a serial number with a line break cannot add an SSH key', () => {
  const machine = { serial: 'X\nssh-ed25519 AAAA attacker' }
  expect(compose(['global.root-ssh-keys = ["ssh-rsa AAAA {{machine.serial}}"]'], { machine }).codes).toEqual([
    'placeholder-unsafe',
  ])
})

test('a serial number with a star cannot select other disks', () => {
  const { answer } = compose(['disk-setup.filter.ID_SERIAL = "{{machine.serial}}"'], { machine: { serial: '*[a]?' } })
  expect(answer).toEqual({ 'disk-setup': { filter: { ID_SERIAL: '[*][[]a][?]' } } })
})

const WEBHOOK = { url: 'https://10.77.0.1/webhook/5ecret', fingerprint: 'AB:CD', token: 'node7:s3cret' }

test('the webhook is ours, with a token from 9.2 on', () => {
  const own = { url: WEBHOOK.url, 'cert-fingerprint': 'AB:CD' }
  const newest = compose([''], { webhook: WEBHOOK })
  expect(newest.answer['post-installation-webhook']).toEqual({ ...own, 'auth-token': 'node7:s3cret' })
  const older = compose([''], { webhook: WEBHOOK, installer: [9, 1] })
  expect(older.answer['post-installation-webhook']).toEqual(own)
})

test('a webhook of the layers stays, with a warning', () => {
  const { answer, codes } = compose(['post-installation-webhook.url = "https://elsewhere/"'], { webhook: WEBHOOK })
  expect(answer['post-installation-webhook']).toEqual({ url: 'https://elsewhere/' })
  expect(codes).toEqual(['webhook-elsewhere'])
})

test('the first-boot script is ours; the layers may choose when it runs', () => {
  const firstBoot = { url: 'https://10.77.0.1/first-boot/5ecret', fingerprint: 'AB:CD' }
  expect(compose(['first-boot.ordering = "network-online"'], { firstBoot }).answer['first-boot']).toEqual({
    ordering: 'network-online',
    source: 'from-url',
    url: 'https://10.77.0.1/first-boot/5ecret',
    'cert-fingerprint': 'AB:CD',
  })
  const other = compose(['[first-boot]\nsource = "from-iso"'], { firstBoot })
  expect(other.answer['first-boot']).toEqual({ source: 'from-iso' })
  expect(other.codes).toEqual(['first-boot-elsewhere'])
})
