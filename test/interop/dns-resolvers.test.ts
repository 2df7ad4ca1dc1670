/**
 * Resolvers on both sides of the server: unbound asks it for its zones, as a stub, a forwarder and with mixed case, and unbound is what it forwards
 * to. All on addresses of the loopback network that nobody else has, on port 53, since that is where resolvers are.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DnsServer, startDns } from '../../services/dns/server.ts'
import { systemClock } from '../../services/kit/clock.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { FINGERPRINT, fleet, prefix, recordingLog, site, URL } from '../dns/rig.ts'
import { FakeMeter } from '../fake/meter.ts'

const OURS = '127.53.7.1' as Ipv4
const UPSTREAM = '127.53.7.2' as Ipv4
const DOWNSTREAM = '127.53.7.3'
const NOBODY = '127.53.7.9' as Ipv4
const AT = 'rack7.example.org'
const START_LIMIT_MS = 10_000

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'rackrise-dns-'))
const resolvers: ChildProcess[] = []
const meter = new FakeMeter()
let server: DnsServer
let tcp: Server

const COMMON = `
  port: 53
  access-control: 127.0.0.0/8 allow
  use-syslog: no
  logfile: ""
  chroot: ""
  username: ""
  pidfile: ""
  do-daemonize: no
  do-not-query-localhost: no
  module-config: "iterator"
remote-control:
  control-enable: no
`

const MANY = Array.from({ length: 120 }, (_, at) => `  local-data: "many.example.net. 600 IN A 203.0.113.${at}"`)

const UPSTREAM_TEXT = `
server:
  interface: ${UPSTREAM}
  local-zone: "example.net." static
  local-data: "example.net. 60 IN SOA ns.example.net. admin.example.net. 1 3600 600 86400 60"
  local-data: "www.example.net. 600 IN A 203.0.113.80"
  local-data: "www.example.net. 600 IN AAAA 2001:db8::80"
  local-data: "example.net. 600 IN MX 10 www.example.net."
${MANY.join('\n')}
${COMMON}`

const DOWNSTREAM_TEXT = `
server:
  interface: ${DOWNSTREAM}
  use-caps-for-id: yes
  qname-minimisation: yes
  harden-below-nxdomain: yes
  local-zone: "10.in-addr.arpa." nodefault
${COMMON}
stub-zone:
  name: "${AT}"
  stub-addr: ${OURS}
stub-zone:
  name: "0.77.10.in-addr.arpa"
  stub-addr: ${OURS}
forward-zone:
  name: "example.net"
  forward-addr: ${OURS}
`

async function startUnbound(name: string, text: string): Promise<void> {
  const file = join(folder, `${name}.conf`)
  writeFileSync(file, text)
  const child = spawn('unbound', ['-d', '-v', '-c', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  resolvers.push(child)
  let said = ''
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`unbound does not start: ${said}`)), START_LIMIT_MS)
    child.once('exit', () => reject(new Error(`unbound ended: ${said}`)))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk
      if (!said.includes('start of service')) return
      clearTimeout(timer)
      resolve()
    })
  })
}

beforeAll(async () => {
  await startUnbound('upstream', UPSTREAM_TEXT)
  const udp = await openUdpPort({ address: OURS, port: 53 })
  tcp = createServer()
  await new Promise<void>(resolve => tcp.listen(53, OURS, resolve))
  server = await startDns({
    udp,
    tcp,
    openUpstream: openUdpPort,
    // The first one is silent: nobody is there.
    site: site({
      forward: [NOBODY, UPSTREAM],
      allow: [prefix('127.0.0.0/8')],
      records: [
        { name: `mirror.${AT}`, type: 'A', value: '10.77.0.5' },
        { name: `packages.${AT}`, type: 'CNAME', value: 'mirror' },
        { name: `away.${AT}`, type: 'CNAME', value: 'www.example.net' },
        { name: `deep.empty.${AT}`, type: 'TXT', value: 'hello' },
        { name: `*.wild.${AT}`, type: 'A', value: '10.77.0.6' },
        { name: AT, type: 'MX', value: '10 mirror' },
        { name: `_ldap._tcp.${AT}`, type: 'SRV', value: '0 5 389 mirror' },
      ],
    }),
    view: fleet({ answerFor: () => ({ url: URL, fingerprint: FINGERPRINT }) }),
    clock: systemClock,
    log: recordingLog(),
    meter,
  })
  await startUnbound('downstream', DOWNSTREAM_TEXT)
}, 3 * START_LIMIT_MS)

afterAll(async () => {
  for (const child of resolvers.filter(({ exitCode }) => exitCode === null)) {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  await server.close()
  await new Promise(resolve => tcp.close(resolve))
  rmSync(folder, { recursive: true })
})

async function say(program: string, ...words: string[]): Promise<string> {
  return (await run(program, words)).stdout
}

const dig = (at: string, ...words: string[]) => say('dig', `@${at}`, '+tries=1', '+time=5', ...words)

describe('unbound asks for our zones', () => {
  test.each<[string, string[], string]>([
    ['an address', [`mirror.${AT}`], '10.77.0.5\n'],
    ['an alias', [`packages.${AT}`], `mirror.${AT}.\n10.77.0.5\n`],
    ['a machine', [`node1.${AT}`], '10.77.0.11\n'],
    ['the name of an address', ['-x', '10.77.0.11'], `node1.${AT}.\n`],
    ['mail', ['-t', 'MX', AT], `10 mirror.${AT}.\n`],
    ['a service', ['-t', 'SRV', `_ldap._tcp.${AT}`], `0 5 389 mirror.${AT}.\n`],
    ['a name below one that has only names below it', ['-t', 'TXT', `deep.empty.${AT}`], '"hello"\n'],
    ['what a wildcard makes up', [`any.wild.${AT}`], '10.77.0.6\n'],
    ['the answer URL', ['-t', 'TXT', `proxmox-auto-installer.${AT}`], `"${URL}"\n`],
  ])('%s', async (_, words, said) => {
    expect(await dig(DOWNSTREAM, '+short', ...words)).toBe(said)
  })

  test.each([
    ['a missing name', `nobody.${AT}`, 'NXDOMAIN'],
    ['a name that has only names below it', `empty.${AT}`, 'NOERROR'],
    ['a name through us from upstream', 'www.example.net', 'NOERROR'],
    ['a missing name through us from upstream', 'nobody.example.net', 'NXDOMAIN'],
  ])('%s', async (_, name, status) => {
    expect(await dig(DOWNSTREAM, '+noall', '+comments', name)).toContain(`status: ${status},`)
  })
})

describe('what we forward to unbound', () => {
  test('the second resolver answers where the first is silent, and is asked first from then on', async () => {
    expect(await dig(OURS, '+short', 'www.example.net')).toBe('203.0.113.80\n')
    const took: number[] = []
    for (const [type, answer] of [
      ['AAAA', '2001:db8::80\n'],
      ['TXT', ''],
      ['HINFO', ''],
    ] as const) {
      const started = performance.now()
      expect(await dig(OURS, '+short', '-t', type, 'www.example.net')).toBe(answer)
      took.push(performance.now() - started)
    }
    // None of them is in the cache; whoever waits for the silent one waits longer each time.
    expect(Math.min(...took)).toBeLessThan(1000)
  })

  test('a reply that does not fit comes over TCP, on both sides', async () => {
    expect((await dig(OURS, '+short', 'many.example.net')).trim().split('\n')).toHaveLength(120)
    expect(await dig(OURS, '+ignore', '+noall', '+comments', 'many.example.net')).toMatch(/flags: qr tc rd ra;/)
  })

  test('an alias of ours is followed there', async () => {
    expect(await dig(OURS, '+short', `away.${AT}`)).toBe('www.example.net.\n203.0.113.80\n')
  })

  test('J28 the kernel gives each question a port that the last one does not tell', async () => {
    const ports = await Promise.all(Array.from({ length: 32 }, () => openUdpPort({ address: OURS, port: 0 })))
    const numbers = ports.map(({ local }) => local.port)
    for (const port of ports) await port.close()
    const steps = new Set(numbers.slice(1).map((number, at) => number - numbers[at]!))
    expect([new Set(numbers).size, steps.size > 28]).toEqual([32, true])
  })

  test('what is kept is older the next time', async () => {
    const ttlOf = async (): Promise<number> =>
      Number((await dig(OURS, '+noall', '+answer', '-t', 'MX', 'example.net')).split(/\s+/)[1])
    const first = await ttlOf()
    await expect.poll(ttlOf, { timeout: 3000, interval: 200 }).toBeLessThan(first)
    expect(meter.read('rackrise_dns_decisions_total{reason="upstream')).toEqual({})
  })
})

describe('other programs ask us', () => {
  test('kdig, with EDNS, a cookie and padding, over UDP and TCP', async () => {
    for (const words of [['+edns', '+cookie'], ['+tcp', '+padding'], ['+noedns']]) {
      const said = await say('kdig', `@${OURS}`, ...words, `mirror.${AT}`)
      expect(said).toContain('status: NOERROR')
      expect(said).toMatch(/mirror\.rack7\.example\.org\.\s+300\s+IN\s+A\s+10\.77\.0\.5/)
      expect(said).not.toMatch(/WARNING|malformed/i)
    }
  })

  test('delv, without validation', async () => {
    expect(await say('delv', '-i', `@${OURS}`, `mirror.${AT}`)).toMatch(
      /mirror\.rack7\.example\.org\.\s+\d+\s+IN\s+A\s+10\.77\.0\.5/,
    )
  })

  test('host, which asks for A, AAAA and MX', async () => {
    expect(await say('host', `mirror.${AT}`, OURS)).toContain(`mirror.${AT} has address 10.77.0.5`)
    expect(await say('host', '10.77.0.5', OURS)).toContain(`domain name pointer mirror.${AT}.`)
  })

  test('the library of the system, through its own resolver, follows an alias that leaves the zone', async () => {
    const script = `const { Resolver } = require('node:dns').promises; const r = new Resolver(); r.setServers(['${OURS}']); r.resolve4('away.${AT}').then(a => console.log(a.join()))`
    expect(await say(process.execPath, '-e', script)).toBe('203.0.113.80\n')
  })
})
