import fc from 'fast-check'
import { expect, test } from 'vitest'
import { composeLayers } from '../../services/answer/compose.ts'
import type { AnswerTable } from '../../services/answer/keys.ts'
import { MASK, maskAnswer } from '../../services/answer/mask.ts'
import { mergeTables } from '../../services/answer/merge.ts'
import { leavesOf, originsOf } from '../../services/answer/origins.ts'
import { isTable } from '../../services/answer/keys.ts'
import { layersOf } from './samples.ts'

const SITE = { name: 'rack-7', domain: 'rack7.example.org', address: '10.77.0.1' }

function layersFrom(texts: Record<string, string>) {
  return [...layersOf(texts).byName.values()]
}

test('which layer gave which key, and over which', () => {
  const layers = layersFrom({
    base: '[global]\ncountry = "at"\nroot_password = "correct horse"\n[disk-setup]\nfilter.ID_BUS = "ata"',
    disks: '[disk-setup]\ndisk-list = ["sda"]',
    node1: '[global]\ncountry = "de"\nroot-password-hashed = "$y$x"',
  })
  expect(Object.fromEntries(originsOf(layers))).toEqual({
    'global.country': { layer: 'node1', over: ['base'] },
    'global.root-password-hashed': { layer: 'node1', over: [] },
    'disk-setup.disk-list': { layer: 'disks', over: [] },
  })
})

const name = fc.constantFrom(
  'global',
  'disk-setup',
  'filter',
  'disk-list',
  'root-password',
  'root-password-hashed',
  'x',
)
const { table } = fc.letrec<{ table: AnswerTable; value: AnswerTable | string | string[] }>(tie => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom('a', 'b', '{{site.name}}', '{{index}}'),
    fc.constant<string[]>(['c']),
    tie('table'),
  ),
  table: fc.dictionary(name, tie('value'), { maxKeys: 4 }) as fc.Arbitrary<AnswerTable>,
}))

const shape = (value: unknown): unknown =>
  isTable(value) ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shape(inner)])) : typeof value

test('property: every key of the merged layers has an origin, and nothing else has', () => {
  fc.assert(
    fc.property(fc.array(table, { minLength: 1, maxLength: 4 }), tables => {
      const layers = tables.map((one, at) => ({ name: `layer${at}`, file: '', table: one }))
      const merged = tables.reduce((earlier, later) => mergeTables(earlier, later), {})
      expect([...originsOf(layers).keys()]).toEqual(leavesOf(merged).map(([path]) => path))
    }),
  )
})

/** Rivals of one table: a later one removes the other, which is not undone when three are merged from the right. */
const tame = (one: AnswerTable): boolean =>
  leavesOf(one).every(([path]) => !/filter|disk-list|root-password/.test(path))

test('property: without rivals merging is associative, and nothing is its neutral element', () => {
  fc.assert(
    fc.property(table.filter(tame), table.filter(tame), table.filter(tame), (a, b, c) => {
      // A table under a value, and the other way round, depends on the order: a value in between hides what was before it.
      fc.pre(JSON.stringify(shape(mergeTables(a, c))) !== '' && areAlike(a, b) && areAlike(b, c) && areAlike(a, c))
      expect(mergeTables(mergeTables(a, b), c)).toEqual(mergeTables(a, mergeTables(b, c)))
      expect([mergeTables(a, {}), mergeTables({}, a)]).toEqual([a, a])
    }),
  )
})

/** Whether what is a table in one is one in the other. */
function areAlike(a: AnswerTable, b: AnswerTable): boolean {
  return Object.entries(a).every(([key, value]) => {
    const other = b[key]
    if (other === undefined) return true
    return isTable(value) && isTable(other) ? areAlike(value, other) : isTable(value) === isTable(other)
  })
}

test('property: placeholders never change the structure, whatever they stand for', () => {
  fc.assert(
    fc.property(table, fc.string({ unit: 'binary-ascii' }), fc.string({ unit: 'grapheme' }), (one, site, serial) => {
      const layers = [{ name: 'x', file: '', table: one }]
      const { answer } = composeLayers(layers, {
        machine: { index: 7, serial },
        site: { ...SITE, name: site },
        installer: [9, 2],
      })
      expect(shape(answer)).toEqual(shape(one))
    }),
  )
})

test('secrets are masked, and what is none stays', () => {
  expect(
    maskAnswer({
      global: {
        'root-password': 'correct horse',
        'root-password-hashed': '$y$j9T$abc$def',
        'subscription-key': 'pve2c-0123456789',
        'root-ssh-keys': ['ssh-ed25519 AAAA ops'],
        fqdn: { source: 'from-dhcp' },
      },
      'post-installation-webhook': { url: 'https://user:pw@hooks.example.org:8443/T0/B1?key=5', 'auth-token': 'x' },
      'first-boot': { source: 'from-url', url: 'no url', 'cert-fingerprint': 'AB' },
    }),
  ).toEqual({
    global: {
      'root-password': MASK,
      'root-password-hashed': `$y$${MASK}`,
      'subscription-key': MASK,
      'root-ssh-keys': ['ssh-ed25519 AAAA ops'],
      fqdn: { source: 'from-dhcp' },
    },
    'post-installation-webhook': { url: `https://hooks.example.org:8443/${MASK}`, 'auth-token': MASK },
    'first-boot': { source: 'from-url', url: MASK, 'cert-fingerprint': 'AB' },
  })
})

test.each([
  ['!', '!'],
  ['*', '*'],
  ['{{password.random}}', '{{password.random}}'],
  ['plain by mistake', MASK],
  ['$6$salt$hash', `$6$${MASK}`],
])('of the hash %s people see %s', (hash, shown) => {
  expect(maskAnswer({ global: { 'root-password-hashed': hash } })).toEqual({
    global: { 'root-password-hashed': shown },
  })
})

test('what is no public key is not shown among the keys, and no value of a key that no answer has', () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHx ops'
  const answer = {
    global: { 'root-ssh-keys': [key, '-----BEGIN OPENSSH PRIVATE KEY-----'], 'root-pasword': 'secret' },
    'first-bot': { url: 'https://a.example/secret' },
    network: { filter: { ID_NET_NAME: 'eno1' } },
  }
  expect(maskAnswer(answer)).toEqual({
    global: { 'root-ssh-keys': [key, MASK], 'root-pasword': MASK },
    'first-bot': MASK,
    network: { filter: { ID_NET_NAME: 'eno1' } },
  })
})
