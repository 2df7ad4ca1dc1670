/** Who answers a machine that asks: on a fake LAN, and as a table of what was heard. */
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../services/dhcp/codec.ts'
import type { DhcpMessage } from '../../services/dhcp/message.ts'
import { isInspection } from '../../services/dhcp/question.ts'
import type { Sighting } from '../../services/dhcp/sighting.ts'
import { judgeServers, LISTEN_MS, lookForServers } from '../../services/health/probe/servers.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { FakeClock } from '../fake/clock.ts'
import { FakeLan } from '../fake/lan.ts'
import { dhcp, ip, mac } from '../dhcp/messages.ts'
import { siteOf } from '../machine/rig.ts'
import { WITH_PROFILE } from '../site/sites.ts'

const OURS = ip('10.77.0.1')
const OTHER = ip('10.77.0.2')
const THIRD = ip('10.77.0.3')
const OTHER_MAC = mac('02:00:00:00:00:02')
const US = mac('02:52:72:00:00:01')

const offer = (server: Ipv4, more: Partial<Sighting> = {}): Sighting => ({
  by: 'offer',
  server,
  from: server,
  machine: US,
  offered: ip('10.77.0.210'),
  saysBoot: false,
  ...more,
})
const withBoot = (server: Ipv4): Sighting => offer(server, { bootFile: 'other.efi', saysBoot: true })
const bootOnly = (server: Ipv4): Sighting => {
  const { offered: _, ...rest } = withBoot(server)
  return rest
}

function site(mode: string, others: string[] = [], unknown = 'hold') {
  const named = others.map(one => `"${one}"`).join(', ')
  const dhcpKeys = `[dhcp]\nmode = "${mode}"\nother-servers = [${named}]\n[boot]\nunknown = "${unknown}"\n`
  return siteOf('', `${WITH_PROFILE}${dhcpKeys}`)
}

const OUR_OFFER = offer(OURS, { offered: ip('10.77.0.100'), bootFile: 'snponly.efi', saysBoot: true })

describe('what it means', () => {
  test.each<[string, string, string[], Sighting[], string[]]>([
    ['we are alone', 'server', [], [OUR_OFFER], ['alone', 'appliance-answers']],
    ['we say nothing', 'server', [], [], ['alone', 'appliance-silent']],
    ['another server', 'server', [], [OUR_OFFER, offer(OTHER)], ['other-server 10.77.0.2', 'appliance-answers']],
    [
      'one that boots, too',
      'server',
      [],
      [OUR_OFFER, withBoot(OTHER)],
      ['other-server 10.77.0.2', 'appliance-answers'],
    ],
    ['a proxy', 'server', [], [OUR_OFFER, bootOnly(OTHER)], ['other-boot-server 10.77.0.2', 'appliance-answers']],
    [
      'one that is named',
      'server',
      ['10.77.0.2'],
      [offer(OTHER), OUR_OFFER],
      ['expected-server 10.77.0.2', 'appliance-answers'],
    ],
    [
      'somebody says that he is us',
      'server',
      [],
      [offer(OURS, { from: OTHER }), OUR_OFFER],
      ['other-server 10.77.0.1', 'appliance-answers'],
    ],
    ['proxy: nobody gives addresses', 'proxy', [], [bootOnly(OURS)], ['no-other-server', 'appliance-answers']],
    [
      'proxy: one does',
      'proxy',
      [],
      [offer(OTHER), bootOnly(OURS)],
      ['expected-server 10.77.0.2', 'appliance-answers'],
    ],
    [
      'proxy: two do',
      'proxy',
      [],
      [offer(OTHER), offer(THIRD), bootOnly(OURS)],
      ['several-servers', 'appliance-answers'],
    ],
    [
      'proxy: two that are named',
      'proxy',
      ['10.77.0.2', '10.77.0.3'],
      [offer(OTHER), offer(THIRD), bootOnly(OURS)],
      ['expected-server 10.77.0.2', 'expected-server 10.77.0.3', 'appliance-answers'],
    ],
    [
      'proxy: one that is not named',
      'proxy',
      ['10.77.0.3'],
      [offer(OTHER), bootOnly(OURS)],
      ['other-server 10.77.0.2', 'appliance-answers'],
    ],
    [
      'proxy: it says what to boot',
      'proxy',
      [],
      [withBoot(OTHER), bootOnly(OURS)],
      ['other-boot-server 10.77.0.2', 'expected-server 10.77.0.2', 'appliance-answers'],
    ],
    ['off: others do all', 'off', [], [withBoot(OTHER)], ['expected-server 10.77.0.2']],
    ['off: nobody does', 'off', [], [], ['no-other-server']],
  ])('%s', (_, mode, others, sightings, expected) => {
    const found = judgeServers(sightings, site(mode, others), { isRunning: true, macs: new Map() })
    expect(found.map(({ code, subject }) => (subject ? `${code} ${subject}` : code))).toEqual(expected)
  })

  test('who it is: address, MAC, and what it offered', () => {
    const standing = { isRunning: true, macs: new Map([[OTHER, OTHER_MAC]]) }
    const [found, ours] = judgeServers([withBoot(OTHER), OUR_OFFER], site('server'), standing)
    expect([found?.message, found?.severity, ours?.message]).toEqual([
      'the server 10.77.0.2 gives addresses: it offered 10.77.0.210 and other.efi to 02:52:72:00:00:01; its MAC is 02:00:00:00:00:02',
      'error',
      'to a stranger with UEFI, 10.77.0.1 offers 10.77.0.100 and snponly.efi',
    ])
  })

  test('who answers from our address while no appliance runs is somebody else', () => {
    const found = judgeServers([OUR_OFFER], site('server'), { isRunning: false, macs: new Map() })
    expect(found.map(({ code }) => code)).toEqual(['other-server'])
  })

  test('a site that ignores strangers is not silent by mistake', () => {
    const found = judgeServers([], site('server', [], 'ignore'), { isRunning: true, macs: new Map() })
    expect(found.map(({ code }) => code)).toEqual(['alone', 'appliance-ignores'])
  })
})

async function lab() {
  const lan = new FakeLan({ eth1: OURS, rogue: OTHER })
  const clock = new FakeClock()
  const asked: DhcpMessage[] = []
  const rogue = await lan.open({ device: 'rogue', address: ip('0.0.0.0'), port: 67 })
  const answer = (question: DhcpMessage, xid: number): void => {
    const head = { ...dhcp('offer', { server: OTHER }), op: 'reply' as const }
    const message = { ...head, xid, yiaddr: ip('10.77.0.210'), chaddr: question.chaddr }
    rogue.send(encode(message, { maxBytes: 548 }), { address: ip('255.255.255.255'), port: 68 })
  }
  rogue.onDatagram(({ bytes }) => asked.push(decode(bytes) as DhcpMessage))
  const edge = {
    ear: async () => {
      const port = await lan.open({ device: 'eth1', address: ip('0.0.0.0'), port: 68 })
      return {
        say: (bytes: Uint8Array) => port.send(bytes, { address: ip('255.255.255.255'), port: 67 }),
        hear: port.onDatagram.bind(port),
        close: () => port.close(),
      }
    },
    inspector: () => US,
    transaction: () => 4711,
    macAt: async (address: Ipv4) => (address === OTHER ? OTHER_MAC : undefined),
    isRunning: false,
    clock,
  }
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms)
    await lan.settle()
  }
  return { lan, clock, edge, asked, answer, pass }
}

test('it asks twice as nobody, hears a late answer, and leases nothing', async () => {
  const { edge, asked, answer, pass, lan } = await lab()
  const found = lookForServers(site('server'), edge)
  await lan.settle()
  await pass(0)
  await pass(1_500)
  expect(asked.map(question => [isInspection(question), question.xid])).toEqual([
    [true, 4711],
    [true, 4711],
  ])
  await pass(3_000)
  answer(asked[0]!, 99)
  answer(asked[0]!, 4711)
  answer(asked[0]!, 4711)
  await pass(0)
  await pass(LISTEN_MS)
  expect((await found).map(({ code, message }) => [code, message])).toEqual([
    ['not-running', 'no appliance runs on this state'],
    [
      'other-server',
      `the server 10.77.0.2 gives addresses: it offered 10.77.0.210 to ${US}; its MAC is 02:00:00:00:00:02`,
    ],
  ])
  expect(asked).toHaveLength(2)
})

test('without port 68 it says so and goes on', async () => {
  const { edge } = await lab()
  const refused = { code: 'socket', message: 'not permitted', hint: 'run it as root', severity: 'error' } as const
  const found = await lookForServers(site('server'), { ...edge, isRunning: true, ear: async () => refused })
  expect(found.map(({ code, message }) => [code, message])).toEqual([
    ['watch-deaf', 'other DHCP servers were not looked for: not permitted'],
  ])
})
