/** Profiles, listed machines and rules: every name known, nothing given twice, nothing that the installer refuses. */
import { checkOptions } from './check-options.ts'
import { INSTALLER_NAMES } from './check-records.ts'
import { checkAddress, checkUuid } from './check-reservations.ts'
import { checkRules } from './check-rules.ts'
import { repeats, type Entries } from './check-twice.ts'
import type { CheckView } from './check-view.ts'
import { shown, wrong, type Finding, type Path } from './finding.ts'
import { checkKernelArgument } from './kernel-argument.ts'
import type { Draft } from './schema.ts'
import { suggest } from './suggest.ts'

type DraftMachine = Draft['machine'][number]

export function checkFleet(view: CheckView): Finding[] {
  const { draft } = view
  return [
    ...checkProfiles(view),
    ...checkTwice(draft),
    ...draft.machine.flatMap((machine, at) => checkMachine(view, machine, at)),
    ...checkRules(draft),
  ]
}

/** M03: what tells machines apart, across machines and reservations. */
function checkTwice({ machine, dhcp: { reservation } }: Draft): Finding[] {
  const all = (key: 'name' | 'address' | 'uuid'): Entries => [
    ...machine.map((one, at): Entries[number] => [one[key] || undefined, ['machine', at, key]]),
    ...reservation.map((one, at): Entries[number] => [one[key] || undefined, ['dhcp', 'reservation', at, key]]),
  ]
  const macs: Entries = [
    ...machine.flatMap(({ mac }, at) =>
      (mac ?? []).map((one, nic): Entries[number] => [one, ['machine', at, 'mac', nic]]),
    ),
    ...reservation.map(({ mac }, at): Entries[number] => [mac, ['dhcp', 'reservation', at, 'mac']]),
  ]
  return [
    ...repeats(all('name'), 'machine name'),
    ...repeats(macs, 'MAC address'),
    ...repeats(all('address'), 'address'),
    ...repeats(all('uuid'), 'UUID'),
  ]
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
  if (machine.address) findings.push(...checkAddress(view, machine.address, ['machine', at, 'address']))
  if (machine.uuid) findings.push(...checkUuid(machine.uuid, ['machine', at, 'uuid']))
  return [...findings, ...checkOptions(machine.options, ['machine', at, 'options'])]
}
