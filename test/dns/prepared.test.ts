/** The fast way and the slow way say the same, octet by octet, and nothing that was prepared outlives what it rests on. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AnswerContext, DnsView } from '../../services/dns/answer.ts'
import { newBudget } from '../../services/kit/budget.ts'
import { octetsFor, PreparedReplies } from '../../services/dns/prepared.ts'
import { type Resolved, type Resolver, resolve } from '../../services/dns/resolver.ts'
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import { address, rack, respond, UPSTREAMS } from './rack.ts'
import { type Ask, ask, context, fleet, MACHINE, OTHER_MACHINE, prefix, read, STRANGER, TYPES, URL } from './rig.ts'

const AT = 'rack7.example.org'
const ASKER = { client: MACHINE, forwarding: false }

function resolverOf(where: AnswerContext, prepared?: PreparedReplies): Resolver {
  return {
    context: where,
    budget: newBudget({ perSecond: 0, burst: 1e9, clients: 8 }),
    ...(prepared ? { prepared } : {}),
  }
}

function say(resolver: Resolver, question: Ask | Uint8Array, client: Ipv4 = MACHINE): Resolved {
  const message = question instanceof Uint8Array ? question : ask(question)
  return resolve(resolver, message, client, false, 0) as Resolved
}

/** Asked twice of a resolver that prepares: whether the second time took the fast way. */
function isPrepared(question: Ask, where = context()): boolean {
  const prepared = new PreparedReplies()
  say(resolverOf(where, prepared), question)
  return prepared.find(ask(question), ASKER, 0) !== undefined
}

test.each<[string, Ask, boolean]>([
  ['an address of the site file', { name: `mirror.${AT}` }, true],
  ['an alias inside the zone', { name: `packages.${AT}` }, true],
  ['a type that the name lacks', { name: `mirror.${AT}`, type: TYPES.AAAA }, true],
  ['a machine', { name: `node1.${AT}` }, true],
  ['the name of an address', { name: '11.0.77.10.in-addr.arpa', type: TYPES.PTR }, true],
  [
    'with EDNS and a cookie',
    { name: AT, type: TYPES.SOA, edns: { options: [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8] } },
    true,
  ],
  ['a missing name, of which there is no end', { name: `nobody.${AT}` }, false],
  ['the answer of an installer, for its own address', { name: `proxmox-auto-installer.${AT}`, type: TYPES.TXT }, true],
  ['a name of somebody else', { name: 'www.example.com' }, false],
  ['class CHAOS', { name: `mirror.${AT}`, class: 3 }, false],
  ['an EDNS version that is not served', { name: `mirror.${AT}`, edns: { version: 1 } }, false],
  ['EDNS options that are cut off', { name: `mirror.${AT}`, edns: { options: [0, 10, 0, 8, 1] } }, false],
])('%s is prepared or not', (_, question, expected) => {
  expect(isPrepared(question)).toBe(expected)
})

test('what a wildcard makes up is not prepared', () => {
  const where = context({ records: [{ name: `*.${AT}`, type: 'A', value: '10.77.0.9' }] })
  expect([isPrepared({ name: `any.${AT}` }, where), isPrepared({ name: `*.${AT}` }, where)]).toEqual([false, true])
})

const names = fc.constantFrom(
  ...['mirror', 'packages', 'node1', 'nobody', 'ns', 'away', 'broken', 'empty', 'deep.empty', '_ldap._tcp'].map(
    label => `${label}.${AT}`,
  ),
  AT,
  `proxmox-auto-installer.${AT}`,
  '11.0.77.10.in-addr.arpa',
  '99.0.77.10.in-addr.arpa',
  'localhost',
  'www.example.com',
)
/** Letters in any case, as resolvers that mix it on purpose send them. */
const spelled = fc
  .tuple(names, fc.infiniteStream(fc.boolean()))
  .map(([name, upper]) => [...name].map(letter => (upper.next().value ? letter.toUpperCase() : letter)).join(''))
const questions = fc.record({
  name: spelled,
  // HTTPS is 65 and an A in ASCII: a number, not a letter.
  type: fc.constantFrom(1, 2, 5, 6, 12, 15, 16, 28, 33, 65, 97, 252, 255, 65_280),
  class: fc.constantFrom(1, 1, 1, 3),
  id: fc.nat(0xffff),
  flags: fc.constantFrom(0, 0x0100, 0x0110, 0x0120, 0x0130, 0x0140, 0x0900, 0x0400),
  edns: fc.option(
    fc.record({
      payload: fc.constantFrom(0, 512, 1232, 4096),
      version: fc.constantFrom(0, 0, 0, 1),
      dnssec: fc.boolean(),
      options: fc.constantFrom<number[][]>(
        [],
        [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
        [0, 12, 0, 3, 0, 0, 0],
        [0, 12, 0, 9],
      ),
    }),
    { nil: undefined },
  ),
})
const asks = questions.map(({ edns, ...question }) => ask({ ...question, ...(edns ? { edns } : {}) }))
const damaged = fc.tuple(asks, fc.nat(60), fc.nat(255)).map(([message, at, octet]) => {
  const copy = Uint8Array.from(message)
  copy[at % copy.length] = octet
  return copy
})
const clients = fc.constantFrom(MACHINE, OTHER_MACHINE, STRANGER)

test('whatever is asked, in whatever order, both ways say the same octets for the same reason', () => {
  const where = context({ forwarding: [prefix('10.77.0.12/32')] })
  const fast = resolverOf(where, new PreparedReplies())
  const slow = resolverOf(where)
  const asked = fc.array(fc.tuple(fc.oneof({ weight: 4, arbitrary: asks }, damaged), clients), { maxLength: 60 })
  fc.assert(
    fc.property(asked, all => {
      for (const [message, client] of all) {
        const [one, other] = [say(fast, message, client), say(slow, message, client)]
        expect(one.reason).toBe(other.reason)
        expect(one.bytes && Buffer.from(one.bytes).toString('hex')).toBe(
          other.bytes && Buffer.from(other.bytes).toString('hex'),
        )
      }
    }),
    { numRuns: 200 },
  )
  expect(fast.prepared!.size).toBeGreaterThan(50)
})

test('J33 what was prepared for a machine is gone with its lease, and follows it to another address', () => {
  let at: Ipv4 | undefined = MACHINE
  const view: DnsView = fleet({ addressOf: () => at, nameOf: address => (address === at ? `node1.${AT}` : undefined) })
  const resolver = resolverOf(context({ view }), new PreparedReplies())
  const told = (question: Ask) => read(say(resolver, question).bytes!)
  const seen = []
  for (const next of [MACHINE, MACHINE, OTHER_MACHINE, undefined, MACHINE]) {
    at = next
    const { rcode, answers } = told({ name: `node1.${AT}` })
    seen.push([rcode, answers[0]?.split(' ').at(-1), told({ name: '11.0.77.10.in-addr.arpa', type: TYPES.PTR }).rcode])
  }
  expect(seen).toEqual([
    [0, '10.77.0.11', 0],
    [0, '10.77.0.11', 0],
    [0, '10.77.0.12', 3],
    [3, undefined, 3],
    [0, '10.77.0.11', 0],
  ])
})

test('an alias to a machine is gone with the machine, too', () => {
  let at: Ipv4 | undefined = MACHINE
  const records = [{ name: `first.${AT}`, type: 'CNAME' as const, value: `node1.${AT}` }]
  const resolver = resolverOf(context({ records, view: fleet({ addressOf: () => at }) }), new PreparedReplies())
  const answers = () => read(say(resolver, { name: `first.${AT}` }).bytes!).answers.length
  expect([answers(), answers()]).toEqual([2, 2])
  at = undefined
  expect(answers()).toBe(1)
})

test('J31 a prepared reply is no way around the prefixes that are served, nor around the budget', () => {
  const resolver = resolverOf(context(), new PreparedReplies())
  const question = { name: `mirror.${AT}` }
  expect([say(resolver, question).reason, say(resolver, question).reason]).toEqual(['record', 'record'])
  expect(say(resolver, question, STRANGER).reason).toBe('foreign-client')
  resolver.budget.accounts.get(MACHINE)!.left = 0
  expect(say(resolver, question)).toEqual({ reason: 'over-budget' })
})

test('the installer is answered for its own address although others were answered before', () => {
  const resolver = resolverOf(context(), new PreparedReplies())
  const question = { name: `proxmox-auto-installer.${AT}`, type: TYPES.TXT }
  const answers = [MACHINE, OTHER_MACHINE, MACHINE].map(client => read(say(resolver, question, client).bytes!).answers)
  const given = [`proxmox-auto-installer.${AT}. 0 TXT "${URL}"`]
  expect(answers).toEqual([given, [], given])
})

test('what was prepared for an installer is given to nobody else, and ends with its attempt', () => {
  let due: { url: string; fingerprint: string } | undefined
  const view = fleet({ answerFor: client => (client === MACHINE ? due : undefined) })
  const resolver = resolverOf(context({ view }), new PreparedReplies())
  const question = { name: `Proxmox-Auto-Installer.${AT}`, type: TYPES.TXT }
  const told = (client: Ipv4) =>
    read(say(resolver, question, client).bytes!).answers.map(line => line.split(' ').at(-1))
  const seen = []
  for (const url of ['https://one/', 'https://one/', 'https://two/', undefined, 'https://two/']) {
    due = url === undefined ? undefined : { url, fingerprint: 'AB' }
    seen.push([told(MACHINE), told(MACHINE), told(OTHER_MACHINE)])
  }
  expect(seen).toEqual([
    [['"https://one/"'], ['"https://one/"'], []],
    [['"https://one/"'], ['"https://one/"'], []],
    [['"https://two/"'], ['"https://two/"'], []],
    [[], [], []],
    [['"https://two/"'], ['"https://two/"'], []],
  ])
})

test('no more than 4096 replies are kept, the oldest goes first', () => {
  const prepared = new PreparedReplies()
  const question = (index: number) => ask({ name: `h${index}.${AT}` })
  for (let index = 0; index < 5000; index += 1)
    prepared.keep(question(index), ASKER, {
      reason: 'record',
      name: '',
      type: 1,
      rests: 'on-site',
      bytes: question(index),
    })
  expect(prepared.size).toBeLessThanOrEqual(4096)
  expect(prepared.find(question(0), ASKER, 0)).toBeUndefined()
  const last = prepared.find(question(4999), ASKER, 0)!
  expect([...octetsFor(last, question(4999))]).toEqual([...question(4999)])
})

test('a cached answer is given the fast way too, with its TTL counted down', async () => {
  const { lan, client, upstream, clock, meter } = await rack({ forward: UPSTREAMS })
  await upstream('up1', (question, send) =>
    send(respond(question.bytes, { answers: [address('www.example.com', 60, '203.0.113.80')] })),
  )
  const machine = await client()
  const kept = []
  const told = []
  for (const wait of [0, 1500, 2000, 2000, 54_499, 1]) {
    clock.advance(wait)
    machine.send(ask({ name: 'www.Example.com' }))
    await lan.settle()
    kept.push(meter.read('rackrise_dns_prepared')['rackrise_dns_prepared_replies'] ?? 0)
    told.push(read(machine.heard.at(-1)!).answers[0])
  }
  expect(kept).toEqual([1, 1, 1, 1, 1, 1])
  expect(told).toEqual([60, 59, 57, 55, 1, 60].map(ttl => `www.Example.com. ${ttl} A 203.0.113.80`))
})
