import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseModeFile, renderModeFile, understandsToken } from '../../services/iso/mode-file.ts'
import type { Product, Release } from '../../services/iso/release.ts'
import { anyFileText } from './file-text.ts'

function release(product: Product, number: string): Release {
  return { product, productLong: '', release: number, isorelease: '1', arch: 'amd64' }
}

test('discovery by DHCP or DNS needs the mode only', () => {
  expect(renderModeFile(release('pve', '9.1'), {})).toBe('mode = "http"\npartition_label = "proxmox-ais"\n')
})

test('everything, in snake case', () => {
  const text = renderModeFile(release('pve', '9.2'), {
    url: 'https://10.77.0.1/answer',
    certFingerprint: 'AB:CD',
    token: 't"\\n',
  })
  expect(text).toBe(
    'mode = "http"\npartition_label = "proxmox-ais"\n\n[http]\nurl = "https://10.77.0.1/answer"\ncert_fingerprint = "AB:CD"\ntoken = "t\\"\\\\n"\n',
  )
})

test.each<[Product, string, boolean]>([
  ['pve', '8.2', false],
  ['pve', '8.3', true],
  ['pve', '9.10', true],
  ['pbs', '3.2', false],
  ['pbs', '3.3', true],
  ['pmg', '8.2', true],
  ['pdm', '1.0', true],
])('%s %s takes partition_label: %s', (product, number, takes) => {
  expect(renderModeFile(release(product, number), {}).includes('partition_label')).toBe(takes)
})

test.each<[Product, string, boolean]>([
  ['pve', '9.1', false],
  ['pve', '9.2', true],
  ['pve', '9.10', true],
  ['pbs', '4.1', false],
  ['pbs', '4.2', true],
  ['pmg', '9.0', false],
  ['pmg', '9.1', true],
  ['pdm', '1.0', false],
  ['pdm', '1.1', true],
])('%s %s sends a token: %s', (product, number, sends) => {
  expect(understandsToken(release(product, number))).toBe(sends)
  expect(renderModeFile(release(product, number), { token: 'secret' }).includes('secret')).toBe(sends)
})

test.each<[string, string, object | undefined]>([
  ['mode iso', 'mode = "iso"\npartition_label = "proxmox-ais"\n', { mode: 'iso', partitionLabel: 'proxmox-ais' }],
  [
    'mode http with everything',
    'mode = "http"\n[http]\nurl = "https://a/b"\ncert_fingerprint = "AB"\ntoken = "t"\nnew = 1\n',
    { mode: 'http', url: 'https://a/b', certFingerprint: 'AB', token: 't' },
  ],
  ['an unknown mode', 'mode = "HTTP"\n', undefined],
  ['no mode', 'url = "x"\n', undefined],
  ['a url that is a number is passed over', 'mode = "http"\nhttp = { url = 3 }\n', { mode: 'http' }],
  ['no TOML', 'mode = http', undefined],
])('%s', (_, text, parsed) => {
  expect(parseModeFile(text)).toEqual(parsed)
})

test('what is rendered is read back, whatever is in it', () => {
  const mode = fc.record({ url: fc.string(), certFingerprint: fc.string(), token: fc.string() })
  fc.assert(
    fc.property(mode, values => {
      const text = renderModeFile(release('pve', '9.2'), values)
      expect(parseModeFile(text)).toEqual({ mode: 'http', partitionLabel: 'proxmox-ais', ...values })
    }),
  )
})

test('parseModeFile never throws for random text', () => {
  fc.assert(
    fc.property(anyFileText, text => {
      expect(parseModeFile(text)).toBeUndefined()
    }),
  )
})
