/** Why HTTP did not give what was asked for: one word each, the same in code, log, timeline, metrics and manual. */
import type { RefusalReason as AnswerRefusal } from '../answer/authorise.ts'
import type { Severity } from '../kit/severity.ts'

/** Whose route it was. */
export type Route = 'script' | 'file' | 'answer' | 'report' | 'first-boot'

type ReasonText = { routes: readonly Route[]; message: string; action: string; severity: Severity }

const APPROVE = 'if it is meant to be installed, run `rackrise machine approve`, then power-cycle it'
const LOOK_TWICE = 'look for two machines with one identity; see `rackrise machine show`'

/** What an answer is refused for, by what machine and site are. */
const OF_ANSWERS: Record<AnswerRefusal, ReasonText> = {
  'unknown-machine': {
    routes: ['answer'],
    message: 'no posted MAC is known',
    action: 'boot it by DHCP of this appliance first, or list it',
    severity: 'warning',
  },
  'unknown-token': {
    routes: ['answer', 'report', 'first-boot'],
    message: 'the token is nobody’s, or another machine’s',
    action: 'power-cycle the machine; if that does not help, look at who asks',
    severity: 'warning',
  },
  'not-approved': {
    routes: ['answer'],
    message: 'the machine is held',
    action: APPROVE,
    severity: 'warning',
  },
  'identity-conflict': {
    routes: ['answer'],
    message: 'the machine is held, since it claims a MAC, UUID or serial number of another machine',
    action: 'list all MACs of one machine in one entry, or approve it as it is; see `rackrise machine show`',
    severity: 'warning',
  },
  'not-booting': {
    routes: ['answer', 'first-boot'],
    message: 'no installation of the machine is under way',
    action: APPROVE,
    severity: 'warning',
  },
  'already-installed': {
    routes: ['answer'],
    message: 'the attempt was closed by a report',
    action: 'for another installation run `rackrise machine reinstall`',
    severity: 'warning',
  },
  'address-mismatch': {
    routes: ['script', 'file', 'answer', 'report', 'first-boot'],
    message: 'another machine stands at that address, or nobody who has a lease',
    action: 'boot it from the network of this appliance, and list all its NICs',
    severity: 'warning',
  },
  'token-missing': {
    routes: ['answer'],
    message: 'nobody can see who stands behind a router, and no token came along',
    action: 'boot the machine from the network of this appliance',
    severity: 'warning',
  },
  'mac-mismatch': {
    routes: ['answer'],
    message: 'the MAC that booted is not among those posted',
    action: LOOK_TWICE,
    severity: 'warning',
  },
  'uuid-mismatch': {
    routes: ['answer'],
    message: 'the posted UUID is not the one that is known',
    action: LOOK_TWICE,
    severity: 'warning',
  },
  'serial-mismatch': {
    routes: ['script', 'answer'],
    message: 'the serial number that it says is not the one that is known',
    action: LOOK_TWICE,
    severity: 'warning',
  },
  blocked: {
    routes: ['script', 'answer'],
    message: 'a person said never',
    action: 'nothing; `rackrise machine approve` is the way out',
    severity: 'info',
  },
}

export const REASONS = {
  ...OF_ANSWERS,
  ignored: {
    routes: ['script'],
    message: 'the machine is not in the site file, and boot.unknown is "ignore"',
    action: 'nothing; list it if it is to be installed',
    severity: 'info',
  },
  'too-many-strangers': {
    routes: ['script'],
    message: 'there are too many unknown machines to remember another one',
    action: 'list those that are meant to be there; look for who invents MAC addresses',
    severity: 'warning',
  },
  'no-ethernet-address': {
    routes: ['script'],
    message: 'what it says of its MAC is no Ethernet address',
    action: 'boot the machine from an Ethernet NIC',
    severity: 'info',
  },
  'no-such-attempt': {
    routes: ['file'],
    message: 'no such attempt is booting',
    action: 'power-cycle the machine for a new boot script',
    severity: 'info',
  },
  'no-iso': {
    routes: ['file'],
    message: 'the library has no ISO for the profile, or cannot read it',
    action: 'see `rackrise iso list`',
    severity: 'alarm',
  },
  'no-profile': {
    routes: ['file', 'answer'],
    message: 'the profile of the attempt is no longer in the site file',
    action: 'put it back, or start another attempt',
    severity: 'alarm',
  },
  'no-such-file': {
    routes: ['file'],
    message: 'the library and the folder of the loaders have no such file',
    action: 'nothing: loaders ask for files that nobody has',
    severity: 'info',
  },
  'file-changed': {
    routes: ['file'],
    message: 'a file is not as it was when the library was read',
    action: 'nothing if it was just replaced; else look at the disk',
    severity: 'warning',
  },
  'unreadable-information': {
    routes: ['answer'],
    message: 'what was posted is no system information',
    action: 'nothing if a person tried it; else look at who asks',
    severity: 'warning',
  },
  'other-profile': {
    routes: ['answer'],
    message: 'what the machine told is taken by a rule with another profile than the one that was booted',
    action: 'see `rackrise explain`; list the machine, or approve it again',
    severity: 'alarm',
  },
  'invalid-answer': {
    routes: ['answer'],
    message: 'its layers make no valid answer for the ISO that asks',
    action: 'mend them: `rackrise check`, `rackrise explain`; then approve the machine again',
    severity: 'alarm',
  },
  'store-failed': {
    routes: ['script', 'answer', 'report', 'first-boot'],
    message: 'the state can not be written, and nothing is told that a restart would not know',
    action: 'make room on the disk of the state folder, then power-cycle the machine',
    severity: 'alarm',
  },
  'no-script': {
    routes: ['first-boot'],
    message: 'the profile names no first-boot script, or the file is missing',
    action: 'see first-boot of the profile',
    severity: 'warning',
  },
  'script-too-large': {
    routes: ['first-boot'],
    message: 'the first-boot script is larger than 1 MiB, and the installer would cut it',
    action: 'make it fetch the rest itself',
    severity: 'alarm',
  },
} as const satisfies Record<string, ReasonText>

export type Reason = keyof typeof REASONS
