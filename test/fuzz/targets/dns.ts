/** DNS as a client's octets meet it: screen, codec, policy and what was prepared, with a zone and a machine that may forward. */
import { newBudget } from '../../../services/kit/budget.ts'
import { PreparedReplies } from '../../../services/dns/prepared.ts'
import { REASONS } from '../../../services/dns/reasons.ts'
import { type Resolved, type Resolver, resolve } from '../../../services/dns/resolver.ts'
import { ask, context, MACHINE, nameOctets, OTHER_MACHINE, prefix, read, STRANGER, TYPES } from '../../dns/rig.ts'
import { hold, type Target } from '../target.ts'

const AT = 'rack7.example.org'
const PLAIN_BYTES = 512
const EDNS_BYTES = 1232
/** A chance to be answered by what others asked, and for what fails to depend on little else. */
const QUERIES_OF_A_RESOLVER = 256

const COOKIE = [0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]
const SUBNET = [0, 8, 0, 7, 0, 1, 24, 0, 10, 77, 0]
const OPT = [0, 0, TYPES.OPT, 4, 208, 0, 0, 0, 0, 0, 0]

const where = context({
  forwarding: [prefix('10.77.0.12/32')],
  records: [
    { name: `mirror.${AT}`, type: 'A', value: '10.77.0.5' },
    { name: `packages.${AT}`, type: 'CNAME', value: 'mirror' },
    { name: `away.${AT}`, type: 'CNAME', value: 'www.example.com' },
    { name: `*.wild.${AT}`, type: 'TXT', value: 'anything' },
    { name: `deep.empty.${AT}`, type: 'MX', value: '10 mirror' },
    ...Array.from({ length: 60 }, (_, at) => ({
      name: `many.${AT}`,
      type: 'A' as const,
      value: `10.77.0.${at + 1}`,
    })),
  ],
})

const newResolver = (prepared?: PreparedReplies): Resolver => ({
  context: where,
  budget: newBudget({ perSecond: 0, burst: 1e9, clients: 8 }),
  ...(prepared ? { prepared } : {}),
})

let fast = newResolver(new PreparedReplies())
const slow = newResolver()
let heard = 0

/** Nothing is forwarded here, so a promise would be a mistake. */
function say(resolver: Resolver, message: Uint8Array, client: typeof MACHINE, overTcp: boolean): Resolved {
  const resolved = resolve(resolver, message, client, overTcp, 0)
  if (resolved instanceof Promise) throw new Error('a promise without a forwarder')
  return resolved
}

function holdsFor(query: Uint8Array, reply: Uint8Array, overTcp: boolean): string {
  const told = read(reply)
  hold('the ID is that of the asker', reply[0] === query[0] && reply[1] === query[1])
  hold(
    'it is a response without Z and AD',
    told.flags.includes('qr') && !told.flags.some(flag => /^(z|ad)$/.test(flag)),
  )
  hold('OPT stands only where one was sent', told.opt === undefined || query[11]! > 0)
  hold('it fits', overTcp || reply.length <= (told.opt ? EDNS_BYTES : PLAIN_BYTES))
  hold('a reply that was cut says nothing', !told.flags.includes('tc') || told.answers.length === 0)
  return `${told.rcode} ${told.flags.join('')} ${Math.min(told.answers.length, 3)} ${told.opt ? 'opt' : ''}`
}

export const dnsTarget: Target = {
  name: 'dns',
  seeds: () => [
    ask({ name: `node1.${AT}` }),
    ask({ name: `Mirror.${AT}`, type: TYPES.AAAA, edns: { options: COOKIE } }),
    ask({ name: `proxmox-auto-installer.${AT}`, type: TYPES.TXT, edns: { dnssec: true, options: SUBNET } }),
    ask({ name: `packages.${AT}`, flags: 0x0120 }),
    ask({ name: `away.${AT}` }),
    ask({ name: `any.wild.${AT}`, type: TYPES.TXT }),
    ask({ name: `many.${AT}` }),
    ask({ name: `empty.${AT}`, type: TYPES.ANY }),
    ask({ name: AT, type: TYPES.SOA, edns: { payload: 100 } }),
    ask({ name: '11.0.77.10.in-addr.arpa', type: TYPES.PTR }),
    ask({ name: '1.1.168.192.in-addr.arpa', type: TYPES.PTR }),
    ask({ name: 'www.example.com' }),
    ask({ name: 'version.bind', type: TYPES.TXT, class: 3 }),
    ask({ name: AT, type: TYPES.AXFR }),
    ask({ name: '' }),
  ],
  words: [
    ...['node1', 'mirror', 'nobody', 'rack7', 'example.org', AT, '*', 'localhost', 'in-addr.arpa'].map(nameOctets),
    ...[OPT, [...OPT.slice(0, 9), 0, COOKIE.length, ...COOKIE], COOKIE, SUBNET],
    ...[
      [0xc0, 12],
      [0xc0, 0],
      [0xff, 0xff],
      [0, 255],
      [0, 1, 0, 1],
      [0, 16, 0, 1],
      [0, 6, 0, 1],
      [63],
      [1, 46],
      [1, 0],
    ],
  ].map(octets => Uint8Array.from(octets)),
  maxBytes: 5000,
  run(message) {
    if (heard++ % QUERIES_OF_A_RESOLVER === 0) fast = newResolver(new PreparedReplies())
    const behaviours = [MACHINE, OTHER_MACHINE, STRANGER].flatMap(client =>
      [false, true].map(overTcp => {
        const [one, other] = [say(fast, message, client, overTcp), say(slow, message, client, overTcp)]
        hold('the reason is of the table', one.reason in REASONS)
        hold('both ways have one reason', one.reason === other.reason)
        hold('both ways say the same', Buffer.from(one.bytes ?? []).equals(Buffer.from(other.bytes ?? [])))
        if (!one.bytes) return one.reason
        if (client === STRANGER) hold('a stranger gets no more than it sent', one.bytes.length <= message.length)
        return `${one.reason} ${holdsFor(message, one.bytes, overTcp)}`
      }),
    )
    return behaviours.join(', ')
  },
}
