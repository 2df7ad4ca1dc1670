/** What the installer demands of `[network]`, and what it would accept although nobody can mean it. */
import { parseInterfaceAddress, parseIpv4, prefixContains } from '../kit/ipv4.ts'
import { parseMac } from '../kit/mac.ts'
import type { Problem } from '../kit/problem.ts'
import { type AnswerTarget, isAtLeast } from './dialect.ts'
import { findGlobMistake } from '../kit/glob.ts'
import { answerError, answerWarning } from './problems.ts'
import type { Network } from './schema.ts'
import { familyOf, familyOfCidr } from './shapes.ts'

const STATIC_KEYS = ['cidr', 'dns', 'gateway', 'filter'] as const

/** Globs are compiled on the machine only: a mistake in one would strand it. */
export function checkFilter(path: string, filter: Record<string, string>): Problem[] {
  return Object.entries(filter).flatMap(([key, pattern]) => {
    const mistake = findGlobMistake(pattern)
    const hint = 'there is no escape character; write [*] for a star and [[] for a bracket'
    return mistake ? [answerError('wrong-value', `${path}.${key} is not a glob: ${mistake}`, hint)] : []
  })
}

function checkFromDhcp(network: Network): Problem[] {
  return STATIC_KEYS.filter(key => network[key] !== undefined).map(key =>
    answerError(
      'unknown-key',
      `network.${key} is not allowed with addresses from DHCP`,
      'remove it, or set source = "from-answer"',
    ),
  )
}

function checkAddresses(network: Network): Problem[] {
  const problems: Problem[] = []
  const { cidr = '', dns = '', gateway = '' } = network
  const family = familyOfCidr(cidr)
  if (!family) {
    problems.push(
      answerError('wrong-value', 'network.cidr is not an address with a prefix length', 'write 10.0.0.11/24'),
    )
  }
  for (const [key, address] of [
    ['dns', dns],
    ['gateway', gateway],
  ] as const) {
    const other = familyOf(address)
    const path = `network.${key}`
    if (!other) problems.push(answerError('wrong-value', `${path} is not one IP address`, 'write one address'))
    else if (family && other !== family) {
      problems.push(answerWarning('wrong-value', `${path} is IPv${other}, network.cidr IPv${family}`, 'use one family'))
    }
  }
  const own = parseInterfaceAddress(cidr)
  const router = parseIpv4(gateway)
  if (own && router && !prefixContains(own.prefix, router)) {
    problems.push(answerWarning('wrong-value', 'network.gateway is outside the subnet of network.cidr', 'correct one'))
  }
  return problems
}

function checkFromAnswer(network: Network): Problem[] {
  const missing = STATIC_KEYS.filter(key => network[key] === undefined)
  if (missing.length > 0) {
    return missing.map(key =>
      answerError(
        'missing-key',
        `network.${key} is missing`,
        'source = "from-answer" needs cidr, dns, gateway and filter',
      ),
    )
  }
  const filter = network.filter ?? {}
  const hint = 'choose the NIC, for instance filter.ID_NET_NAME_MAC = "*b07b25aa0110"'
  const empty = Object.keys(filter).length === 0 ? [answerError('wrong-value', 'network.filter is empty', hint)] : []
  return [...checkAddresses(network), ...empty, ...checkFilter('network.filter', filter)]
}

/** 2 to 15 characters, a letter first, optionally a numbered suffix as VLANs and aliases have. */
const LINK_NAME = /^(?=.{2,15}$)[a-z][a-z0-9_]*(?:[.:]\d+)?$/i

function checkPinning(network: Network): Problem[] {
  const pinning = network['interface-name-pinning']
  if (!pinning?.enabled) return []
  const path = 'network.interface-name-pinning.mapping'
  const problems: Problem[] = []
  const names = new Set<string>()
  const macs = new Set<string>()
  for (const [written, name] of Object.entries(pinning.mapping ?? {})) {
    const mac = parseMac(written)
    if (!mac || written.includes('-')) {
      problems.push(answerError('wrong-value', `${path} has a key that is not a MAC`, 'write b0:7b:25:aa:01:10'))
    } else if (macs.has(mac)) problems.push(answerError('wrong-value', `${path} has ${mac} twice`, 'remove one'))
    if (mac) macs.add(mac)
    if (!LINK_NAME.test(name)) {
      const hint = 'use 2 to 15 letters, digits and underscores, a letter first'
      problems.push(answerError('wrong-value', `${path}: the name for ${mac ?? 'that MAC'} is malformed`, hint))
    } else if (names.has(name.toLowerCase())) {
      problems.push(answerError('wrong-value', `${path} gives the name ${name} twice`, 'give every NIC its own'))
    }
    names.add(name.toLowerCase())
  }
  return problems
}

export function checkNetwork(network: Network, target: AnswerTarget): Problem[] {
  const problems: Problem[] = []
  if (network.source === undefined) {
    const message = 'network.source is missing'
    const hint = 'write source = "from-dhcp"; installers before 9.2 assume it, later ones refuse the answer'
    const tell = isAtLeast(target.installer, [9, 2]) ? answerError : answerWarning
    problems.push(tell('missing-key', message, hint))
  }
  const checkSource = network.source === 'from-answer' ? checkFromAnswer : checkFromDhcp
  return [...problems, ...checkSource(network), ...checkPinning(network)]
}
