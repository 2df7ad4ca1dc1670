import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { dialectOf, PRODUCTS, releasesOf } from '../../services/answer/dialect.ts'
import { decodeText, type FileKind, validateText } from '../../services/answer/validate-text.ts'
import { formatProblem } from '../../services/kit/problem.ts'
import { CORPUS } from './corpus.ts'
import { PVE } from './samples.ts'

const GOOD = CORPUS.find(({ name }) => name === 'good-minimal.toml')!.text

function say(source: string, kind?: FileKind): string[] {
  return validateText(source, 'x.toml', PVE, kind).problems.map(formatProblem)
}

describe('what a file is', () => {
  test.each([
    ['placeholders make a layer', '[global]\nfqdn = "{{machine.name}}.example.org"', undefined, 'layer'],
    ['also in an array', '[global]\nroot-ssh-keys = ["{{machine.mac}}"]', undefined, 'layer'],
    ['a whole answer without any', GOOD, undefined, 'answer'],
    ['a part without any is taken for an answer', '[global]\n', undefined, 'answer'],
    ['whoever says so', '[global]\n', 'layer', 'layer'],
    ['two braces alone are a text', GOOD.replace('correct horse', '{{ correct'), undefined, 'answer'],
    ['what cannot be read', 'global = {{', undefined, 'answer'],
  ] as const)('%s', (_, source, asked, kind) => {
    expect(validateText(source, 'x.toml', PVE, asked).kind).toBe(kind)
  })
})

describe('the layers of the answers folder', () => {
  const folder = new URL('../../answers/', import.meta.url)
  const layers = readdirSync(folder).filter(name => name.endsWith('.toml'))
  const targets = PRODUCTS.flatMap(product =>
    releasesOf(product).map(release => ({ product, installer: dialectOf({ product, release }).installer })),
  )

  test.each(layers)('%s is fine for every release, but for what is left out', name => {
    const text = readFileSync(new URL(name, folder), 'utf8')
    const problems = targets.flatMap(target => validateText(text, name, target, 'layer').problems)
    expect(problems.filter(({ code }) => code !== 'newer-key')).toEqual([])
  })
})

describe('an answer in JSON', () => {
  const good = JSON.stringify({
    global: {
      ...{ keyboard: 'de', country: 'de', fqdn: 'node1.example.org', mailto: 'ops@example.org' },
      timezone: 'Europe/Berlin',
      'root-password': 'correct horse',
    },
    network: { source: 'from-dhcp' },
    'disk-setup': { filesystem: 'zfs', zfs: { raid: 'raid0', ashift: 12 }, 'disk-list': ['sda'] },
  })
  const told = (source: string, kind?: FileKind): string[] =>
    validateText(source, 'x.json', PVE, kind).problems.map(({ code, message }) => `${code}: ${message}`)

  test('is judged as the same in TOML is', () => {
    expect(told(good)).toEqual([])
    expect(told(good.replace('"ashift":12', '"ashift":12.0'))).toEqual([
      'wrong-type: disk-setup.zfs.ashift must be a whole number',
    ])
    expect(told(good.replace('"timezone"', '"timezon"')).map(line => line.split(':')[0])).toEqual(['unknown-key'])
    expect(told(good.replace('"de"', 'null'))).toEqual(['wrong-type: global.keyboard is null'])
  })

  test.each([
    ['that breaks off', good.slice(0, -3), undefined, /^syntax: this is no JSON: /],
    ['that is a layer', good, 'layer' as const, /^syntax: this is JSON, and layers are TOML$/],
  ])('%s is none', (_, source, kind, expected) => {
    expect(told(source, kind)).toEqual([expect.stringMatching(expected)])
  })

  test('is for installers from 9.2 on', () => {
    const old = { product: 'pve', installer: [9, 1, 7] as const }
    expect(validateText(good, 'x.json', { ...old, installer: [...old.installer] }).problems.map(formatProblem)).toEqual(
      [
        'x.json:1:1: error: this is JSON, and proxmox-installer 9.1.7 reads TOML only; write it as TOML, or name a release from 9.2 on with --release',
      ],
    )
  })
})

test('mistakes of every kind at once, in the order of the file: what is wrong in one place hides nothing in another', () => {
  const source = `[global]
keyboard = "us"
country = 43
country = "at"
fqdn = "node1"
mailto = "ops@example.org"
timezone = "Europe/Vienna"
root-password = "short"
root-pasword = "x"

[network]
source = "from-answer"
cidr = 10
gateway = "10.77.0.254"
dns = "10.77.0.1"
filter.ID_PATH = "[x"

[disk-setup]
filesystem = "zfs"
disk-list = ["sda"]
zfs = { raid = "raid1", ashift = 12.0, copies = 9223372036854775808, hdsize = inf, }
`
  expect(say(source)).toEqual([
    'x.toml:2:1: error: global.keyboard: "us" is not a keyboard layout of the installer; did you mean "en-us"?',
    'x.toml:3:1: error: global.country must be a string, not a whole number; write it in quotes',
    'x.toml:4:1: error: "country" is set a second time; keep one of the two',
    'x.toml:5:1: error: global.fqdn has no domain; write a full name such as "node1.example.org"',
    'x.toml:8:1: error: global.root-password is shorter than 8 bytes; use a longer one, or a hash',
    'x.toml:9:1: error: [global] has an unknown key "root-pasword"; did you mean "root-password"?',
    'x.toml:13:1: error: network.cidr must be a string, not a whole number; write it in quotes',
    'x.toml:16:8: error: network.filter.ID_PATH is not a glob: a [ has no matching ] (character 1); there is no escape character; write [*] for a star and [[] for a bracket',
    'x.toml:20:1: error: raid1 needs 2 disks, disk-setup.disk-list has 1; add or remove disks, or choose another level',
    'x.toml:21:25: error: disk-setup.zfs.ashift must be a whole number; leave the fraction out',
    'x.toml:21:40: error: disk-setup.zfs.copies has more than 64 bits; write a smaller number',
    'x.toml:21:70: error: disk-setup.zfs.hdsize must be a number, not an endless one; write it in digits',
    'x.toml:21:84: error: TOML 1.0 does not allow a comma before }, and the installer reads no other; remove the comma',
  ])
})

test('keys are found in the spelling that they have', () => {
  const [problem] = validateText(
    GOOD.replace('root-password = "correct horse battery"', 'root_password = "short"'),
    'x',
    PVE,
  ).problems
  expect([problem?.path, problem?.place?.column]).toEqual([['global', 'root-password'], 1])
})

test('no message repeats a password, a hash, a token or a key, wherever its line is wrong', () => {
  const SECRET = 'c0rrect-h0rse'
  const sources = [
    `root-password = "${SECRET}\\n"`,
    `root-password = ["${SECRET}"]`,
    `root-password-hashed = "${SECRET}"`,
    `root-password = "${SECRET}"\nroot_password = "${SECRET}"`,
    `root-password = "${SECRET}"\nroot-password = "${SECRET}"`,
    `root-password = "${SECRET}`,
    `root-password = ${SECRET}`,
    `root-ssh-keys = ["${SECRET}"]`,
    `subscription-key = "${SECRET}"`,
    `password = "${SECRET}"`,
  ]
  const said = sources.flatMap(source => [...say(`[global]\n${source}\n`), ...say(`[global]\n${source}\n`, 'layer')])
  expect(said.length).toBeGreaterThan(sources.length)
  expect(said.filter(line => line.includes(SECRET))).toEqual([])
})

test('a message has nothing that a terminal acts upon', () => {
  const lines = say('[global]\n"\\u001b[2Jx" = 1\nkeyboard = "\\u001b[31m\\u202e"\n["\\u0007"]\n')
  expect(lines.length).toBeGreaterThan(3)
  expect(lines.filter(line => /[\p{Cc}\u202e]/u.test(line))).toEqual([])
})

describe('text', () => {
  const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

  test.each([
    ['German in ISO 8859-1', '[global]\nmailto = "x"\n# M\xfcnchen', 3, 4],
    ['Windows quotes on the first line', '\x93', 1, 1],
    ['a character that is cut at the end', 'a = "\xc3', 1, 6],
    ['behind characters of several octets', '\xc3\xbc\xc3\xbc\xff', 1, 3],
  ])('%s is told with its place', (_, text, line, column) => {
    expect(decodeText(bytes(text), 'x')).toMatchObject({ code: 'not-utf-8', place: { file: 'x', line, column } })
  })

  test('UTF-8, with and without a mark at its beginning', () => {
    expect(decodeText(Buffer.from('ü\ufffd'), 'x')).toBe('ü\ufffd')
    expect(decodeText(Buffer.from('\ufeffa = 1'), 'x')).toBe('a = 1')
  })
})
