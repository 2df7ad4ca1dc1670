/** What an upstream resolver says: any reply to a question, and what a client is told of it. */
import { decodeQuery } from '../../../services/dns/codec.ts'
import { foldCase, walkName } from '../../../services/dns/name.ts'
import { relay } from '../../../services/dns/relay.ts'
import { type Question, screen, uint16 } from '../../../services/dns/screen.ts'
import { isReplyTo, readUpstream, type UpstreamAnswer } from '../../../services/dns/upstream.ts'
import { address, alias, record, respond, soa } from '../../dns/rack.ts'
import { ask, nameOctets, read, TYPES } from '../../dns/rig.ts'
import { hold, type Target } from '../target.ts'

const NAME = 'www.example.com'
const OURS = 'rack7.example.org'
const DAY_S = 86_400
const OPT = [0, 0, TYPES.OPT, 4, 208, 0, 0, 0x80, 0, 0, 0]
const TYPE_DNAME = 39
const TYPE_RRSIG = 46

const asked = ask({ name: NAME })
const said = (sections: Parameters<typeof respond>[1], type = TYPES.A): Uint8Array =>
  respond(ask({ name: NAME, type }), sections)

/** The question that this reply answers, whatever it is: what does not echo the question is another target's business. */
function questionOf(reply: Uint8Array): Question | undefined {
  const name = walkName(reply, 12)
  if (!name || name.compressed || uint16(reply, 4) !== 1 || name.next + 4 > reply.length) return undefined
  const [type, klass] = [uint16(reply, name.next), uint16(reply, name.next + 2)]
  return { name: name.name, key: foldCase(name.name), type, class: klass, end: name.next + 4 }
}

function isOurs(key: string): boolean {
  return key === OURS || key.endsWith(`.${OURS}`)
}

/** What a client that asked exactly this is told; undefined if nobody could have asked it. */
function toldTo(
  question: Question,
  reply: Uint8Array,
  answer: UpstreamAnswer,
  overTcp: boolean,
): Uint8Array | undefined {
  const head = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1]
  const message = Uint8Array.from([...head, ...reply.subarray(12, question.end), ...OPT])
  const screened = screen(message)
  const query = screened.verdict === 'parse' ? decodeQuery(message, screened.question) : undefined
  return query && relay({ query, asked: message, aliases: [], answer, age: 7, overTcp })
}

function holdsFor(question: Question, answer: UpstreamAnswer): void {
  const names = new Set([
    question.key,
    ...answer.answers.map(({ data, type }) => (type === TYPES.CNAME ? keyIn(data) : '')),
  ])
  for (const { key, type, ttl } of answer.answers) {
    hold('a record is of the name or of an alias', names.has(key) || type === TYPE_DNAME || type === TYPE_RRSIG)
    hold('a record is of no name of ours', !isOurs(key))
    hold('a TTL is a day at most', ttl >= 0 && ttl <= DAY_S)
  }
  hold('it is kept no longer than a day', answer.ttl >= 0 && answer.ttl <= DAY_S)
}

function keyIn(data: Uint8Array): string {
  return foldCase(walkName(data, 0)!.name)
}

export const dnsUpstreamTarget: Target = {
  name: 'dns-upstream',
  seeds: () => [
    said({ answers: [address(NAME, 60, '203.0.113.80')], additionals: [OPT] }),
    said({ answers: [alias(NAME, 60, 'cdn.example.net'), address('cdn.example.net', 60, '203.0.113.80')] }),
    said({ answers: [alias(NAME, 60, `node1.${OURS}`), address(`node1.${OURS}`, 60, '203.0.113.66')] }),
    said({
      answers: [record('example.com', TYPE_DNAME, 60, nameOctets('example.net')), alias(NAME, 60, 'www.example.net')],
    }),
    said({ rcode: 3, authorities: [soa('example.com', 60, 30)], additionals: [OPT] }),
    said({ authorities: [soa('example.com', 60, 30)] }),
    said({ answers: [record(NAME, TYPES.MX, 60, [0, 10, 4, 109, 97, 105, 108, 0xc0, 16])] }, TYPES.MX),
    said({ answers: [record(NAME, TYPES.SRV, 60, [0, 0, 0, 1, 0, 53, 2, 110, 115, 0xc0, 16])] }, TYPES.SRV),
    said({ answers: [record(NAME, TYPES.TXT, 60, [5, 104, 101, 108, 108, 111])] }, TYPES.TXT),
    said({ answers: [soa(NAME, 60, 30)] }, TYPES.SOA),
    said({ truncated: true }),
    said({ rcode: 5 }),
    asked,
  ],
  words: [
    ...[NAME, 'example.com', OURS, `node1.${OURS}`, ''].map(nameOctets),
    ...[OPT, address(NAME, 60, '203.0.113.80'), alias(NAME, 60, 'a.example'), soa('example.com', 60, 30)],
    ...[
      [0xc0, 12],
      [0xc0, 16],
      [0xc0, 0],
      [0, 5, 0, 1],
      [0, 39, 0, 1],
      [0, 6, 0, 1],
      [0x80, 0, 0, 0],
      [255, 255],
    ],
  ].map(octets => Uint8Array.from(octets)),
  maxBytes: 16_000,
  run(reply) {
    const question = questionOf(reply)
    if (!question) return `no question ${isReplyTo(reply, uint16(reply, 0), ORDINARY)}`
    if (!isReplyTo(reply, uint16(reply, 0), question)) return 'no reply'
    // The ID says nothing else, so it chooses the client: one way for each input, as each reply goes one way.
    const [dnssec, overTcp] = [(reply[1]! & 1) !== 0, (reply[1]! & 2) !== 0]
    const verdict = readUpstream(reply, { question, dnssec, isOurs })
    if (typeof verdict === 'string') return verdict
    holdsFor(question, verdict)
    const octets = toldTo(question, reply, verdict, overTcp)
    return octets ? holdsForTold(octets, verdict, overTcp) : 'unasked'
  },
}

/** Few enough to be read one by one, by a decoder that is made for being right. */
const READ_MOST = 20

function holdsForTold(octets: Uint8Array, { answers }: UpstreamAnswer, overTcp: boolean): string {
  hold('it fits', octets.length <= (overTcp ? 65_535 : 1232))
  const cut = (octets[2]! & 0x02) !== 0
  hold('what is not cut is whole', uint16(octets, 6) === (cut ? 0 : answers.length))
  if (answers.length > READ_MOST) return `many ${cut}`
  const told = read(octets)
  return `${told.rcode} ${told.flags.join('')} ${Math.min(told.answers.length, 3)} ${Math.min(told.authorities.length, 3)}`
}

const ORDINARY: Question = { name: NAME, key: NAME, type: TYPES.A, class: 1, end: 33 }
