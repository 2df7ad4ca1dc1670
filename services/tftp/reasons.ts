/** Why TFTP did not serve, or did not finish: one word each, the same in code, log, metrics and manual. */
import type { Severity } from '../kit/severity.ts'

type ReasonText = {
  /** A refusal is told to the client; a failure is the end of a transfer that had begun. */
  kind: 'refusal' | 'silence' | 'failure'
  message: string
  action: string
  severity: Severity
}

const NOTHING = 'nothing'

export const REASONS = {
  'not-found': {
    kind: 'refusal',
    message: 'the folder of the loaders has no such file',
    action: 'nothing: loaders ask for files that nobody has; else put it there',
    severity: 'info',
  },
  'name-not-allowed': {
    kind: 'refusal',
    message: 'the name is empty, too long, or climbs out of the folder',
    action: 'nothing if rare; else look at who sends it',
    severity: 'info',
  },
  'read-only': {
    kind: 'refusal',
    message: 'the client wants to write',
    action: 'nothing: this server only reads',
    severity: 'info',
  },
  'mode-not-served': {
    kind: 'refusal',
    message: 'the client wants another mode than octet',
    action: 'use octet mode: `binary` in most clients',
    severity: 'info',
  },

  malformed: {
    kind: 'silence',
    message: 'the datagram is no TFTP packet',
    action: 'nothing if rare; else find the sender with `tcpdump port 69`',
    severity: 'info',
  },
  'not-a-request': {
    kind: 'silence',
    message: 'a packet of a transfer came to the port for requests',
    action: NOTHING,
    severity: 'info',
  },
  'no-source-port': { kind: 'silence', message: 'nobody can be answered at port 0', action: NOTHING, severity: 'info' },
  'repeated-request': {
    kind: 'silence',
    message: 'the transfer that is asked for runs already',
    action: NOTHING,
    severity: 'info',
  },
  'too-many-transfers': {
    kind: 'silence',
    message: 'too many transfers run, or too many to this address',
    action: 'nothing: firmware asks again; if it goes on, look at who asks for so much',
    severity: 'warning',
  },
  stopping: { kind: 'silence', message: 'the server is stopping', action: NOTHING, severity: 'info' },
  'no-port': {
    kind: 'silence',
    message: 'the system has no port for another transfer',
    action: 'raise LimitNOFILE= of the service, or look at what holds so many files',
    severity: 'alarm',
  },
  'look-up-failed': {
    kind: 'silence',
    message: 'the file could not be looked up',
    action: 'look at the disk with the folder of the loaders',
    severity: 'alarm',
  },

  'client-refused': {
    kind: 'failure',
    message: 'the client sent an error in the middle of the file',
    action: 'read its screen; often too little memory for the loader',
    severity: 'warning',
  },
  'client-silent': {
    kind: 'failure',
    message: 'nothing was heard for half a minute',
    action: 'the machine was switched off, or a firewall drops the ports above 1024',
    severity: 'warning',
  },
  'last-ack-missing': {
    kind: 'failure',
    message: 'everything was sent, and the last ACK never came',
    action: 'nothing if the machine goes on: some ROMs do not send it',
    severity: 'info',
  },
  'too-slow': {
    kind: 'failure',
    message: 'the total deadline has passed',
    action: 'look at the link of that machine',
    severity: 'warning',
  },
  'read-failed': {
    kind: 'failure',
    message: 'the file cannot be read, or became shorter',
    action: 'look at the folder of the loaders and its disk',
    severity: 'alarm',
  },
  superseded: {
    kind: 'failure',
    message: 'the same port of the client asks for another file',
    action: NOTHING,
    severity: 'info',
  },
  stopped: {
    kind: 'failure',
    message: 'the server stopped, ten seconds after it was told to',
    action: NOTHING,
    severity: 'info',
  },
} as const satisfies Record<string, ReasonText>

export type Reason = keyof typeof REASONS
type OfKind<K> = { [R in Reason]: (typeof REASONS)[R]['kind'] extends K ? R : never }[Reason]
export type RefusalReason = OfKind<'refusal'>
export type SilenceReason = OfKind<'silence'>
export type FailureReason = OfKind<'failure'>
