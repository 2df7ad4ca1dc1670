import { describe, expect, test } from 'vitest'
import {
  lookAtPools,
  lookAtRelays,
  lookAtRouters,
  type SurroundingsEdge,
  sampleOf,
} from '../../services/health/probe/surroundings.ts'
import { type Ipv4, parseRange } from '../../services/kit/ipv4.ts'
import { FakeProbe } from '../fake/address-probe.ts'
import { ip, mac } from '../dhcp/messages.ts'
import { LISTED, siteOf } from '../machine/rig.ts'
import { WITH_PROFILE } from '../site/sites.ts'

const ROUTER_MAC = mac('02:00:00:00:00:fe')
const FAR = '[[dhcp.subnet]]\nprefix = "10.78.0.0/24"\npools = ["10.78.0.100-10.78.0.199"]\nrouter = "10.78.0.254"\n'
const site = siteOf(LISTED, `${WITH_PROFILE}${FAR}relays = ["10.78.0.253", "10.77.0.253"]\n`)

function edge(probe: FakeProbe, more: Partial<SurroundingsEdge> = {}): SurroundingsEdge {
  return {
    reaches: address => probe.reaches(address),
    answerer: address => probe.probe(address),
    hasRoute: async () => true,
    leased: async () => new Set<Ipv4>(),
    settle: async () => {},
    ...more,
  }
}

const said = (found: { code: string; message: string }[]): string[] =>
  found.map(({ code, message }) => `${code}: ${message}`)

describe('relay agents', () => {
  test('those that answer, and those that do not', async () => {
    const probe = new FakeProbe()
    probe.uses('10.78.0.253')
    expect(said(await lookAtRelays(site, edge(probe)))).toEqual([
      'relay-answers: the relay agent 10.78.0.253 of 10.78.0.0/24 answers',
      'relay-silent: the relay agent 10.77.0.253 of 10.78.0.0/24 does not answer',
    ])
  })

  test('without a way nobody is asked; the link needs none', async () => {
    const probe = new FakeProbe()
    expect(said(await lookAtRelays(site, edge(probe, { hasRoute: async () => false })))).toEqual([
      'relay-unreachable: there is no way to the relay agent 10.78.0.253 of 10.78.0.0/24',
      'relay-silent: the relay agent 10.77.0.253 of 10.78.0.0/24 does not answer',
    ])
    expect(probe.asked).not.toContain('10.78.0.253')
  })

  test('who may not ping says so, and asks those of the link', async () => {
    const probe = new FakeProbe()
    probe.isReachable = address => address.startsWith('10.77.')
    probe.uses('10.77.0.253')
    expect(said(await lookAtRelays(site, edge(probe)))).toEqual([
      'relay-answers: the relay agent 10.77.0.253 of 10.78.0.0/24 answers',
      'relays-unasked: this user may not ping, so nobody knows whether 10.78.0.253 can be reached',
    ])
  })
})

describe('routers', () => {
  test('that of the link, which is asked twice before it is silent', async () => {
    const probe = new FakeProbe()
    expect(said(await lookAtRouters(site, edge(probe)))).toEqual([
      'router-silent: the router 10.77.0.254 of 10.77.0.0/24 does not answer',
    ])
    expect(probe.asked).toEqual(['10.77.0.254', '10.77.0.254'])
    probe.uses('10.77.0.254', ROUTER_MAC)
    expect(said(await lookAtRouters(site, edge(probe)))).toEqual([
      'router-answers: the router 10.77.0.254 of 10.77.0.0/24 answers (02:00:00:00:00:fe)',
    ])
  })
})

describe('pools', () => {
  const pools = (...texts: string[]) => texts.map(text => parseRange(text)!)

  test.each<[string, string[], number, string[]]>([
    ['all of a small one', ['10.77.0.100-10.77.0.102'], 8, ['10.77.0.100', '10.77.0.101', '10.77.0.102']],
    ['first, last, and between', ['10.77.0.0-10.77.0.99'], 3, ['10.77.0.0', '10.77.0.49', '10.77.0.99']],
    [
      'over two pools',
      ['10.77.0.10-10.77.0.11', '10.77.0.20-10.77.0.21'],
      4,
      ['10.77.0.10', '10.77.0.11', '10.77.0.20', '10.77.0.21'],
    ],
    ['one address', ['10.77.0.7-10.77.0.7'], 8, ['10.77.0.7']],
    ['none', [], 8, []],
  ])('%s', (_, texts, most, expected) => {
    expect(sampleOf(pools(...texts), () => false, most)).toEqual(expected)
  })

  test('what is leased is left alone, and what answers without a lease is told', async () => {
    const probe = new FakeProbe()
    probe.uses('10.77.0.100', mac('02:00:00:00:00:05'))
    probe.uses('10.77.0.199', mac('02:00:00:00:00:06'))
    const leased = async () => new Set([ip('10.77.0.199')])
    expect(said(await lookAtPools(site, edge(probe, { leased })))).toEqual([
      'address-in-use: 02:00:00:00:00:05 uses 10.77.0.100, which nobody leased',
    ])
    expect(probe.asked).not.toContain('10.77.0.199')
    expect(probe.asked.filter(address => address.startsWith('10.78.'))).toEqual([])
  })

  test('who answers for many is told once', async () => {
    const probe = new FakeProbe()
    const router = mac('02:00:00:00:00:fe')
    for (const address of sampleOf(pools('10.77.0.100-10.77.0.199'), () => false)) probe.uses(address, router)
    probe.uses('10.77.0.100', mac('02:00:00:00:00:05'))
    const found = await lookAtPools(site, edge(probe))
    expect(said(found)).toEqual([
      'address-in-use: 02:00:00:00:00:05 uses 10.77.0.100, which nobody leased',
      'address-in-use: 02:00:00:00:00:fe answers for 23 of 24 addresses that nobody leased: 10.77.0.104, 10.77.0.108, 10.77.0.112 and 20 more',
    ])
    expect(found[1]).toMatchObject({ subject: router, hint: expect.stringContaining('proxy ARP') as string })
  })

  test('what the kernel only remembers is gone when it has looked', async () => {
    const probe = new FakeProbe()
    probe.uses('10.77.0.100', mac('02:00:00:00:00:05'))
    const settle = async (): Promise<void> => probe.users.clear()
    expect((await lookAtPools(site, edge(probe, { settle }))).map(({ code }) => code)).toEqual(['pools-quiet'])
  })

  test('nobody there; and no guess without the leases', async () => {
    expect(said(await lookAtPools(site, edge(new FakeProbe())))).toEqual([
      'pools-quiet: of the pools on this link 24 addresses were tried: nobody uses them',
    ])
    const found = await lookAtPools(site, edge(new FakeProbe(), { leased: async () => undefined }))
    expect(found.map(({ code }) => code)).toEqual(['pools-unsampled'])
  })
})
