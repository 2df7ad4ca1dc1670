import { execFile } from 'node:child_process'
import { createServer, type Server } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type DnsServer, startDns } from '../../services/dns/server.ts'
import { systemClock } from '../../services/kit/clock.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { silentMeter } from '../../services/kit/meter.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { FINGERPRINT, fleet, prefix, recordingLog, site, URL } from '../dns/rig.ts'

const LOOPBACK = '127.0.0.1' as Ipv4
const AT = 'rack7.example.org'
const run = promisify(execFile)
let server: DnsServer
let tcp: Server
let port = 0

beforeAll(async () => {
  const udp = await openUdpPort({ address: LOOPBACK, port: 0 })
  port = udp.local.port
  tcp = createServer()
  await new Promise<void>(resolve => tcp.listen(port, LOOPBACK, resolve))
  const records = [
    { name: `mirror.${AT}`, type: 'A' as const, value: '10.77.0.5' },
    { name: `packages.${AT}`, type: 'CNAME' as const, value: 'mirror' },
    ...Array.from({ length: 100 }, (_, index) => ({
      name: `many.${AT}`,
      type: 'A' as const,
      value: `10.77.0.${index + 1}`,
    })),
  ]
  const view = fleet({ answerFor: () => ({ url: URL, fingerprint: FINGERPRINT }) })
  const served = site({ allow: [prefix('127.0.0.0/8')], records })
  server = await startDns({
    udp,
    tcp,
    openUpstream: openUdpPort,
    site: served,
    view,
    clock: systemClock,
    log: recordingLog(),
    meter: silentMeter,
  })
})

afterAll(async () => {
  await server.close()
  await new Promise(resolve => tcp.close(resolve))
})

async function dig(...words: string[]): Promise<string> {
  const { stdout } = await run('dig', ['@127.0.0.1', '-p', String(port), '+tries=1', '+time=3', ...words])
  return stdout
}

test('what the installer runs prints the URL and nothing else', async () => {
  expect(await dig('txt', '+short', `proxmox-auto-installer.${AT}`)).toBe(`"${URL}"\n`)
  expect(await dig('txt', '+short', `proxmox-auto-installer-cert-fingerprint.${AT}`)).toBe(`"${FINGERPRINT}"\n`)
})

test.each([
  ['EDNS, cookie and DO, as dig sends them', ['+dnssec', `mirror.${AT}`], 'NOERROR'],
  ['no EDNS', ['+noedns', `mirror.${AT}`], 'NOERROR'],
  ['TCP', ['+tcp', `mirror.${AT}`], 'NOERROR'],
  ['an unknown EDNS option', ['+ednsopt=65001:abcd', `mirror.${AT}`], 'NOERROR'],
  ['unknown EDNS flags', ['+ednsflags=0x40', `mirror.${AT}`], 'NOERROR'],
  ['EDNS version 1', ['+edns=1', '+noednsnegotiation', `mirror.${AT}`], 'BADVERS'],
  ['an unknown type', ['-t', 'TYPE65280', `mirror.${AT}`], 'NOERROR'],
  ['a missing name', [`nobody.${AT}`], 'NXDOMAIN'],
  ['a foreign name', ['www.example.com'], 'REFUSED'],
  ['a class that is not served', ['-c', 'CH', '-t', 'TXT', 'version.bind'], 'REFUSED'],
  ['an opcode that is not served', ['+opcode=2', `mirror.${AT}`], 'NOTIMP'],
  ['IXFR over UDP', ['+notcp', '-t', 'IXFR=1', AT], 'REFUSED'],
])('dig with %s', async (_, words, status) => {
  const output = await dig('+noall', '+comments', ...words)
  expect(output).toContain(`status: ${status},`)
  expect(output).not.toMatch(/malformed|bad packet|extra bytes|mismatch/i)
})

test('dig understands a negative answer and its SOA', async () => {
  expect(await dig('+noall', '+authority', `nobody.${AT}`)).toMatch(
    /^rack7\.example\.org\.\s+30\s+IN\s+SOA\s+ns\.rack7\.example\.org\. hostmaster\.rack7\.example\.org\. \d+ 3600 1200 604800 30\n$/,
  )
})

test('dig follows an alias', async () => {
  expect(await dig('+short', `packages.${AT}`)).toBe(`mirror.${AT}.\n10.77.0.5\n`)
})

test('dig turns a reverse name back', async () => {
  expect(await dig('+short', '-x', '10.77.0.5')).toBe(`mirror.${AT}.\n`)
})

test('a long answer is truncated, and dig comes back over TCP', async () => {
  expect(await dig('+noall', '+comments', '+ignore', `many.${AT}`)).toMatch(/flags: qr aa tc rd;/)
  expect((await dig('+short', `many.${AT}`)).trim().split('\n')).toHaveLength(100)
})

test('two queries on one TCP connection', async () => {
  expect(await dig('+short', '+tcp', '+keepopen', `mirror.${AT}`, `ns.${AT}`)).toBe('10.77.0.5\n10.77.0.1\n')
})

test('a zone transfer is refused', async () => {
  expect(await dig('-t', 'AXFR', AT)).toContain('; Transfer failed.')
})
