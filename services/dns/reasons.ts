/** Why DNS answered as it did, or said nothing: one word for log, timeline, metrics and manual. */

export type SilenceReason = 'runt' | 'not-a-query' | 'no-return-port' | 'over-budget'

export type ScreenReason =
  | 'opcode'
  | 'question-count'
  | 'message-size'
  | 'section-count'
  | 'compressed-question'
  | 'bad-name'
  | 'bad-record'
  | 'two-opt'
  | 'zone-transfer'

export type ReplyReason =
  | ScreenReason
  | 'undecodable'
  | 'edns-version'
  | 'foreign-client'
  | 'foreign-class'
  | 'answer-given'
  | 'no-answer-due'
  | 'unusable-answer'
  | 'record'
  | 'no-such-type'
  | 'no-such-name'
  | 'outside-zone'
  | 'forwarded'
  | 'upstream-silent'
  | 'upstream-failed'
  | 'forwarder-full'

export type DnsReason = SilenceReason | ReplyReason

export type ReasonText = { message: string; hint: string; severity: 'debug' | 'info' | 'warning' }

const quiet = (message: string): ReasonText => ({ message, hint: 'nothing', severity: 'debug' })

/** One row per reason; the README's table is this one. */
export const REASONS: Record<DnsReason, ReasonText> = {
  runt: quiet('fewer than 12 octets'),
  'not-a-query': quiet('a response came to the server port'),
  'no-return-port': quiet('the source port is 0, nobody can hear a reply'),
  'over-budget': {
    message: 'the client asks more often than any machine does',
    hint: 'find the program on that client, or the sender that borrows its address',
    severity: 'warning',
  },
  opcode: quiet('only queries are served'),
  'question-count': quiet('not exactly one question'),
  'message-size': quiet('too short or too long for a query'),
  'section-count': quiet('records in sections that a query leaves empty'),
  'compressed-question': quiet('the question name begins with a pointer'),
  'bad-name': quiet('a name that RFC 1035 does not allow'),
  'bad-record': quiet('a record that runs past the message'),
  'two-opt': quiet('more than one OPT record'),
  'zone-transfer': quiet('zone transfers are not offered'),
  undecodable: quiet('the EDNS options cannot be read'),
  'edns-version': quiet('an EDNS version above 0'),
  'foreign-client': {
    message: 'the client is outside the served prefixes',
    hint: 'add its prefix to allow in [dns], if it is meant to be served',
    severity: 'debug',
  },
  'foreign-class': quiet('only class IN is served'),
  'answer-given': { message: 'the installer was told where its answer is', hint: 'nothing', severity: 'info' },
  'no-answer-due': {
    message: 'an installer asked, and no attempt waits for it',
    hint: 'approve the machine: `rackrise machine approve`',
    severity: 'info',
  },
  'unusable-answer': {
    message: 'the answer URL or fingerprint does not survive the installer',
    hint: 'keep the URL at 255 characters or less, without spaces, quotes, backslashes and semicolons',
    severity: 'warning',
  },
  record: quiet('answered from the zone'),
  'no-such-type': quiet('the name exists, the type does not'),
  'no-such-name': quiet('the name does not exist'),
  'outside-zone': quiet('not our zone, and no forwarding for this client'),
  forwarded: quiet('an upstream resolver answered'),
  'upstream-silent': {
    message: 'no upstream resolver answered in time',
    hint: 'check forward in [dns] and the route to those resolvers',
    severity: 'warning',
  },
  'upstream-failed': {
    message: 'the upstream resolvers refused, failed, or said what was not asked',
    hint: 'ask them the same with dig from this appliance; they may not serve its address',
    severity: 'warning',
  },
  'forwarder-full': {
    message: 'too many questions wait for upstream resolvers, in all or from this client',
    hint: 'check that the resolvers in [dns] forward answer, and what that client asks',
    severity: 'warning',
  },
}
