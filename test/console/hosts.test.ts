import { beforeAll, describe, expect, test } from 'vitest'
import { generate } from 'selfsigned'
import { hostOf, isLoopback, isOurHost } from '../../services/console/hosts.ts'

test.each<[string | undefined, string | undefined]>([
  ['127.0.0.1:8300', '127.0.0.1'],
  ['LocalHost', 'localhost'],
  ['[::1]:8300', '::1'],
  ['rack-7.example.org.:8300', 'rack-7.example.org'],
  ['rack-7.example.org:8300:1', undefined],
  ['127.0.0.1:8300/@evil.example', undefined],
  ['evil.example, 127.0.0.1', undefined],
  ['user@127.0.0.1', undefined],
  ['', undefined],
  [undefined, undefined],
])('the host of %s', (header, expected) => {
  expect(hostOf(header)).toBe(expected)
})

test.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['localhost', true],
  ['10.77.0.1', false],
  ['127.0.0.1.evil.example', false],
  ['0.0.0.0', false],
])('is %s loopback', (host, expected) => {
  expect(isLoopback(host)).toBe(expected)
})

describe('which hosts are ours', () => {
  let certificate: string
  beforeAll(async () => {
    const made = await generate([{ name: 'commonName', value: 'rack' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'deploy.rack7.example.org' }] }],
    })
    certificate = made.cert
  })

  const LOOPBACK = { host: '127.0.0.1', port: 8300 }
  const OPEN = { host: '10.77.0.1', port: 8300 }
  test.each([
    ['the end of a tunnel, at whatever port', 'localhost:9000', LOOPBACK, true],
    ['DNS rebinding: a name of a stranger that leads to loopback', 'evil.example:8300', LOOPBACK, false],
    ['a name that only begins like it', 'localhost.evil.example', LOOPBACK, false],
    ['an address that is not loopback, at a loopback listener', '10.77.0.1:8300', LOOPBACK, false],
    ['its address', '10.77.0.1:8300', OPEN, true],
    ['a name in the certificate', 'deploy.rack7.example.org:8300', OPEN, true],
    ['DNS rebinding: a name of a stranger', 'evil.example:8300', OPEN, false],
    ['a tunnel to it', 'localhost:9000', OPEN, true],
    ['nothing', '', OPEN, false],
  ])('%s', (_, header, listening, expected) => {
    expect(isOurHost(hostOf(header), listening, listening === OPEN ? certificate : undefined)).toBe(expected)
  })
})
