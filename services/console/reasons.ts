/** What the console's door did and why: one word each, the same in code, log, metric, reply and manual. */

type ReasonText = {
  /** `entry`: somebody was let in, or left. `refusal`: a request was not served. `note`: of no request. `alarm`: lasts until it is mended. */
  kind: 'entry' | 'refusal' | 'note' | 'alarm'
  message: string
  action: string
  severity: 'info' | 'warning'
}

const NOTHING = 'nothing'

export const REASONS = {
  'signed-in': { kind: 'entry', message: 'signed in with a password', action: NOTHING, severity: 'info' },
  'link-used': { kind: 'entry', message: 'signed in with a one-time link', action: NOTHING, severity: 'info' },
  'token-change': { kind: 'entry', message: 'a token changes something', action: NOTHING, severity: 'info' },
  'signed-out': { kind: 'entry', message: 'signed out', action: NOTHING, severity: 'info' },

  'not-signed-in': {
    kind: 'refusal',
    message: 'this needs a sign-in',
    action: 'sign in, or send a token: `Authorization: Bearer …`',
    severity: 'info',
  },
  'wrong-password': {
    kind: 'refusal',
    message: 'the password is not that of the user',
    action: 'nothing if it was a slip; a lost one is replaced with `rackrise user password NAME`',
    severity: 'warning',
  },
  'unknown-user': {
    kind: 'refusal',
    message: 'the users file has no such user',
    action: 'nothing if it was a slip; see `rackrise user list`',
    severity: 'warning',
  },
  'link-refused': {
    kind: 'refusal',
    message: 'the link was used, is older than 15 minutes, or was never made',
    action: 'make another one with `rackrise console link`',
    severity: 'warning',
  },
  'token-refused': {
    kind: 'refusal',
    message: 'the users file has no such token',
    action: 'see `rackrise token list`; make another one with `rackrise token add NAME`',
    severity: 'warning',
  },
  'token-expired': {
    kind: 'refusal',
    message: 'the token has expired',
    action: 'remove it and add it anew: `rackrise token remove NAME`, `rackrise token add NAME`',
    severity: 'warning',
  },
  'too-many-tries': {
    kind: 'refusal',
    message: 'too many tries to sign in, from one address or for one name',
    action: 'wait a minute; `rackrise console link` is a way in that has no such limit',
    severity: 'warning',
  },
  'sign-in-busy': {
    kind: 'refusal',
    message: 'more people sign in than passwords can be checked beside the packets of machines',
    action: 'try again in some seconds',
    severity: 'warning',
  },
  'csrf-refused': {
    kind: 'refusal',
    message: 'a change by cookie without the `x-csrf-token` of its session',
    action: 'load the page anew; programs send a token instead of a cookie',
    severity: 'warning',
  },
  'cross-site': {
    kind: 'refusal',
    message: 'a change that another site had the browser ask for',
    action: 'use the page of the appliance itself; find the site that did it',
    severity: 'warning',
  },
  'foreign-host': {
    kind: 'refusal',
    message: 'the request names a host that this listener is not',
    action: 'use the address that the console listens on, or a name in its certificate',
    severity: 'warning',
  },
  'not-allowed': {
    kind: 'refusal',
    message: 'this needs another role',
    action: 'ask an operator',
    severity: 'info',
  },
  'role-missing': {
    kind: 'refusal',
    message: 'a route that does not say who may use it, so nobody may: a bug in Rackrise',
    action: 'report it with this log line',
    severity: 'warning',
  },

  'link-made': { kind: 'note', message: 'a one-time link was made', action: NOTHING, severity: 'info' },
  'session-over': { kind: 'note', message: 'a session reached its limit of time', action: NOTHING, severity: 'info' },
  'session-crowded': {
    kind: 'note',
    message: 'a session was ended to make room for newer ones',
    action: 'nothing; somebody who signs in again and again may be a program that should have a token',
    severity: 'warning',
  },
  'session-revoked': {
    kind: 'note',
    message: 'a session ended since its user was removed or changed',
    action: NOTHING,
    severity: 'info',
  },
  'users-read': { kind: 'note', message: 'the users file was read', action: NOTHING, severity: 'info' },
  'password-strengthened': {
    kind: 'note',
    message: 'the hash of a password was made anew with what is usual now',
    action: NOTHING,
    severity: 'info',
  },

  'users-file': {
    kind: 'alarm',
    message: 'the users file can’t be used, so those of before stay: without any, only links let people in',
    action: 'mend it as `rackrise check` says; it is read again within seconds',
    severity: 'warning',
  },
} as const satisfies Record<string, ReasonText>

export type Reason = keyof typeof REASONS
type OfKind<K> = { [R in Reason]: (typeof REASONS)[R]['kind'] extends K ? R : never }[Reason]
export type RefusalReason = OfKind<'refusal'>
