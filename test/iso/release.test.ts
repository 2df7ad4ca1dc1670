import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compareReleases, formatRelease, parseRelease, type Release } from '../../services/iso/release.ts'
import { anyFileText } from './file-text.ts'

const PVE = { product: 'pve', productLong: 'Proxmox VE', release: '9.2', isorelease: '1', arch: 'amd64' }

test.each<[string, string, object]>([
  [
    'as Proxmox writes it',
    "RELEASE='9.2'\nISORELEASE='1'\nISONAME='proxmox-ve'\nPRODUCT='pve'\nPRODUCTLONG='Proxmox VE'\n",
    PVE,
  ],
  ['double quotes', 'RELEASE="9.2"\nISORELEASE="1"\nPRODUCT="pve"\nPRODUCTLONG="Proxmox VE"', PVE],
  ['no quotes and CRLF', 'RELEASE=9.2\r\nISORELEASE=1\r\nPRODUCT=pve\r\n', PVE],
  [
    'comments, blank lines and keys of the future',
    "# built by CI\n\nRELEASE='9.2' # stable\nISORELEASE='1'\nPRODUCT='pve'\nCOLOUR='orange'\nhello\n",
    PVE,
  ],
  ['arm64', "RELEASE='9.2'\nISORELEASE='1'\nPRODUCT='pve'\nARCH='arm64'", { ...PVE, arch: 'arm64' }],
  ["uname's word for it", "RELEASE='9.2'\nISORELEASE='1'\nPRODUCT='pve'\nARCH='aarch64'", { ...PVE, arch: 'arm64' }],
  [
    'Datacenter Manager',
    "RELEASE='1.0'\nISORELEASE='2'\nPRODUCT='pdm'\n",
    { product: 'pdm', productLong: 'Proxmox Datacenter Manager', release: '1.0', isorelease: '2', arch: 'amd64' },
  ],
])('%s', (_, text, release) => {
  expect(parseRelease(text)).toEqual(release)
})

test.each([
  ['another distribution', 'Debian GNU/Linux 12.5.0 "Bookworm"'],
  ['an unknown product', "RELEASE='9.2'\nISORELEASE='1'\nPRODUCT='pxx'"],
  ['no spin', "RELEASE='9.2'\nPRODUCT='pve'"],
  ['a release that is no number', "RELEASE='../..'\nISORELEASE='1'\nPRODUCT='pve'"],
  ['nothing', ''],
])('%s is no release', (_, text) => {
  expect(parseRelease(text)).toBeUndefined()
})

test.each([
  ['9.10', '1', '9.2', '1', 1],
  ['9.2', '1', '9.2', '10', -1],
  ['9.2', '2', '9.2', '2', 0],
  ['10.0', '1', '9.4', '9', 1],
  ['8', '1', '8.0', '1', 0],
])('%s-%s against %s-%s', (release, isorelease, otherRelease, otherSpin, sign) => {
  const a = { ...PVE, release, isorelease } as Release
  const b = { ...PVE, release: otherRelease, isorelease: otherSpin } as Release
  expect(Math.sign(compareReleases(a, b))).toBe(sign)
})

test('a release reads as people say it', () => {
  expect(formatRelease(PVE as Release)).toBe('pve 9.2-1')
  expect(formatRelease({ ...PVE, arch: 'arm64' } as Release)).toBe('pve 9.2-1 arm64')
})

test('a line that is made to be slow is passed over', () => {
  const slow = `A=${' '.repeat(1_000_000)}"`
  expect(parseRelease(`${slow}\n${slow}\nRELEASE='9.2'\nISORELEASE='1'\nPRODUCT='pve'`)).toEqual(PVE)
})

test('parseRelease never throws for random text', () => {
  fc.assert(
    fc.property(anyFileText, text => {
      expect(parseRelease(text)).toBeUndefined()
    }),
  )
})
