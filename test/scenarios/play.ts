/**
 * Plays a scenario: a table of who says what when, and what is heard in return and why. The outcome is a table of the same form, so that a test
 * compares the two and a difference reads like the story.
 */
import type { ServedDhcp } from '../../services/dhcp/server.ts'
import type { DhcpMessage } from '../../services/dhcp/message.ts'
import { messageTypeOf } from '../../services/dhcp/options.ts'
import { LIMITED_BROADCAST, parseRange } from '../../services/kit/ipv4.ts'
import { type Mac, macFromBytes } from '../../services/kit/mac.ts'
import type { LeaseRecord } from '../../services/store/types.ts'
import { BIOS, dhcp, INSTALLER as ASKS, ip, IPXE, mac, type Said, text, UEFI, UEFI_HTTP } from '../dhcp/messages.ts'
import { RACK, START } from '../dhcp/rig.ts'
import { EVERYBODY, type Heard, OURS, RELAY, SERVER, Wire } from './wire.ts'

/**
 * When (since power-on), who, says what, and what is heard, why.
 *
 *     discover [wants A]    request A [of SERVER]    reboot A    renew A    rebind A    release A    decline A    inform [A]
 *     ... as bios | uefi | http | ipxe | installer (else a system)   id HEX   via relay   again (the same transaction)
 *
 * Who is `node1` to `node9`; or `site` (restarts, reserves A for NODE, reserves nothing, has pool RANGE), `store` (fails, works, waits, goes on),
 * `clock` (jumps to TIME) or `leases`, which says nothing and is told what is on record.
 */
export type Step = [at: string, who: string, says: string, hears: string, why?: string]

const STAGES: Record<string, Said> = {
  bios: BIOS,
  uefi: UEFI,
  http: UEFI_HTTP,
  ipxe: IPXE,
  installer: { asks: [...ASKS.asks] },
}
const UNITS: [unit: string, ms: number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
]

function msOf(at: string): number {
  const sign = at.startsWith('-') ? -1 : 1
  const parts = [...at.matchAll(/(\d+)([dhms])/g)].map(([, count, unit]) => Number(count) * new Map(UNITS).get(unit!)!)
  return sign * parts.reduce((sum, part) => sum + part, 0)
}

function timeOf(ms: number): string {
  let rest = Math.abs(Math.round(ms / 1000) * 1000)
  const parts = UNITS.flatMap(([unit, length]) => {
    const count = Math.floor(rest / length)
    rest -= count * length
    return count > 0 ? [`${count}${unit}`] : []
  })
  return `${ms < 0 ? '-' : ''}${parts.join(' ') || '0s'}`
}

const nodeOf = (name: string): Mac => mac(`52:54:00:77:00:0${name.slice(-1)}`)
const nameOf = (node: Mac): string => `node${node.slice(-1)}`

class Play {
  readonly #wire: Wire
  readonly #transactions = new Map<string, number>()
  #count = 0

  constructor(wire: Wire) {
    this.#wire = wire
  }

  async take([at, who, says]: Step): Promise<Step> {
    const { clock, log } = this.#wire
    // A clock that jumped stays jumped: times of the table go on from where it is.
    const wait = START + msOf(at) - clock.now()
    if (wait > 0) clock.advance(wait)
    const before = log.lines.length
    const hears = await this.#carryOut(who, says)
    if (!who.startsWith('node')) return [at, who, says, hears]
    const why = log.lines.slice(before).map(({ reason }) => String(reason))
    return [at, who, says, hears, why.join(', ')]
  }

  async #carryOut(who: string, says: string): Promise<string> {
    if (who === 'site') return this.#changeSite(says)
    if (who === 'store') return this.#changeStore(says)
    if (who === 'clock') this.#wire.clock.set(START + msOf(says.split(' to ')[1]!))
    if (who === 'leases') return this.#leases()
    return who.startsWith('node') ? this.#say(who, says) : ''
  }

  async #changeSite(says: string): Promise<string> {
    const [verb, what, , node] = says.split(' ')
    if (verb === 'reserves') {
      this.#wire.fleet.reservations.clear()
      if (node) this.#wire.fleet.reservations.set(nodeOf(node), ip(what!))
    }
    const pool = verb === 'has' ? parseRange(says.split(' ')[2]!) : undefined
    await this.#wire.restart(pool ? { subnets: [{ ...RACK, pools: [pool] }] } : {})
    return ''
  }

  /** Whoever waited for the disk hears it now. */
  async #changeStore(says: string): Promise<string> {
    const { store, lan } = this.#wire
    const before = lan.frames.length
    if (says === 'fails' || says === 'works') store.failure = says === 'fails' ? new Error('ENOSPC') : undefined
    if (says === 'waits') store.holdWrites()
    if (says === 'goes on') store.letWritesGo()
    await lan.settle()
    return this.#wire.repliesSince(before).map(written).join('; ')
  }

  #leases(): string {
    const line = ({ address, state, mac: owner, expiresAt }: LeaseRecord) =>
      `${address} ${state} ${nameOf(owner)} ${timeOf(expiresAt - START)}`
    return this.#wire.server.leases().map(line).toSorted().join('; ')
  }

  async #say(who: string, says: string): Promise<string> {
    const { message, to } = this.#messageOf(who, says)
    const from = says.split(' ')[1]
    if (says.startsWith('renew') || says.startsWith('rebind')) this.#wire.lan.setAddress(who, ip(from!))
    const heard = await this.#wire.send(who, message, to)
    return heard.map(written).join('; ') || 'silence'
  }

  #messageOf(who: string, says: string): { message: DhcpMessage; to: typeof EVERYBODY } {
    const words = says.split(' ')
    const after = (word: string) => (words.includes(word) ? words[words.indexOf(word) + 1] : undefined)
    if (!words.includes('again')) this.#transactions.set(who, ++this.#count)
    const id = after('id')
    const said: Said = {
      mac: nodeOf(who),
      xid: this.#transactions.get(who)!,
      ...STAGES[after('as') ?? ''],
      ...(id ? { clientId: Uint8Array.from(Buffer.from(id, 'hex')) } : {}),
      ...(words.includes('via') ? { giaddr: RELAY } : {}),
    }
    const [verb, address = ''] = words
    const server = after('of') ?? OURS
    const wants = after('wants')
    const isUnicast = verb === 'renew' || verb === 'release'
    const to = isUnicast ? SERVER : EVERYBODY
    switch (verb) {
      case 'discover':
        return { message: dhcp('discover', { ...said, ...(wants ? { wants } : {}) }), to }
      case 'request':
        return { message: dhcp('request', { ...said, wants: address, server }), to }
      case 'reboot':
        return { message: dhcp('request', { ...said, wants: address }), to }
      case 'renew':
      case 'rebind':
        return { message: dhcp('request', { ...said, ciaddr: address }), to }
      case 'release':
        return { message: dhcp('release', { ...said, ciaddr: address, server }), to }
      case 'decline':
        return { message: dhcp('decline', { ...said, wants: address, server }), to }
      case 'inform':
        return { message: dhcp('inform', { ...said, ciaddr: address }), to }
      default:
        throw new Error(`nobody says "${says}"`)
    }
  }
}

/** `offer 10.77.0.100 snponly.efi`; where it went, if not to everybody; whose it is, if not the sender's own. */
function written({ message, to }: Heard): string {
  const what = message.file || (message.options.has(250) ? 'answer' : '')
  const where = to.address === LIMITED_BROADCAST ? '' : `to ${to.address}${to.port === 68 ? '' : `:${to.port}`}`
  const address = message.yiaddr === '0.0.0.0' ? '' : message.yiaddr
  const router = message.giaddr === '0.0.0.0' ? '' : `router ${routerOf(message)}`
  if (!macFromBytes(message.chaddr)) throw new Error('a reply to nobody')
  return [messageTypeOf(message), address, what, router, where].filter(Boolean).join(' ')
}

function routerOf(message: DhcpMessage): string {
  const value = message.options.get(3)
  return value ? value.join('.') : (text(message, 3) ?? 'none')
}

/** Plays all steps; the outcome is what they would have to be. */
export async function play(steps: readonly Step[], dhcpSite: Partial<ServedDhcp> = {}): Promise<Step[]> {
  const player = new Play(await Wire.open(dhcpSite))
  const outcome: Step[] = []
  for (const step of steps) outcome.push(await player.take(step))
  return outcome
}
