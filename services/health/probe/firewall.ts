/**
 * Whether a rule of this host drops what machines send: nftables and iptables, read into one form and gone through with one packet of each kind. What
 * a rule asks that is not known here counts for the machine, so a drop that is told is one.
 */
import { z } from 'zod'
import type { Site } from '../../site/types.ts'
import { type Finding, finding } from '../finding.ts'

/** How long a program that reads rules may take. */
export const RULES_MS = 4_000

export type Match = {
  about: 'interface' | 'protocol' | 'port' | 'state' | 'other'
  /** `67`, `67-69`, `eth1`, `eth*`, `new`; one has to fit. */
  values: readonly string[]
  isNot?: boolean
}
export type Verdict = 'accept' | 'drop' | 'return' | { jump: string } | { goto: string }
export type Rule = { matches: readonly Match[]; verdict?: Verdict }
/** `hooked`: packets to this host come by, and the policy holds at its end. */
export type Chain = { name: string; hooked: boolean; policy: 'accept' | 'drop'; rules: Rule[] }

/** Chains by name, which is unique within the list; as text where no rules could be read, why. */
export type Ruleset = { from: string; chains: readonly Chain[] }

export type FirewallEdge = { rulesets(): Promise<readonly Ruleset[] | { unknown: string }> }

type Packet = { interface: string; protocol: 'udp' | 'tcp'; port: number; what: string }
type FirewallSite = Pick<Site, 'network' | 'dhcp' | 'http'>

function packets({ network, dhcp, http }: FirewallSite): Packet[] {
  const packet = (protocol: Packet['protocol'], port: number, what: string): Packet => ({
    interface: network.interface,
    protocol,
    port,
    what,
  })
  return [
    ...(dhcp.mode === 'off' ? [] : [packet('udp', 67, 'DHCP'), packet('udp', 4011, 'PXE')]),
    packet('udp', 69, 'TFTP'),
    packet('udp', 53, 'DNS'),
    packet('tcp', 53, 'DNS'),
    packet('tcp', http.port, 'HTTP'),
    packet('tcp', http.tlsPort, 'TLS'),
  ]
}

export async function lookAtFirewall(site: FirewallSite, edge: FirewallEdge): Promise<Finding[]> {
  const rulesets = await edge.rulesets()
  if ('unknown' in rulesets)
    return [finding('firewall-unknown', `rules of this host were not read: ${rulesets.unknown}`)]
  return judgeFirewall(rulesets, site)
}

export function judgeFirewall(rulesets: readonly Ruleset[], site: FirewallSite): Finding[] {
  const dropped = packets(site).flatMap(packet => {
    const where = rulesets.flatMap(ruleset => droppedBy(ruleset, packet) ?? [])[0]
    return where === undefined ? [] : [{ packet, where }]
  })
  if (dropped.length === 0) return [finding('firewall-open')]
  return [...Map.groupBy(dropped, ({ where }) => where)].map(([where, all]) => {
    const what = all.map(({ packet }) => `${packet.protocol} ${packet.port} (${packet.what})`).join(', ')
    return finding('firewall-drops', `${where} drops ${what} that come by ${site.network.interface}`, {
      subject: where,
    })
  })
}

/** The chain that drops it; every hooked chain has to let it through. */
function droppedBy({ from, chains }: Ruleset, packet: Packet): string | undefined {
  const byName = new Map(chains.map(chain => [chain.name, chain]))
  const dropping = chains.find(chain => chain.hooked && follow(chain, byName, packet, new Set()) === 'drop')
  return dropping && `${from} ${dropping.name}`
}

function follow(
  chain: Chain,
  chains: ReadonlyMap<string, Chain>,
  packet: Packet,
  under: ReadonlySet<string>,
): 'accept' | 'drop' | 'return' {
  const end = chain.hooked ? chain.policy : 'return'
  // A kernel takes no loops; a text may hold anything.
  if (under.has(chain.name)) return end
  for (const { matches, verdict } of chain.rules) {
    const fits = matches.map(match => fitsPacket(match, packet))
    if (verdict === undefined || fits.includes(false)) continue
    const isCertain = !fits.includes(undefined)
    if (verdict === 'accept') return 'accept'
    if (verdict === 'drop' && isCertain) return 'drop'
    if (verdict === 'return' && isCertain) return end
    if (typeof verdict !== 'object') continue
    const next = chains.get('jump' in verdict ? verdict.jump : verdict.goto)
    const result = next && follow(next, chains, packet, new Set([...under, chain.name]))
    if (result === 'accept' || (result === 'drop' && isCertain)) return result
    if ('goto' in verdict && isCertain) return end
  }
  return end
}

/** Undefined where this is not known. */
function fitsPacket({ about, values, isNot = false }: Match, packet: Packet): boolean | undefined {
  if (about === 'other') return undefined
  const said = { interface: packet.interface, protocol: packet.protocol, port: String(packet.port), state: 'new' }[
    about
  ]
  return values.some(value => fitsValue(value, said)) !== isNot
}

function fitsValue(value: string, said: string): boolean {
  const [, first, last] = /^(\d+)[-:](\d+)$/.exec(value) ?? []
  if (first !== undefined) return Number(said) >= Number(first) && Number(said) <= Number(last)
  return /[*+]$/.test(value) ? said.startsWith(value.slice(0, -1)) : value === said
}

// nftables, as `nft -j list ruleset` writes it (libnftables-json(5)).

const chainShape = z.object({
  family: z.string(),
  table: z.string(),
  name: z.string(),
  hook: z.string().optional(),
  policy: z.string().optional(),
})
const ruleShape = z.object({
  family: z.string(),
  table: z.string(),
  chain: z.string(),
  expr: z.array(z.record(z.string(), z.unknown())).default([]),
})
const rulesetShape = z.object({
  nftables: z.array(z.object({ chain: chainShape.optional(), rule: ruleShape.optional() })),
})

/** Undefined if it is not such a text. */
export function parseNft(text: string): Ruleset | undefined {
  let read: z.infer<typeof rulesetShape>
  try {
    read = rulesetShape.parse(JSON.parse(text))
  } catch {
    return undefined
  }
  const chains = new Map<string, Chain>()
  const named = (family: string, table: string, chain: string): string => `${family} ${table} ${chain}`
  for (const { chain } of read.nftables) {
    if (!chain || !['ip', 'inet'].includes(chain.family)) continue
    const name = named(chain.family, chain.table, chain.name)
    chains.set(name, {
      name,
      hooked: chain.hook === 'input',
      policy: chain.policy === 'drop' ? 'drop' : 'accept',
      rules: [],
    })
  }
  for (const { rule } of read.nftables) {
    if (!rule) continue
    const into = (target: string): string => named(rule.family, rule.table, target)
    chains.get(into(rule.chain))?.rules.push(readNftRule(rule.expr, into))
  }
  return { from: 'nftables', chains: [...chains.values()] }
}

function readNftRule(expressions: readonly Record<string, unknown>[], into: (chain: string) => string): Rule {
  const matches: Match[] = []
  let verdict: Verdict | undefined
  for (const expression of expressions) {
    if ('match' in expression) matches.push(...readNftMatch(expression['match']))
    else if ('xt' in expression) matches.push(UNKNOWN)
    else if ('accept' in expression) verdict = 'accept'
    else if ('drop' in expression || 'reject' in expression) verdict = 'drop'
    else if ('return' in expression) verdict = 'return'
    else
      for (const kind of ['jump', 'goto'] as const) {
        const target = (expression[kind] as { target?: unknown } | undefined)?.target
        if (typeof target === 'string') verdict = kind === 'jump' ? { jump: into(target) } : { goto: into(target) }
      }
  }
  return { matches, ...(verdict ? { verdict } : {}) }
}

const UNKNOWN: Match = { about: 'other', values: [] }

const matchShape = z.object({ op: z.string(), left: z.record(z.string(), z.unknown()), right: z.unknown() })

function readNftMatch(value: unknown): Match[] {
  const read = matchShape.safeParse(value)
  if (!read.success) return [UNKNOWN]
  const { op, left, right } = read.data
  const values = valuesOf(right)
  const about = aboutOf(left)
  const match: Match = values && about ? { about, values, ...(op === '!=' ? { isNot: true } : {}) } : UNKNOWN
  // `udp dport 67` holds for udp only, which nft does not say by itself.
  const { protocol } = (left['payload'] ?? {}) as { protocol?: unknown }
  const isOfOne = about === 'port' && (protocol === 'udp' || protocol === 'tcp')
  return isOfOne ? [{ about: 'protocol', values: [protocol] }, match] : [match]
}

function aboutOf(left: Record<string, unknown>): Match['about'] | undefined {
  const [kind] = Object.keys(left)
  const inner = left[kind!] as { key?: unknown; field?: unknown; protocol?: unknown } | undefined
  if (kind === 'meta' && (inner?.key === 'iifname' || inner?.key === 'iif')) return 'interface'
  if (kind === 'meta' && inner?.key === 'l4proto') return 'protocol'
  if (kind === 'payload' && inner?.protocol === 'ip' && inner.field === 'protocol') return 'protocol'
  if (kind === 'payload' && inner?.field === 'dport') return 'port'
  if (kind === 'ct' && inner?.key === 'state') return 'state'
  return undefined
}

/** Undefined where there is one that is not known, as in a named set. */
function valuesOf(right: unknown): string[] | undefined {
  if (typeof right === 'number') return [String(right)]
  if (typeof right === 'string') return right.startsWith('@') ? undefined : [right]
  if (Array.isArray(right)) return collect(right)
  if (typeof right !== 'object' || right === null) return undefined
  const { set, range } = right as { set?: unknown; range?: unknown }
  if (Array.isArray(set)) return collect(set)
  return Array.isArray(range) && range.length === 2 ? [`${range[0]}-${range[1]}`] : undefined
}

function collect(values: readonly unknown[]): string[] | undefined {
  const all = values.map(valuesOf)
  return all.includes(undefined) ? undefined : all.flatMap(value => value!)
}

// iptables, as `iptables-save` writes it.

const JUMPS: Record<string, Verdict | undefined> = { ACCEPT: 'accept', DROP: 'drop', REJECT: 'drop', RETURN: 'return' }
/** Targets that do something and let the packet go on. */
const HARMLESS = /^(LOG|NFLOG|MARK|CONNMARK|TCPMSS|NOTRACK|CT|TRACE|AUDIT)$/

export function parseIptables(text: string): Ruleset {
  const chains = new Map<string, Chain>()
  let isFilter = false
  for (const line of text.split('\n')) {
    if (line.startsWith('*')) isFilter = line.trim() === '*filter'
    if (!isFilter) continue
    const [, name, policy] = /^:(\S+) (\S+)/.exec(line) ?? []
    if (name)
      chains.set(name, { name, hooked: name === 'INPUT', policy: policy === 'DROP' ? 'drop' : 'accept', rules: [] })
    const [, chain, rest] = /^-A (\S+)(.*)$/.exec(line) ?? []
    if (chain !== undefined) chains.get(chain)?.rules.push(readIptablesRule(rest!.trim().split(/\s+/)))
  }
  return { from: 'iptables', chains: [...chains.values()] }
}

const ABOUT: Record<string, Match['about']> = {
  '-i': 'interface',
  '-p': 'protocol',
  '--dport': 'port',
  '--dports': 'port',
  '--state': 'state',
  '--ctstate': 'state',
}

function readIptablesRule(words: readonly string[]): Rule {
  const matches: Match[] = []
  let verdict: Verdict | undefined
  let isNot = false
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at]!
    if (word === '!') {
      isNot = true
      continue
    }
    const about = ABOUT[word]
    if (about)
      matches.push({ about, values: (words[(at += 1)] ?? '').toLowerCase().split(','), ...(isNot ? { isNot } : {}) })
    else if (word === '-j' || word === '-g') {
      const target = words[(at += 1)] ?? ''
      if (Object.hasOwn(JUMPS, target)) verdict = JUMPS[target]
      else if (!HARMLESS.test(target)) verdict = word === '-j' ? { jump: target } : { goto: target }
      // What follows is about the target.
      break
    } else if (word === '-m') at += 1
    else if (word.startsWith('-')) matches.push(UNKNOWN)
    isNot = false
  }
  return { matches, ...(verdict ? { verdict } : {}) }
}
