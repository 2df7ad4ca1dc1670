import fc from 'fast-check'
import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { dialectOfVersion } from '../../services/answer/dialect.ts'
import { renderAnswer } from '../../services/answer/render.ts'
import { validateAnswer } from '../../services/answer/validate.ts'
import { answerWith, HASH, NEWEST } from './samples.ts'

const NEW = answerWith({
  global: { 'reboot-on-error': true, 'reboot-mode': 'power-off', 'subscription-key': 'pve2c-0123456789' },
  network: { 'interface-name-pinning': { enabled: true, mapping: { 'B0:7B:25:AA:01:10': 'lan_0' } } },
  disks: { filesystem: 'zfs', 'disk-list': ['sda'], zfs: { raid: 'RAID0', 'arc-max': 64 } },
  'post-installation-webhook': { url: 'https://h/x', 'cert-fingerprint': 'ab'.repeat(32), 'auth-token': 'a:b' },
  'first-boot': { source: 'from-url', url: 'https://h/y', 'cert-fingerprint': 'ab'.repeat(32) },
})

test('for 9.2 nothing is left out and keys have hyphens', () => {
  const { toml, leftOut } = renderAnswer(NEW, NEWEST)
  expect(leftOut).toEqual([])
  expect(parse(toml)).toEqual(NEW)
})

test('for 9.1 without subscription and token, and with MACs in lower case', () => {
  const { toml, leftOut } = renderAnswer(NEW, dialectOfVersion([9, 1]))
  expect(leftOut).toEqual(['global.subscription-key', 'post-installation-webhook.auth-token'])
  expect(parse(toml)).toMatchObject({
    network: { 'interface-name-pinning': { mapping: { 'b0:7b:25:aa:01:10': 'lan_0' } } },
  })
})

test('for 8.3 in underscores, but sections keep their hyphens', () => {
  const { toml, leftOut } = renderAnswer(NEW, dialectOfVersion([8, 3]))
  expect(leftOut).toEqual([
    'global.reboot-mode',
    'global.subscription-key',
    'network.interface-name-pinning',
    'post-installation-webhook.auth-token',
  ])
  expect(toml).toBe(`[global]
keyboard = "de"
country = "de"
fqdn = "node7.rack7.example.org"
mailto = "ops@example.org"
timezone = "Europe/Berlin"
root_password = "correct horse"
reboot_on_error = true

[network]
source = "from-dhcp"

[disk-setup]
filesystem = "zfs"
disk_list = [ "sda" ]

[disk-setup.zfs]
raid = "raid0"
arc_max = 64

[post-installation-webhook]
url = "https://h/x"
cert_fingerprint = "${'ab'.repeat(32)}"

[first-boot]
source = "from-url"
url = "https://h/y"
cert_fingerprint = "${'ab'.repeat(32)}"
`)
})

test('for 8.2 without webhook and first-boot', () => {
  expect(renderAnswer(NEW, dialectOfVersion([8, 2])).leftOut).toEqual([
    'global.reboot-mode',
    'global.subscription-key',
    'network.interface-name-pinning',
    'post-installation-webhook',
    'first-boot',
  ])
})

test('keys of filters are nobody’s spelling', () => {
  const answer = answerWith({ disks: { filesystem: 'ext4', filter: { 'disk-list': 'x', ID_BUS: 'ata' } } })
  expect(parse(renderAnswer(answer, dialectOfVersion([8, 2])).toml)).toMatchObject({
    'disk-setup': { filter: { 'disk-list': 'x', ID_BUS: 'ata' } },
  })
})

const text = fc.string({ unit: 'grapheme' })
const key = text.filter(name => name !== '__proto__')
const globs = fc.dictionary(key, text, { noNullPrototype: true })
const size = fc.double({ min: 0.5, max: 1e6, noNaN: true })

const anyAnswer = fc
  .record({
    secret: fc.constantFrom('root-password', 'root-password-hashed'),
    password: text,
    keys: fc.array(text),
    filter: globs,
    disks: fc.array(text),
    hdsize: size,
    url: text,
    mapping: globs,
  })
  .map(({ secret, password, keys, filter, disks, hdsize, url, mapping }) =>
    answerWith({
      global: { [secret]: password, 'root-ssh-keys': keys, fqdn: { source: 'from-dhcp', domain: url } },
      network: { source: 'from-answer', cidr: password, filter, 'interface-name-pinning': { enabled: true, mapping } },
      disks: { filesystem: 'zfs', 'disk-list': disks, filter, zfs: { raid: 'raid0', hdsize, copies: 2 } },
      'post-installation-webhook': { url, 'auth-token': password },
    }),
  )

test('whatever the values are: reading the text gives the answer back', () => {
  fc.assert(
    fc.property(anyAnswer, answer => {
      expect(parse(renderAnswer(answer, NEWEST).toml)).toEqual(answer)
    }),
  )
})

test('what is valid stays valid when it was written and read again, for every installer', () => {
  const answer = answerWith({ global: { 'root-password': `quote " back \\ tab ${HASH}` } })
  for (const installer of [
    [8, 2],
    [8, 4],
    [9, 2],
  ] as const) {
    const read: unknown = parse(renderAnswer(answer, dialectOfVersion(installer)).toml)
    expect(validateAnswer(read, { installer, product: 'pve' })).toEqual([])
  }
})
