/** `docs/reference/events.md`: the timeline's events and the states that they come to, each asked of the code itself. */
import type { Ipv4 } from '../../services/kit/ipv4.ts'
import type { Mac } from '../../services/kit/mac.ts'
import { type AttemptId, describeFact, type Fact, levelOf, type MachineId } from '../../services/machine/event.ts'
import { advance, type Machine, type MachineState, newMachine } from '../../services/machine/lifecycle.ts'
import { code, head, table } from './page.ts'

const MAC = 'bc:24:11:ab:12:21' as MachineId
const ADDRESS = '10.77.0.11' as Ipv4
const OF_ATTEMPT = { attempt: '3f9c21aa' as AttemptId }
const AT = Date.UTC(2026, 10, 26, 12)

type FactType = Fact['type']
type Shown = { [T in FactType]: { when: string; fact: Extract<Fact, { type: T }> } }

/** One of each; a fact without one does not compile. */
const SHOWN: Shown = {
  sighted: {
    when: 'it is seen for the first time, or tells something new of itself',
    fact: { type: 'sighted', macs: [MAC as Mac], serial: '7K2QX93' },
  },
  returned: {
    when: 'it was forgotten, and is there again: only a person approves it',
    fact: { type: 'returned', name: 'node1', forgottenAt: AT, by: 'anna' },
  },
  restored: {
    when: 'the state was restored from a backup, or it is new to such a state: only a person approves it',
    fact: { type: 'restored', backupOf: AT, ...OF_ATTEMPT },
  },
  'identity-conflicted': {
    when: 'it claims a MAC, UUID or serial number of another machine',
    fact: { type: 'identity-conflicted', conflicts: [{ with: MAC, by: 'serial', value: '7K2QX93' }] },
  },
  numbered: {
    when: 'a rule with `{{index}}` in its name gave it a number, for ever',
    fact: { type: 'numbered', series: 'node{{index}}', index: 7 },
  },
  'attempt-started': {
    when: 'a person approved or reinstalled it, or the site file approves its first installation',
    fact: { type: 'attempt-started', ...OF_ATTEMPT, by: 'operator', who: 'anna', again: false, profile: 'pve' },
  },
  blocked: {
    when: 'a person said never',
    fact: { type: 'blocked', who: 'anna', reason: 'loan unit' },
  },
  leased: {
    when: 'DHCP acknowledged an address',
    fact: { type: 'leased', address: ADDRESS, stage: 'firmware', loader: 'snponly.efi' },
  },
  'boot-told': {
    when: 'a proxy, or port 4011, said what to boot',
    fact: { type: 'boot-told', stage: 'firmware', loader: 'snponly.efi' },
  },
  'loader-sent': {
    when: 'TFTP or HTTP sent a loader whole',
    fact: { type: 'loader-sent', file: 'snponly.efi', bytes: 185_344 },
  },
  'script-served': {
    when: 'it fetched the boot script that installs',
    fact: { type: 'script-served', ...OF_ATTEMPT, address: ADDRESS, resumed: false },
  },
  'local-disk-told': {
    when: 'it fetched a boot script, and that says: boot the disk',
    fact: { type: 'local-disk-told', ...OF_ATTEMPT },
  },
  'load-failed': {
    when: 'its loader says that it could not load or start a part',
    fact: { type: 'load-failed', ...OF_ATTEMPT, part: 'kernel', error: '0x420c6001' },
  },
  'kernel-sent': { when: 'the kernel was sent whole', fact: { type: 'kernel-sent', ...OF_ATTEMPT, bytes: 14_680_064 } },
  'initrd-started': {
    when: 'the download of initrd and ISO began',
    fact: { type: 'initrd-started', ...OF_ATTEMPT, bytes: 1_500_000_000 },
  },
  'initrd-sent': {
    when: 'initrd and ISO were sent whole',
    fact: { type: 'initrd-sent', ...OF_ATTEMPT, bytes: 1_500_000_000 },
  },
  'answer-looked-up': {
    when: 'the installer asked DNS where its answer is',
    fact: { type: 'answer-looked-up', ...OF_ATTEMPT, address: ADDRESS },
  },
  'answer-served': {
    when: 'the installer got its answer, whole',
    fact: {
      type: 'answer-served',
      ...OF_ATTEMPT,
      address: ADDRESS,
      layers: ['base', 'node1'],
      sha256: 'ab',
      leftOut: [],
      withToken: true,
    },
  },
  'password-shown': {
    when: 'an operator saw its random root password',
    fact: { type: 'password-shown', ...OF_ATTEMPT, by: 'anna' },
  },
  'answer-revealed': {
    when: 'an operator saw its answer with all secrets',
    fact: { type: 'answer-revealed', by: 'anna' },
  },
  'address-given-up': {
    when: 'an address that its installed system wrote down is no longer kept for it',
    fact: { type: 'address-given-up', address: ADDRESS, reason: 'released by anna', who: 'anna' },
  },
  'answer-failed': {
    when: 'its layers make no valid answer: the installer got nothing',
    fact: { type: 'answer-failed', ...OF_ATTEMPT, code: 'invalid-answer', reason: 'global.country is missing' },
  },
  'answer-refused': {
    when: 'somebody asked for its answer who may not have it',
    fact: { type: 'answer-refused', reason: 'address-mismatch', address: '10.77.0.12' },
  },
  'first-boot-served': {
    when: 'the installed system fetched its first-boot script',
    fact: { type: 'first-boot-served', ...OF_ATTEMPT, bytes: 812 },
  },
  reported: {
    when: 'the installer reported that it is done',
    fact: { type: 'reported', ...OF_ATTEMPT, installed: { fqdn: 'node1.rack7.example.org', address: ADDRESS } },
  },
  'installation-inferred': {
    when: 'no report came, and it was told to boot its disk and did not come back within three minutes',
    fact: {
      type: 'installation-inferred',
      ...OF_ATTEMPT,
      evidence: 'it was told to boot its disk and did not come back',
    },
  },
  stalled: {
    when: 'nothing was heard of an installation for `boot.stall-after`',
    fact: { type: 'stalled', ...OF_ATTEMPT, silentSeconds: 1200, stage: 'installer' },
  },
  'gave-up': {
    when: 'it came back again and again without booting its disk, or without loading what it was sent',
    fact: { type: 'gave-up', ...OF_ATTEMPT, reason: 'it came back three times without booting its disk' },
  },
  repeated: {
    when: 'something that changes nothing came again; counted instead of kept',
    fact: { type: 'repeated', words: 'told it to boot its local disk', times: 12, seconds: 600 },
  },
  'boot-looped': {
    when: 'it was given its loader again and again and never fetched its script',
    fact: { type: 'boot-looped', stage: 'firmware', boots: 6, seconds: 540 },
  },
}

const STATES: { [S in MachineState]: string } = {
  held: 'seen, and nobody approved it: it boots its own disk',
  approved: 'one installation may start, an *attempt* with its own id and secrets',
  booting: 'the attempt has fetched its script; kernel, initrd and ISO are on their way',
  installing: 'the answer was served; from now on it is told to boot its disk',
  installed: 'it reported, or was seen to have booted its disk (*inferred*)',
  failed: 'the attempt ended with a reason: it boots its own disk',
  stalled: 'nothing was heard for too long; the attempt goes on if it speaks again',
  blocked: 'a person said never: DHCP and boot scripts are silent to it',
}

/** A machine in that state, in the middle of an attempt whose answer was served where that fits. */
function machineIn(state: MachineState): Machine {
  const attempt = { id: OF_ATTEMPT.attempt, profile: 'pve', startedAt: AT, resumes: 0, answeredAt: AT }
  const bare = { ...newMachine(MAC, AT), state }
  return state === 'held' ? bare : { ...bare, attempts: 1, attempt }
}

/** What becomes of a machine in each state: the states that it leads to, by the one that it comes from. */
function changesBy(fact: Fact): string {
  const [from, to] = [new Map<MachineState, MachineState>(), new Map<MachineState, MachineState[]>()]
  for (const state of Object.keys(STATES) as MachineState[]) {
    const next = advance(machineIn(state), { ...fact, at: AT + 1000, source: 'http' }).machine.state
    if (next !== state) from.set(state, next)
  }
  for (const [state, next] of from) to.set(next, [...(to.get(next) ?? []), state])
  return [...to].map(([next, states]) => `${states.map(code).join(', ')} → ${code(next)}`).join('; ')
}

const ABOUT = [
  'Events are facts about a machine, in the past tense, appended in order: `rackrise machine timeline NAME`, the timeline of the page, `GET /api/v1/machines/NAME/timeline`,',
  '`GET /api/v1/events`, and lines of the log with `event`. A machine’s state is what its events come to. One that does not fit is kept, marked as an anomaly, and changes nothing.',
  '',
  'Only `attempt-started` leads towards an installation, and only an operator, or `approve = true` of the site file for the first one, causes it.',
]

export function eventsPage(): string {
  const states = table(
    ['State', 'Meaning'],
    Object.entries(STATES).map(([state, meaning]) => [code(state), meaning]),
  )
  const rows = Object.entries(SHOWN).map(([type, { when, fact }]) => [
    code(type),
    when,
    describeFact(fact),
    levelOf(fact),
    changesBy(fact),
  ])
  return [
    head('Events and states', ...ABOUT),
    '## States',
    '',
    states,
    '',
    '## Events',
    '',
    'The last column says what the event makes of a machine whose latest attempt it is about; where it is empty, the state stays. A `script-served` of a machine that came back leads from `installing` to `booting` as well, three times at most.',
    '',
    table(['Event', 'When', 'As the timeline tells it', 'Log level', 'Changes'], rows),
    '',
    'Where an event was seen is its source: `dhcp`, `tftp`, `http`, `dns`, `answer`, `webhook`, `operator`, `site`, `clock`.',
    '',
  ].join('\n')
}
