/** dhclient, udhcpc, dhcpcd and systemd-networkd against the real server, and perfdhcp for hundreds of machines at once. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type ClientName, startClient, toldTo } from './dhcp-clients.ts'
import { decidedFor, OURS, reasonCounts, reasonsFor, startServer } from './dhcp-decisions.ts'
import { type Ended, type Program, Spaces } from './spaces.ts'

const LIMIT_MS = 60_000
const CLIENTS: ClientName[] = ['dhclient', 'udhcpc', 'dhcpcd', 'networkd']
const MAC = 'bc:24:11:ab:12:21'
const RELAY = '10.77.0.2'

let spaces: Spaces
let server: Program | undefined

beforeAll(() => {
  spaces = new Spaces('clients')
  const plug = { device: 'eth0', wire: 'rack' }
  spaces.host('server', { ...plug, address: `${OURS}/24` })
  spaces.host('machine', { ...plug, mac: MAC })
  spaces.host('crowd', { ...plug, address: `${RELAY}/24` })
  CLIENTS.forEach((client, i) => spaces.host(client, { ...plug, mac: macOf(i) }))
}, LIMIT_MS)

afterEach(() => server?.stop(), LIMIT_MS)
afterAll(() => spaces.close(), LIMIT_MS)

function macOf(number: number): string {
  return `bc:24:11:ab:13:0${number}`
}

test(
  'C11 one machine through four clients with four client identifiers keeps one address',
  async () => {
    server = await startServer(spaces, 'server')
    for (const client of CLIENTS) {
      const program = startClient(spaces, 'machine', client, ...(client === 'udhcpc' ? ['-x', '0x3d:ff00010203'] : []))
      expect([client, await toldTo(program)]).toEqual([
        client,
        { address: '10.77.0.100', server: OURS, router: '10.77.0.254' },
      ])
      await program.stop()
      spaces.ip('machine', 'addr', 'flush', 'dev', 'eth0')
    }
    expect(reasonsFor(server, MAC).filter(reason => reason === 'selected')).toHaveLength(CLIENTS.length)
  },
  LIMIT_MS,
)

describe('a lease of a few seconds', () => {
  test(
    'D09 all four renew it at half time by unicast, and those that give back give back',
    async () => {
      // Shorter than a site may say. dhclient and networkd renew in the transaction of their first request, so within ten seconds of that
      // the server takes it for a repetition; a site's shortest lease, a minute, is renewed later than that.
      const leaseSeconds = 8
      server = await startServer(spaces, 'server', { leaseSeconds })
      const programs = CLIENTS.map(client =>
        startClient(spaces, client, client, ...(client === 'udhcpc' ? ['-R'] : [])),
      )
      const told = await Promise.all(programs.map(toldTo))
      expect(new Set(told.map(({ address }) => address)).size).toBe(CLIENTS.length)
      for (const [i] of CLIENTS.entries()) await server.said(decidedFor(macOf(i), 'renewed'))
      for (const program of programs) await program.stop()
      for (const client of ['udhcpc', 'networkd'] as const) {
        await server.said(decidedFor(macOf(CLIENTS.indexOf(client)), 'released'))
      }
      const said = CLIENTS.map((_, i) => new Set(reasonsFor(server!, macOf(i))))
      const expected = ['from-pool', 'selected', 'renewed']
      expect(said.map(all => expected.filter(reason => !all.has(reason)))).toEqual(CLIENTS.map(() => []))
      // Nobody is told no, and nothing is dropped; a client that is in a hurry may ask twice.
      const fine = new Set([...expected, 'released', 'repeated', 'repeated-discover', 'current-lease'])
      expect(Object.keys(reasonCounts(server)).filter(reason => !fine.has(reason))).toEqual([])
    },
    LIMIT_MS,
  )
})

/** Numbers of one kind of exchange in what perfdhcp says. */
function exchanges({ lines }: Ended, name: string): { sent: number; received: number; twice: number } {
  const text = lines.join('\n').split(`***Statistics for: ${name}***`)[1] ?? ''
  const number = (label: string) => Number(new RegExp(`^${label}: (\\d+)`, 'm').exec(text)?.[1])
  return { sent: number('sent packets'), received: number('received packets'), twice: number('non unique addresses') }
}

const CROWD_SITE = {
  subnets: [{ prefix: '10.77.0.0/24', pools: ['10.77.0.10-10.77.0.250'], relays: [RELAY], router: '10.77.0.254' }],
}

describe('perfdhcp', () => {
  test(
    'F02 as a relay agent: leases, renewals and releases at once, all answered, no address twice',
    async () => {
      server = await startServer(spaces, 'server', CROWD_SITE)
      const rates = ['-r', '60', '-f', '30', '-F', '15', '-R', '230', '-p', '3']
      const ended = await spaces.run('crowd', ['perfdhcp', '-4', '-l', RELAY, ...rates, '-u', '-W', '500000', OURS])
      for (const name of ['DISCOVER-OFFER', 'REQUEST-ACK', 'REQUEST-ACK (renewal)']) {
        const { sent, received, twice } = exchanges(ended, name)
        expect([name, sent > 30, received, twice]).toEqual([name, true, sent, 0])
      }
      const counts = reasonCounts(server)
      expect(Object.keys(counts).toSorted()).toEqual(['from-pool', 'released', 'renewed', 'selected'])
      expect([counts['selected'], counts['renewed'], counts['released']]).toEqual([
        exchanges(ended, 'REQUEST-ACK').sent,
        exchanges(ended, 'REQUEST-ACK (renewal)').sent,
        exchanges(ended, 'RELEASE').sent,
      ])
    },
    LIMIT_MS,
  )

  test(
    'F04 on the wire itself, by broadcast',
    async () => {
      server = await startServer(spaces, 'server', CROWD_SITE)
      const rates = ['-r', '60', '-R', '230', '-p', '2']
      const ended = await spaces.run('crowd', [
        'perfdhcp',
        '-4',
        '-B',
        '-l',
        'eth0',
        ...rates,
        '-u',
        '-W',
        '500000',
        'all',
      ])
      const { sent, received, twice } = exchanges(ended, 'REQUEST-ACK')
      expect([ended.status, sent > 60, received, twice]).toEqual([0, true, sent, 0])
    },
    LIMIT_MS,
  )
})
