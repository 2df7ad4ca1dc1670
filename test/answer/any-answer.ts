/** Answers that an installer accepts, at random: every key, every form of each, with the hardest texts that each allows. */
import fc from 'fast-check'
import { type AnswerTarget, isAtLeast } from '../../services/answer/dialect.ts'
import type { AnswerTable } from '../../services/answer/keys.ts'
import { COUNTRIES, KEYBOARDS, TIME_ZONES } from '../../services/answer/locale.ts'
import { escapeGlob } from '../../services/kit/glob.ts'
import { ECDSA, ED25519, HASH } from './samples.ts'

/** Quotes, backslashes, several scripts; for filters control characters too. */
const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const anything = fc.oneof(
  text,
  fc.string({ unit: 'binary-ascii', maxLength: 20 }),
  fc.constantFrom('"""', "'''", '\\', '\u0000', '\r\n'),
)
const readable = text.map(value => value.replaceAll(/\p{Cc}/gu, ' '))
const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,9}[a-z0-9])?$/)
const domain = fc.array(label, { minLength: 2, maxLength: 4 }).map(labels => labels.join('.'))
const url = fc
  .tuple(fc.constantFrom('http', 'https'), domain, fc.stringMatching(/^[a-z0-9/%~!$'()*+,;=:@?&._-]{0,30}$/))
  .map(([scheme, host, path]) => `${scheme}://${host}/${path.replaceAll('%', '%25')}`)
const fingerprint = fc.stringMatching(/^[0-9a-fA-F]{64}$/)
const size = fc.oneof(fc.integer({ min: 2, max: 100_000 }), fc.double({ min: 2, max: 1e9, noNaN: true }))
const glob = fc
  .tuple(anything, fc.constantFrom('*', '?', '[!u]', '[]]', ''))
  .map(([value, wild]) => `${escapeGlob(value)}x${wild}`)

function filterOf(...properties: string[]): fc.Arbitrary<AnswerTable> {
  return fc
    .uniqueArray(fc.tuple(fc.constantFrom(...properties), glob), { minLength: 1, selector: ([name]) => name })
    .map(entries => Object.fromEntries(entries))
}

/** Keys that are absent half of the time. */
function optional(keys: Record<string, fc.Arbitrary<AnswerTable[string]>>): fc.Arbitrary<AnswerTable> {
  return fc.record(keys, { requiredKeys: [] }).map(table => ({ ...table }) as AnswerTable)
}

function global({ installer, product }: AnswerTarget): fc.Arbitrary<AnswerTable> {
  const name = fc.tuple(label, domain).map(([host, rest]) => `${host}.${rest}`)
  const fromDhcp = fc.oneof(
    fc.constant({}),
    domain.map(value => ({ source: 'from-dhcp', domain: value })),
  )
  const password = readable.map(value => ({ 'root-password': `${value} and eight` }))
  const hashed = fc.constant({ 'root-password-hashed': HASH })
  const required = fc.record({
    keyboard: fc.constantFrom(...KEYBOARDS),
    country: fc.constantFrom(...COUNTRIES),
    timezone: fc.constantFrom(...TIME_ZONES),
    mailto: fc.tuple(fc.stringMatching(/^[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,20}$/), domain).map(parts => parts.join('@')),
    fqdn: isAtLeast(installer, [8, 4, 3]) ? fc.oneof(name, fromDhcp) : name,
  })
  const keys = fc.uniqueArray(fc.constantFrom(ED25519, ECDSA, `no-pty ${ED25519}`))
  const comment = readable.map(value => `${ED25519} ${value}`)
  const more = optional({
    'reboot-on-error': fc.boolean(),
    'reboot-mode': fc.constantFrom('reboot', 'power-off'),
    'root-ssh-keys': fc.oneof(
      keys,
      comment.map(line => [line]),
    ),
    ...(product === 'pdm'
      ? {}
      : { 'subscription-key': fc.constant(product === 'pve' ? 'pve2c-0123456789' : `${product}s-0123456789`) }),
  })
  const access = isAtLeast(installer, [8, 2, 7]) ? fc.oneof(password, hashed) : password
  return fc.tuple(required, access, more).map(tables => Object.assign({}, ...tables) as AnswerTable)
}

const mac = fc.stringMatching(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/)
const mapping = fc
  .uniqueArray(
    fc.tuple(
      fc.oneof(
        mac,
        mac.map(value => value.toUpperCase()),
      ),
      fc.stringMatching(/^[a-z][a-z0-9_]{1,9}(\.[0-9]{1,3})?$/),
    ),
    {
      selector: ([address]) => address.toLowerCase(),
    },
  )
  .map(entries =>
    Object.fromEntries(entries.map(([address, name], index) => [address, `${name[0]}${index}${name.slice(1)}`])),
  )

const network: fc.Arbitrary<AnswerTable> = fc
  .tuple(
    fc.oneof(
      fc.constant({ source: 'from-dhcp' }),
      fc.record({
        source: fc.constant('from-answer'),
        cidr: fc.constantFrom('10.77.0.17/24', '10.77.0.9/30', '10.77.3.4/16'),
        gateway: fc.constant('10.77.0.10'),
        dns: fc.ipV4(),
        filter: filterOf('ID_PATH', 'ID_NET_NAME_ONBOARD', 'ID_VENDOR_ID', 'ID_NET_DRIVER'),
      }),
      fc.record({
        source: fc.constant('from-answer'),
        cidr: fc.constantFrom('fd00:77::17/64', '2001:db8::ffff:10.0.0.1/48'),
        gateway: fc.constant('fe80::1'),
        dns: fc.ipV6(),
        filter: filterOf('ID_PATH', 'ID_NET_NAME_PATH'),
      }),
    ),
    optional({ 'interface-name-pinning': fc.record({ enabled: fc.constant(true), mapping }) }),
  )
  .map(([source, pinning]) => ({ ...source, ...pinning }))

const LEVELS = { raid0: 1, raid1: 2, raid10: 4, 'raidz-1': 3, 'raidz-2': 4, 'raidz-3': 5 }
const DISKS = ['sda', '/dev/sdb', 'nvme0n1', '/dev/nvme10n1', 'vdaa', 'mmcblk0']

/** Options of a table that has a level, with as many disks as the level wants. */
function level(table: 'zfs' | 'btrfs', options: fc.Arbitrary<AnswerTable>): fc.Arbitrary<AnswerTable> {
  const names = Object.entries(LEVELS).filter(([name]) => table === 'zfs' || !name.startsWith('raidz'))
  const chosen = fc.constantFrom(...names)
  const many = fc.tuple(filterOf('ID_MODEL', 'ID_SERIAL', 'ID_BUS'), fc.constantFrom('any', 'all'))
  return fc
    .tuple(chosen, fc.boolean(), fc.option(many, { nil: undefined }), options)
    .map(([[name, fewest], isUpper, found, more]) => ({
      filesystem: table,
      ...(found ? { filter: found[0], 'filter-match': found[1] } : { 'disk-list': DISKS.slice(0, fewest) }),
      [table]: { raid: isUpper ? name.toUpperCase() : name, ...more },
    }))
}

function disks(product: string): fc.Arbitrary<AnswerTable> {
  const lvm = optional({ hdsize: size, maxroot: size, maxvz: size, minfree: size })
  const single = fc.record({
    filesystem: fc.constantFrom('ext4', 'xfs'),
    'disk-list': fc.constantFrom(...DISKS).map(disk => [disk]),
  })
  const zfs = optional({
    ashift: fc.integer({ min: 9, max: 16 }),
    'arc-max': fc.integer({ min: 64, max: 1_000_000 }),
    checksum: fc.constantFrom('on', 'fletcher4', 'sha256'),
    compress: fc.constantFrom('on', 'off', 'lzjb', 'lz4', 'zle', 'gzip', 'zstd'),
    copies: fc.integer({ min: 1, max: 3 }),
    hdsize: size,
  })
  const btrfs = optional({ compress: fc.constantFrom('on', 'off', 'zlib', 'lzo', 'zstd'), hdsize: size })
  const withLvm = fc.tuple(single, lvm).map(([table, sizes]) => ({ ...table, lvm: sizes }))
  const forAll = [single, withLvm, level('zfs', zfs)]
  return fc.oneof(...forAll, ...(product === 'pve' ? [level('btrfs', btrfs)] : []))
}

/** Keys with hyphens; keys that are newer than the installer among them, but for what it could not do without. */
export function anyAnswer(target: AnswerTarget): fc.Arbitrary<AnswerTable> {
  const webhook = fc
    .tuple(url, optional({ 'cert-fingerprint': fingerprint, 'auth-token': anything }))
    .map(([address, more]) => ({ url: address, ...more }))
  const firstBoot = fc
    .tuple(
      url,
      optional({
        'cert-fingerprint': fingerprint,
        ordering: fc.constantFrom('before-network', 'network-online', 'fully-up'),
      }),
    )
    .map(([address, more]) => ({ source: 'from-url', url: address, ...more }))
  const sections = optional({ 'post-installation-webhook': webhook, 'first-boot': firstBoot })
  return fc
    .tuple(fc.record({ global: global(target), network, 'disk-setup': disks(target.product) }), sections)
    .map(([required, more]) => ({ ...required, ...more }))
}
