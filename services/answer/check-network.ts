/** What the installer demands of `[network]`, and what it would accept although nobody can mean it. */
import { broadcastOf, parseInterfaceAddress } from '../kit/ipv4.ts'
import { parseMac } from '../kit/mac.ts'
import { shown } from '../site/finding.ts'
import { checkFilter } from './check-filter.ts'
import { isAtLeast } from './dialect.ts'
import type { AnswerView } from './draft.ts'
import { type AnswerProblem, errorAt, warningAt } from './problems.ts'
import { contains, familyOf, familyOfCidr } from './shapes.ts'

const STATIC_KEYS = ['cidr', 'dns', 'gateway', 'filter'] as const

function checkSource({ draft, target, isUnknown }: AnswerView): AnswerProblem[] {
  if (!draft.network || draft.network.source !== undefined || isUnknown('network.source')) return []
  const hint = 'write source = "from-dhcp"; installers before 9.2 assume it, later ones refuse the answer'
  const tell = isAtLeast(target.installer, [9, 2]) ? errorAt : warningAt
  return [tell(['network'], 'missing-key', 'network.source is missing', hint)]
}

function checkFromDhcp({ draft }: AnswerView): AnswerProblem[] {
  return STATIC_KEYS.filter(key => draft.network?.[key] !== undefined).map(key => {
    const message = `network.${key} is not allowed with addresses from DHCP`
    return errorAt(['network', key], 'conflict', message, 'remove it, or set source = "from-answer"')
  })
}

function checkStaticKeys({ draft, isUnknown }: AnswerView): AnswerProblem[] {
  const missing = STATIC_KEYS.filter(key => draft.network?.[key] === undefined && !isUnknown(`network.${key}`))
  const hint = 'source = "from-answer" needs cidr, dns, gateway and filter'
  return missing.map(key => errorAt(['network'], 'missing-key', `network.${key} is missing`, hint))
}

function checkCidr(cidr: string): AnswerProblem[] {
  const path = ['network', 'cidr']
  if (!familyOfCidr(cidr)) {
    const message = 'network.cidr is not an address with a prefix length'
    return [errorAt(path, 'wrong-value', message, 'write it as 10.0.0.11/24')]
  }
  const own = parseInterfaceAddress(cidr)
  // Every address of a link with 31 or 32 bits is a host's (RFC 3021 §2.1).
  if (!own || own.prefix.length > 30) return []
  const what = { [own.prefix.network]: 'the network itself', [broadcastOf(own.prefix)]: 'the broadcast address' }
  const mistake = what[own.address]
  if (mistake === undefined) return []
  const hint = 'write the address of the machine; 9.0.5 refuses this one'
  return [warningAt(path, 'doubtful-value', `network.cidr is ${mistake}`, hint)]
}

function checkAddress(key: 'dns' | 'gateway', address: string, { draft, isUnknown }: AnswerView): AnswerProblem[] {
  const path = ['network', key]
  const name = `network.${key}`
  const family = familyOf(address)
  if (!family) return [errorAt(path, 'wrong-value', `${name} is not one IP address`, 'write one address')]
  const { cidr } = draft.network ?? {}
  const own = cidr === undefined ? undefined : familyOfCidr(cidr)
  if (cidr === undefined || !own || isUnknown('network.cidr') || isUnknown(name)) return []
  if (own !== family) {
    const message = `${name} is IPv${family}, network.cidr IPv${own}`
    return [warningAt(path, 'doubtful-value', message, 'use one family')]
  }
  if (key === 'dns') return []
  if (cidr.split('/')[0] === address) {
    return [warningAt(path, 'doubtful-value', `${name} is the machine itself`, 'write the address of the router')]
  }
  // A router's link-local address is never inside.
  if (contains(cidr, address) || /^fe[89ab]/i.test(address)) return []
  return [warningAt(path, 'doubtful-value', `${name} is outside the subnet of network.cidr`, 'correct one')]
}

function checkStatic(view: AnswerView): AnswerProblem[] {
  const { cidr, dns, gateway, filter } = view.draft.network ?? {}
  const hint = 'choose the NIC, for instance filter.ID_NET_NAME_MAC = "*b07b25aa0110"'
  const isEmpty = filter && Object.keys(filter).length === 0 && !view.isUnknown('network.filter')
  return [
    ...(cidr === undefined ? [] : checkCidr(cidr)),
    ...(dns === undefined ? [] : checkAddress('dns', dns, view)),
    ...(gateway === undefined ? [] : checkAddress('gateway', gateway, view)),
    ...(isEmpty ? [errorAt(['network', 'filter'], 'wrong-value', 'network.filter is empty', hint)] : []),
    ...checkFilter('network', filter ?? {}),
  ]
}

/** 2 to 15 characters, a letter first, optionally a numbered suffix as VLANs and aliases have. */
const LINK_NAME = /^(?=.{2,15}$)[a-z][a-z0-9_]*(?:[.:]\d+)?$/i

const MAPPING = 'network.interface-name-pinning.mapping'

function checkPinnedMac(written: string): AnswerProblem[] {
  const path = [...MAPPING.split('.'), written]
  if (parseMac(written) && !written.includes('-')) return []
  const message = `${MAPPING}: ${shown(written)} is not a MAC with colons`
  return [errorAt(path, 'wrong-value', message, 'write it as b0:7b:25:aa:01:10')]
}

function checkPinnedName(written: string, name: string, { target }: AnswerView): AnswerProblem[] {
  const path = [...MAPPING.split('.'), written]
  if (!LINK_NAME.test(name)) {
    const hint = 'use 2 to 15 letters, digits and underscores, a letter first'
    return [errorAt(path, 'wrong-value', `${MAPPING}: the name for ${shown(written)} is malformed`, hint)]
  }
  if (name === name.toLowerCase() || isAtLeast(target.installer, [9, 1, 3])) return []
  const message = `${MAPPING}: 9.1.2 refuses capital letters in the name for ${shown(written)}`
  return [warningAt(path, 'doubtful-value', message, 'write the name in lower case')]
}

function checkPinning(view: AnswerView): AnswerProblem[] {
  const pinning = view.draft.network?.['interface-name-pinning']
  const mapping = Object.entries(pinning?.mapping ?? {})
  if (pinning?.enabled === false && mapping.length > 0) {
    const message = `${MAPPING} is ignored with enabled = false`
    return [warningAt(MAPPING.split('.'), 'ineffective-key', message, 'set enabled = true, or remove it')]
  }
  const names = new Set<string>()
  const macs = new Set<string>()
  return mapping.flatMap(([written, name]) => {
    const path = [...MAPPING.split('.'), written]
    const problems = [...checkPinnedMac(written), ...checkPinnedName(written, name, view)]
    const mac = parseMac(written) ?? written
    if (macs.has(mac)) problems.push(errorAt(path, 'duplicate-value', `${MAPPING} has ${mac} twice`, 'remove one'))
    if (names.has(name.toLowerCase())) {
      const message = `${MAPPING} gives the name ${shown(name)} twice`
      problems.push(errorAt(path, 'duplicate-value', message, 'give every NIC its own'))
    }
    macs.add(mac)
    names.add(name.toLowerCase())
    return problems
  })
}

export function checkNetwork(view: AnswerView): AnswerProblem[] {
  const { draft, isUnknown } = view
  const source = draft.network?.source
  const isStatic = source === 'from-answer' || (source === undefined && isUnknown('network.source'))
  return [
    ...checkSource(view),
    ...(source === 'from-answer' ? checkStaticKeys(view) : []),
    ...(isStatic ? checkStatic(view) : checkFromDhcp(view)),
    ...checkPinning(view),
  ]
}
