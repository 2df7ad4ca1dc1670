/** Profiles, listed machines and rules: every name known, nothing given twice, nothing that the installer refuses. */
import { broadcastOf, prefixContains, type Ipv4 } from '../kit/ipv4.ts'
import { INSTALLER_NAMES } from './check-records.ts'
import type { CheckView } from './check-view.ts'
import { doubtful, shown, wrong, type Finding, type Path } from './finding.ts'
import { checkKernelArgument } from './kernel-argument.ts'
import type { Draft } from './schema.ts'
import { suggest } from './suggest.ts'

type DraftMachine = Draft['machine'][number]

export function checkFleet(view: CheckView): Finding[] {
  const { draft } = view
  return [
    ...checkProfiles(view),
    ...repeats(
      draft.machine.map(({ name }, at) => [name, ['machine', at, 'name']]),
      'machine name',
    ),
    ...repeats(
      draft.machine.flatMap(({ mac }, at) => (mac ?? []).map((one, nic) => [one, ['machine', at, 'mac', nic]])),
      'MAC address',
    ),
    ...repeats(
      draft.machine.map(({ address }, at) => [address, ['machine', at, 'address']]),
      'address',
    ),
    ...repeats(
      draft.machine.map(({ uuid }, at) => [uuid || undefined, ['machine', at, 'uuid']]),
      'UUID',
    ),
    ...draft.machine.flatMap((machine, at) => checkMachine(view, machine, at)),
    ...draft.rule.flatMap((rule, at) => checkRule(rule, at)),
  ]
}

/** M03: the second of two equal values, with the line of the first. */
function repeats(entries: [string | undefined, Path][], what: string): Finding[] {
  const seen = new Map<string, Path>()
  return entries.flatMap(([value, path]) => {
    if (value === undefined) return []
    const other = seen.get(value)
    if (!other) {
      seen.set(value, path)
      return []
    }
    return [{ ...wrong('duplicate', path, `${what} ${shown(value)} is there twice`, 'give each its own'), other }]
  })
}

function checkProfiles({ draft, isLost }: CheckView): Finding[] {
  const names = draft.profile.flatMap(({ name }) => (name === undefined ? [] : [name]))
  const isUnsure = isLost('profile') || names.length < draft.profile.length
  const used: [string | undefined, Path][] = [
    ...draft.machine.map(({ profile }, at): [string | undefined, Path] => [profile, ['machine', at, 'profile']]),
    ...draft.rule.map(({ profile }, at): [string | undefined, Path] => [profile, ['rule', at, 'profile']]),
  ]
  const known = new Set(names)
  return [
    ...repeats(
      draft.profile.map(({ name }, at) => [name, ['profile', at, 'name']]),
      'profile name',
    ),
    ...draft.profile.flatMap((profile, at) =>
      profile['kernel-args'].flatMap((word, index) => checkKernelArgument(word, ['profile', at, 'kernel-args', index])),
    ),
    ...used.flatMap(([name, path]) =>
      isUnsure || name === undefined || known.has(name) ? [] : [unknownProfile(name, names, path)],
    ),
  ]
}

function unknownProfile(name: string, names: string[], path: Path): Finding {
  const meant = suggest(name, names)
  const hint = meant ? `did you mean ${shown(meant)}?` : `add a [[profile]] of that name`
  return wrong('unknown-profile', path, `there is no profile ${shown(name)}`, hint)
}

function checkMachine(view: CheckView, machine: DraftMachine, at: number): Finding[] {
  const findings: Finding[] = []
  if (INSTALLER_NAMES.some(name => name === machine.name)) {
    const message = `${shown(machine.name ?? '')} belongs to the installer`
    findings.push(wrong('bad-value', ['machine', at, 'name'], message, 'call the machine otherwise'))
  }
  if (machine.address) findings.push(...checkReservation(view, machine.address, ['machine', at, 'address']))
  return findings
}

function checkReservation({ draft, own, isLost }: CheckView, address: Ipv4, path: Path): Finding[] {
  if (address === own?.address) {
    return [wrong('not-leasable', path, `${address} is the appliance's own address`, 'reserve another one')]
  }
  const subnet = draft.dhcp.subnet.find(({ prefix }) => prefix && prefixContains(prefix, address))
  if (!subnet?.prefix) {
    // With another DHCP server there may be no subnet here at all; the address then only names the machine in DNS.
    const isUnsure = isLost('dhcp.subnet') || draft.dhcp.subnet.some(({ prefix }) => !prefix)
    if (isUnsure || draft.dhcp.mode !== 'server') return []
    return [
      wrong(
        'outside',
        path,
        `${address} is in no [[dhcp.subnet]]`,
        'reserve an address of a subnet, or add its subnet',
      ),
    ]
  }
  const { prefix, router } = subnet
  const taken = [
    [prefix.network, 'the network address'],
    [broadcastOf(prefix), 'the broadcast address'],
    [router, 'the router'],
  ].find(([other]) => other === address)
  return taken ? [wrong('not-leasable', path, `${address} is ${taken[1]} of its subnet`, 'reserve another one')] : []
}

/** What a machine says of itself: at boot (MAC, UUID, serial), and with its system information (DMI). */
const RULE_FACTS = ['mac', 'serial', 'uuid', 'dmi.system.name', 'dmi.system.serial', 'dmi.system.uuid']

function checkRule({ when, name }: Draft['rule'][number], at: number): Finding[] {
  const findings: Finding[] = []
  for (const fact of Object.keys(when ?? {})) {
    if (RULE_FACTS.includes(fact)) continue
    const meant = suggest(fact, RULE_FACTS)
    const hint = meant ? `did you mean ${shown(meant)}?` : `known facts are ${RULE_FACTS.join(', ')}`
    findings.push(doubtful(['rule', at, 'when', fact], `no machine tells ${shown(fact)}: the rule never applies`, hint))
  }
  if (name !== undefined && !name.includes('{{index}}')) {
    const message = 'every machine of this rule gets the same name'
    findings.push(doubtful(['rule', at, 'name'], message, `put {{index}} into it, as "${name}{{index}}"`))
  }
  return findings
}
