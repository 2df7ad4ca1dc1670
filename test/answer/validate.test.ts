import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { InstallerVersion } from '../../services/answer/dialect.ts'
import type { AnswerTable } from '../../services/answer/keys.ts'
import { validateAnswer } from '../../services/answer/validate.ts'
import { answerWith, E, ECDSA, ED25519, HASH, PVE, say } from './samples.ts'

test('a small answer is fine for every installer', () => {
  const versions: InstallerVersion[] = [
    [8, 2],
    [8, 3],
    [8, 4],
    [9, 0],
    [9, 1],
    [9, 2],
  ]
  for (const installer of versions) expect(say(answerWith(), { installer, product: 'pve' })).toEqual([])
})

test('an answer that uses everything is fine for 9.2', () => {
  const answer = answerWith({
    global: {
      fqdn: { source: 'from-dhcp', domain: 'rack7.example.org' },
      'root-ssh-keys': [ED25519, `no-pty,from="10.77.0.*" ${ECDSA}`],
      'reboot-on-error': true,
      'reboot-mode': 'power-off',
      'subscription-key': 'pve2c-0123456789',
    },
    network: {
      source: 'from-answer',
      cidr: '10.77.0.17/24',
      gateway: '10.77.0.254',
      dns: '10.77.0.1',
      filter: { ID_NET_NAME_MAC: '*b07b25aa0110' },
      'interface-name-pinning': {
        enabled: true,
        mapping: { 'B0:7B:25:AA:01:10': 'mgmt0', 'b0:7b:25:aa:01:11': 'st0.7' },
      },
    },
    disks: {
      filesystem: 'zfs',
      filter: { DEVNAME: '/dev/nvme*', ID_MODEL: 'SAMSUNG_MZ[!Q]*' },
      'filter-match': 'all',
      zfs: {
        raid: 'RAID1',
        ashift: 12,
        'arc-max': 8192,
        checksum: 'sha256',
        compress: 'zstd',
        copies: 1,
        hdsize: 400.5,
      },
    },
    'post-installation-webhook': { url: 'https://10.77.0.1/webhook/7f3a', 'cert-fingerprint': 'AB:'.repeat(31) + 'CD' },
    'first-boot': { source: 'from-url', ordering: 'network-online', url: 'https://10.77.0.1/first-boot/7f3a' },
  })
  expect(say(answer)).toEqual([])
})

const HIDDEN = '5ecret-with-bad-byte\n'

test.each<[string, AnswerTable, string]>([
  [
    'no password',
    { 'root-password': HASH, 'root-password-hashed': HASH },
    'error conflict: global has both of root-password and root-password-hashed',
  ],
  ['short password', { 'root-password': '1234567' }, `${E}global.root-password is shorter than 8 bytes`],
  ['password of two lines', { 'root-password': HIDDEN }, `${E}global.root-password has a control character`],
  ['one label', { fqdn: 'node7' }, `${E}global.fqdn has no domain`],
  ['digits first', { fqdn: '7.example.org' }, `${E}global.fqdn has a host part of digits only`],
  ['trailing dot', { fqdn: 'node7.example.org.' }, `${E}global.fqdn ends with a dot`],
  [
    'underscore',
    { fqdn: 'node_7.example.org' },
    `${E}global.fqdn has a label that is empty, too long or not of letters, digits and inner hyphens`,
  ],
  [
    'name of another form',
    { fqdn: ['node7'] },
    `error wrong-type: global.fqdn is neither a name nor the form from DHCP`,
  ],
  ['DHCP with another key', { fqdn: { from: 'dhcp' } }, 'error unknown-key: [global.fqdn] has an unknown key "from"'],
  ['domain of blanks', { fqdn: { domain: 'a b' } }, `${E}global.fqdn has a malformed domain`],
  ['country in upper case', { country: 'DE' }, `${E}global.country: "DE" is not a country code`],
  ['country that is none', { country: 'xx' }, `${E}global.country: "xx" is not a country code`],
  ['alias of a zone', { timezone: 'Etc/UTC' }, `${E}global.timezone: "Etc/UTC" is not a time zone of the installer`],
  [
    'old name of a zone',
    { timezone: 'Asia/Calcutta' },
    `${E}global.timezone: "Asia/Calcutta" is not a time zone of the installer`,
  ],
  ['mail without domain', { mailto: 'ops' }, `${E}global.mailto is not a mail address`],
  [
    'mail that was never filled in',
    { mailto: 'mail@example.invalid' },
    `${E}global.mailto is the installer’s placeholder`,
  ],
  [
    'key of two lines',
    { 'root-ssh-keys': ['ssh-rsa AAAA\nssh-rsa BBBB'] },
    `${E}global.root-ssh-keys.0 has a control character`,
  ],
  [
    'private key',
    { 'root-ssh-keys': ['-----BEGIN OPENSSH PRIVATE KEY-----'] },
    `${E}global.root-ssh-keys.0 is a private key`,
  ],
  [
    'subscription of another product',
    { 'subscription-key': 'pbsb-0123456789' },
    'warning doubtful-value: global.subscription-key does not look like a key for pve',
  ],
])('[global] %s', (_, global, said) => {
  expect(say(answerWith({ global }))).toEqual([said])
})

test('a mail domain needs no dot, and UTC is a time zone', () => {
  expect(say(answerWith({ global: { mailto: 'root@localhost', timezone: 'UTC' } }))).toEqual([])
})

test('neither password', () => {
  const { 'root-password': _, ...global } = answerWith().global
  expect(say({ ...answerWith(), global })).toEqual([
    'error missing-key: global has neither of root-password and root-password-hashed',
  ])
})

test('a password where its hash should stand', () => {
  const { 'root-password': _, ...global } = answerWith().global
  expect(say({ ...answerWith(), global: { ...global, 'root-password-hashed': 'correct horse' } })).toEqual([
    `${E}global.root-password-hashed is not a crypt hash`,
  ])
})

test('a locked password and no key lets nobody in', () => {
  const { 'root-password': _, ...global } = answerWith().global
  expect(say({ ...answerWith(), global: { ...global, 'root-password-hashed': '!' } })).toEqual([
    'warning nobody-can-log-in: the root password is locked and there is no SSH key',
  ])
})

const HOOK = 'post-installation-webhook'

test.each<[string, AnswerTable, string[]]>([
  [
    'webhook without scheme',
    { [HOOK]: { url: 'rack7.example.org/x' } },
    [`${E}${HOOK}.url is not an http or https URL`],
  ],
  [
    'webhook with a blank',
    { [HOOK]: { url: 'http://h/a b' } },
    [`${E}${HOOK}.url has a blank, control or non-ASCII character`],
  ],
  [
    'https to an IPv6 address',
    { [HOOK]: { url: 'https://[fd00::1]/x' } },
    [`${E}${HOOK}.url is https to a literal IPv6 address`],
  ],
  [
    'SHA-1 fingerprint',
    { [HOOK]: { url: 'https://h/x', 'cert-fingerprint': 'ab'.repeat(20) } },
    [`${E}${HOOK}.cert-fingerprint is not a SHA-256 fingerprint`],
  ],
  [
    'fingerprint with a prefix',
    { [HOOK]: { url: 'https://h/x', 'cert-fingerprint': `sha256:${'ab'.repeat(32)}` } },
    [`${E}${HOOK}.cert-fingerprint is not a SHA-256 fingerprint`],
  ],
  ['script from nowhere', { 'first-boot': { source: 'from-url' } }, ['error missing-key: first-boot.url is missing']],
  [
    'script in the ISO and a URL',
    { 'first-boot': { source: 'from-iso', url: 'http://h/x' } },
    [
      'warning ineffective-key: first-boot.url is ignored with source = "from-iso"',
      'warning first-boot-elsewhere: first-boot needs a script inside the ISO',
    ],
  ],
])('%s', (_, sections, said) => {
  expect(say(answerWith(sections))).toEqual(said)
})

test('unknown keys, with what is known there', () => {
  const problems = validateAnswer({ ...answerWith(), system: {}, network: { source: 'from-dhcp', mtu: 9000 } }, PVE)
  expect(problems).toEqual([
    {
      code: 'unknown-key',
      message: '[network] has an unknown key "mtu"',
      hint: 'known here: source, cidr, dns, gateway, filter, interface-name-pinning',
      severity: 'error',
      path: ['network', 'mtu'],
    },
    {
      code: 'unknown-key',
      message: 'the answer has an unknown key "system"',
      hint: 'its keys moved to [global] in 8.2.2',
      severity: 'error',
      path: ['system'],
    },
  ])
})

test('both spellings are read, but not both in one table', () => {
  const { 'root-password': password, ...global } = answerWith().global
  expect(say({ ...answerWith(), global: { ...global, root_password: password } })).toEqual([])
  expect(say(answerWith({ global: { root_password: 'another horse' } }))).toEqual([
    'error duplicate-key: [global] has root-password in both spellings',
  ])
})

test('section names have one spelling only', () => {
  const { 'disk-setup': disks, ...rest } = answerWith()
  expect(say({ ...rest, disk_setup: disks })).toEqual(['error unknown-key: the answer has an unknown key "disk_setup"'])
})

test('what an old ISO does not know is left out with a warning, unless the rest is no answer then', () => {
  const old = { ...PVE, installer: [8, 2, 4] as InstallerVersion }
  expect(say(answerWith({ global: { 'reboot-mode': 'reboot' }, 'first-boot': { source: 'from-iso' } }), old)).toEqual([
    'warning newer-key: global.reboot-mode is left out: installer 8.2.4 does not know it (since 8.4.3)',
    'warning newer-key: first-boot is left out: installer 8.2.4 does not know it (since 8.3)',
  ])
  const { 'root-password': _, ...global } = answerWith().global
  expect(say({ ...answerWith(), global: { ...global, 'root-password-hashed': HASH } }, old)).toEqual([
    'warning newer-key: global.root-password-hashed is left out: installer 8.2.4 does not know it (since 8.2.7)',
    'error missing-key: global has neither of root-password and root-password-hashed',
  ])
  expect(say(answerWith({ global: { fqdn: {} } }), old)).toEqual([
    'error newer-key: global.fqdn from DHCP is newer than this ISO (8.4.3)',
  ])
})

test('no message repeats a secret', () => {
  const secrets = { 'root-password': HIDDEN, 'subscription-key': HIDDEN, 'root-ssh-keys': [HIDDEN] }
  expect(JSON.stringify(validateAnswer(answerWith({ global: secrets }), PVE))).not.toContain('5ecret')
})

test.each([
  ['nothing', undefined],
  ['a list', []],
  ['a number', 7],
  ['an empty table', {}],
])('%s is no answer', (_, value) => {
  expect(validateAnswer(value, PVE).some(problem => problem.severity === 'error')).toBe(true)
})

test('never throws for random values in the known places', () => {
  const section = fc.constantFrom('global', 'network', 'disk-setup', HOOK, 'first-boot')
  const key = fc.constantFrom(
    'fqdn',
    'source',
    'filter',
    'disk-list',
    'zfs',
    'url',
    'root-ssh-keys',
    'interface-name-pinning',
  )
  fc.assert(
    fc.property(section, key, fc.jsonValue(), (name, inner, value) => {
      const answer: Record<string, unknown> = answerWith()
      expect(Array.isArray(validateAnswer({ ...answer, [name]: value }, PVE))).toBe(true)
      const changed = { ...answer, [name]: { ...(answer[name] as object | undefined), [inner]: value } }
      expect(Array.isArray(validateAnswer(changed, PVE))).toBe(true)
    }),
  )
})
