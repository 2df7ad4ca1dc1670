/** Clock, certificate, loaders, ISOs, state folder, names: what they say, as tables. */
import { describe, expect, test } from 'vitest'
import { judgePair, judgeResolvers, lookAtNames } from '../../services/health/probe/names.ts'
import { judgeCheck, judgeIsos, judgeLoaders } from '../../services/health/probe/sent.ts'
import { checkRoom, judgeState } from '../../services/health/probe/state.ts'
import { judgeCertificate, judgeClock } from '../../services/health/probe/time.ts'
import type { IsoEntry, LibraryFile } from '../../services/iso/catalogue.ts'
import type { Problem } from '../../services/kit/problem.ts'
import type { Damage } from '../../services/store/damage.ts'
import { siteOf } from '../machine/rig.ts'
import { WITH_PROFILE } from '../site/sites.ts'

const NOW = Date.UTC(2026, 10, 26, 11, 30)
const DAY = 86_400_000
const site = siteOf('')
const said = (found: { code: string; message: string }[]): string[] =>
  found.map(({ code, message }) => `${code}: ${message}`)
const problem = (code: string, message: string, severity: Problem['severity'] = 'error'): Problem => ({
  code,
  message,
  hint: 'mend it',
  severity,
})

test.each<[string, number, boolean | undefined, string[]]>([
  ['kept by somebody', NOW, true, ['clock-synchronised: it is 2026-11-26 11:30 UTC, and kept so']],
  ['kept by nobody', NOW, false, ['clock-free-running: it is 2026-11-26 11:30 UTC here, and nothing keeps that right']],
  [
    'the kernel does not say',
    NOW,
    undefined,
    ['clock-unknown: whether anything keeps the clock right is not known: this process may not ask'],
  ],
  ['an empty battery', 0, true, ['clock-wrong: this host has 1970-01-01 00:00 UTC, which can not be']],
  [
    'a slip of the pen',
    Date.UTC(2226, 0, 1),
    true,
    ['clock-wrong: this host has 2226-01-01 00:00 UTC, which can not be'],
  ],
])('clock: %s', (_, now, isSynchronised, expected) => {
  expect(said(judgeClock({ now, ...(isSynchronised === undefined ? {} : { isSynchronised }) }))).toEqual(expected)
})

describe('certificate', () => {
  const facts = { notBefore: NOW - 365 * DAY, notAfter: NOW + 100 * DAY, isOwn: false }

  test.each<[string, Parameters<typeof judgeCertificate>[0], Problem[], string[]]>([
    ['the site’s own', facts, [], ['certificate-fine: the certificate is valid until 2027-03-06, 100 days']],
    [
      'self-signed',
      { ...facts, isOwn: true },
      [],
      [
        'certificate-fine: the self-signed certificate is valid until 2027-03-06, 100 days, and another one is made in time',
      ],
    ],
    ['none yet', undefined, [], ['certificate-unmade: there is no certificate yet']],
    [
      'one from the future',
      { ...facts, notBefore: NOW + DAY },
      [],
      ['certificate-early: the certificate is valid from 2026-11-27, and by this clock it is 2026-11-26'],
    ],
    ['one that ends', facts, [problem('certificate-expires', 'it ends')], ['certificate-expires: it ends']],
    ['one that can not be read', undefined, [problem('certificate', 'no such file')], ['certificate: no such file']],
  ])('%s', (_, certificate, problems, expected) => {
    expect(said(judgeCertificate(certificate, problems, NOW))).toEqual(expected)
  })
})

describe('loaders', () => {
  const loaders = (...names: string[]) => new Map(names.map(name => [name, { path: name, size: 1 }]))
  const old = new Map([['snponly.efi', { version: '1.0.0+git-20190125', madeAt: NOW - 5.5 * 365.25 * DAY }]])

  test('there, with what they say that they are; old ones are told', () => {
    expect(said(judgeLoaders(site, loaders('undionly.kpxe', 'snponly.efi'), old, NOW))).toEqual([
      'loaders-found: x86-bios undionly.kpxe, x64-uefi snponly.efi, arm64-uefi none; iPXE 1.0.0+git-20190125',
      'loaders-old: the loaders are 5 years old',
    ])
  })

  test('missing', () => {
    expect(said(judgeLoaders(site, loaders('undionly.kpxe'), new Map(), NOW))).toEqual([
      'loaders-missing: /usr/lib/ipxe has no snponly.efi',
    ])
  })
})

describe('ISOs', () => {
  const MIB = 1024 ** 2
  const entry = {
    file: 'proxmox-ve_9.2-1.iso',
    size: 1700 * MIB,
    initrd: { offset: 0, length: 55 * MIB },
    autoInstallCapable: true,
  } as unknown as IsoEntry
  const library = (verification?: LibraryFile['verification']) => ({
    find: (selector: string) =>
      selector === 'pve:latest' ? entry : problem('iso-unknown', `no ISO fits "${selector}"`),
    files: () => [{ file: entry.file, ...(verification ? { verification } : {}) } as LibraryFile],
  })
  const verified: LibraryFile['verification'] = {
    outcome: 'good',
    sha256: '0'.repeat(64),
    lists: [],
    signature: 'good',
    at: NOW,
  }

  test.each<[string, Parameters<typeof judgeIsos>, string[]]>([
    [
      'compared with what was published',
      [site, library(verified), 9e9],
      [
        'iso-ready: profile pve: proxmox-ve_9.2-1.iso, machines need 5.5 GiB of memory, checksum and signature are good',
      ],
    ],
    [
      'nobody compared it',
      [site, library(), 9e9],
      [
        'iso-ready: profile pve: proxmox-ve_9.2-1.iso, machines need 5.5 GiB of memory',
        'iso-unverified: nobody compared proxmox-ve_9.2-1.iso with what was published',
      ],
    ],
    [
      'no room for the next one',
      [site, library(verified), 1e9],
      [
        'iso-ready: profile pve: proxmox-ve_9.2-1.iso, machines need 5.5 GiB of memory, checksum and signature are good',
        `iso-room: the disk of ${site.paths.isos} has 953.7 MiB left, and an ISO has up to 2 GiB`,
      ],
    ],
    [
      'not there',
      [siteOf('', WITH_PROFILE.replace('pve:latest', 'pbs:latest')), library(), undefined],
      ['iso-profile: profile pve: no ISO fits "pbs:latest"'],
    ],
    [
      'none wanted',
      [siteOf('', WITH_PROFILE.slice(0, WITH_PROFILE.indexOf('[[profile]]'))), library(), undefined],
      ['no-profiles: the site has no profile, so nothing can be installed'],
    ],
  ])('%s', (_, given, expected) => {
    expect(said(judgeIsos(...given))).toEqual(expected)
  })
})

test.each<[string, Problem[], string[]]>([
  ['nothing', [], ['check-clean: `rackrise check` finds nothing else']],
  ['doubts', [problem('doubtful', 'a', 'warning')], ['check-warnings: `rackrise check` finds 1 warning: a']],
  [
    'errors first, three of them',
    [problem('w', 'w', 'warning'), ...['a', 'b', 'c', 'd'].map(text => problem(text, text))],
    ['check-errors: `rackrise check` finds 4 errors and 1 warning: a; b; c; ...'],
  ],
])('check: %s', (_, problems, expected) => {
  expect(said(judgeCheck(problems))).toEqual(expected)
})

const GIB = 1024 ** 3
test.each<[string, Parameters<typeof judgeState>[0], string[]]>([
  ['private, with room', { mode: 0o40700, freeBytes: 20 * GIB }, ['state-fine: /s is private, and 20.0 GiB are left']],
  ['not there', undefined, ['state-missing: /s is not there yet']],
  ['open', { mode: 0o40755, freeBytes: 20 * GIB }, ['state-open: others may look into /s (mode 0755)']],
  ['little room', { mode: 0o40700, freeBytes: 0.5 * GIB }, ['disk-nearly-full: the disk of /s has 512.0 MiB left']],
  ['none', { mode: 0o40700, freeBytes: 4096 }, ['disk-full: the disk of /s has 4.0 KiB left']],
  [
    'damaged',
    { mode: 0o40700, freeBytes: 20 * GIB, damage: { is: 'is damaged: row 3 missing' } },
    ['state-damaged: the database in /s is damaged: row 3 missing'],
  ],
])('state folder: %s', (_, facts, expected) => {
  expect(said(judgeState(facts, '/s'))).toEqual(expected)
})

test('no backup is brought back to a disk that fails', () => {
  const whole = { mode: 0o40700, freeBytes: 20 * GIB }
  const hintOf = (damage: Damage) => judgeState({ ...whole, damage }, '/s')[0]!.hint
  expect(hintOf({ is: 'is damaged: row 3 missing' })).toContain('rackrise restore FILE --force')
  expect(hintOf({ is: 'is not given whole by its disk: disk I/O error', hint: 'see dmesg' })).toBe('see dmesg')
})

describe('names', () => {
  const due = { url: 'https://10.77.0.1/answer/xyz', fingerprint: 'AB'.repeat(32) }
  const told = { url: due.url, fingerprint: due.fingerprint }

  test.each<[string, Parameters<typeof judgePair>[0], string]>([
    [
      'as it should be',
      told,
      'dns-pair: proxmox-auto-installer.rack.test tells the installer of an attempt its answer URL and the fingerprint',
    ],
    [
      'no URL',
      { url: undefined, fingerprint: undefined },
      'dns-pair-wrong: proxmox-auto-installer.rack.test TXT: no answer URL',
    ],
    [
      'another URL',
      { ...told, url: 'https://x' },
      'dns-pair-wrong: proxmox-auto-installer.rack.test TXT: another answer URL than it should have',
    ],
    [
      'another certificate',
      { ...told, fingerprint: 'CD' },
      'dns-pair-wrong: proxmox-auto-installer.rack.test TXT: the fingerprint is not that of the certificate',
    ],
  ])('%s', (_, texts, expected) => {
    expect(said(judgePair(texts, due, site))).toEqual([expected])
  })

  test.each<[string, string[], string, string[]]>([
    ['this host asks others', ['9.9.9.9'], '', []],
    ['us among others', ['10.77.0.1', '9.9.9.9'], '', []],
    ['us alone, and we forward', ['10.77.0.1'], '[dns]\nforward = ["9.9.9.9"]\n', []],
    ['us alone, and we do not', ['10.77.0.1'], '', ['resolver-own']],
  ])('%s', (_, resolvers, more, codes) => {
    expect(judgeResolvers(resolvers, siteOf('', `${WITH_PROFILE}${more}`)).map(({ code }) => code)).toEqual(codes)
  })

  test('the zone itself is asked, and every forwarder', async () => {
    const forwarding = siteOf('', `${WITH_PROFILE}[dns]\nforward = ["9.9.9.9", "9.9.9.10"]\n`)
    const found = await lookAtNames(forwarding, {
      due: async () => due,
      askForwarder: async address => (address === '9.9.9.9' ? 12.4 : undefined),
      resolvers: async () => [],
    })
    expect(said(found)).toEqual([
      'dns-pair: proxmox-auto-installer.rack.test tells the installer of an attempt its answer URL and the fingerprint',
      'forwarder-answers: the forwarder 9.9.9.9 answers within 13 ms',
      'forwarder-silent: the forwarder 9.9.9.10 does not answer',
    ])
  })
})

test('check warns of a disk without room, in the words of doctor, and of nothing where there is no such folder', () => {
  const said = (freeBytes: number) =>
    checkRoom({ mode: 0o755, freeBytes }, '/s').map(({ code, severity }) => [code, severity])
  expect([said(2 * 1024 ** 3), said(100 * 1024 ** 2), said(1), checkRoom(undefined, '/s')]).toEqual([
    [],
    [['disk-nearly-full', 'warning']],
    [['disk-full', 'warning']],
    [],
  ])
})
