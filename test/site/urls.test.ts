import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ipv4FromNumber } from '../../services/kit/ipv4.ts'
import { plainUrl, reachesInstaller, tlsUrl } from '../../services/site/urls.ts'

function siteAt(address: number, port: number, tlsPort: number) {
  const own = ipv4FromNumber(address)
  return { network: { interface: 'eth1', address: own, prefix: { network: own, length: 32 } }, http: { port, tlsPort } }
}

test('usual ports are not written', () => {
  expect(plainUrl(siteAt(0x0a4d0001, 80, 443))).toBe('http://10.77.0.1')
  expect(tlsUrl(siteAt(0x0a4d0001, 80, 443))).toBe('https://10.77.0.1')
})

test('other ports are', () => {
  expect(plainUrl(siteAt(0x0a4d0001, 8080, 8443))).toBe('http://10.77.0.1:8080')
  expect(tlsUrl(siteAt(0x0a4d0001, 8080, 8443))).toBe('https://10.77.0.1:8443')
})

test.each<[string, string, boolean]>([
  ['a token in the path', 'https://10.77.0.1/answer/Zm9v_-', true],
  ['nothing at all, which would win over the TXT record', '', false],
  ['a blank', 'https://10.77.0.1/answer /x', false],
  ['a quote', 'https://10.77.0.1/"', false],
  ['a second query parameter', 'https://10.77.0.1/answer?a=1&b=2', false],
  ['an apostrophe', "https://10.77.0.1/o'", false],
  ['a backslash', 'https://10.77.0.1/\\', false],
  ['a dollar', 'https://10.77.0.1/$', false],
  ['a bar', 'https://10.77.0.1/|', false],
  ['a backtick', 'https://10.77.0.1/`', false],
  ['a line end', 'https://10.77.0.1/\n', false],
  ['a letter beyond ASCII', 'https://10.77.0.1/ä', false],
  ['more than one character-string holds', `https://10.77.0.1/${'x'.repeat(240)}`, false],
])('the installer reads it unchanged: %s', (_, url, isRead) => {
  expect(reachesInstaller(url)).toBe(isRead)
})

test('whatever the address and the ports are, the installer reads an answer URL unchanged', () => {
  const port = fc.integer({ min: 1, max: 65535 })
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 0xffffffff }), port, port, (address, plain, tls) => {
      expect(reachesInstaller(`${tlsUrl(siteAt(address, plain, tls))}/answer/${'A'.repeat(43)}`)).toBe(true)
    }),
  )
})
