/** One line per decision: what happened, to whom, why. Nothing secret: no URL of an attempt and no fingerprint. */
import type { DhcpPlan } from '../boot/plan.ts'
import type { Log, LogFields } from '../kit/log.ts'
import { LEVEL_OF } from '../kit/severity.ts'
import type { LeaseRecord } from '../store/types.ts'
import { UNKNOWN_MAC } from './conflict.ts'
import type { Decision, Reply } from './decision.ts'
import type { DhcpClient } from './fleet.ts'
import type { DhcpMessage } from './message.ts'
import { messageTypeOf } from './options.ts'
import { type NoteReason, REASONS, type Reason } from './reasons.ts'

export function writeReason(log: Log, reason: Reason, fields: LogFields, message?: string): void {
  const { severity, message: meaning, action } = REASONS[reason]
  const all: LogFields = { room: 'dhcp', reason, ...fields }
  if (severity !== 'info') all['hint'] = action
  log[LEVEL_OF[severity]](all, message ?? meaning)
}

export function writeDecision(log: Log, decision: Decision, request: DhcpMessage): void {
  const { client, address } = decision
  const fields: LogFields = { type: messageTypeOf(request) ?? 'none', xid: request.xid.toString(16).padStart(8, '0') }
  if (client) fields['mac'] = client.mac
  if (address) fields['address'] = address
  if (decision.do === 'reply' && decision.type !== 'nak') fields['boot'] = bootFieldOf(decision.said.plan)
  if (decision.do === 'reply' && decision.reason === 'reservation') fields['reservedBy'] = decision.said.reservedBy
  const meaning = REASONS[decision.reason].message
  const line = decision.do === 'reply' ? replyLine(decision) : `silent to ${client?.mac ?? 'an unknown sender'}`
  writeReason(log, decision.reason, fields, `${line}: ${meaning}`)
}

export function writeNote(log: Log, note: NoteReason, client: DhcpClient, fields: LogFields = {}): void {
  writeReason(log, note, { mac: client.mac, ...fields })
}

/** Something answered at the address that was to be offered. */
export function writeConflict(log: Log, client: DhcpClient, { address, mac: answerer }: LeaseRecord): void {
  const isKnown = answerer !== UNKNOWN_MAC
  const fields = { mac: client.mac, address, subject: address, ...(isKnown ? { answerer } : {}) }
  const who = isKnown ? answerer : 'something behind the relay agent'
  const line = `${who} uses ${address}, which is in quarantine now: another address for ${client.mac}`
  writeReason(log, 'address-in-use', fields, line)
}

/** Only an answer and a reason for no boot need more than the plan's own word. */
function bootFieldOf(plan: DhcpPlan): string {
  return plan.do === 'nothing' || plan.do === 'silence' ? plan.reason : plan.do
}

const VERBS = { offer: 'offered', ack: 'acknowledged', nak: 'refused' } as const

function replyLine(reply: Reply): string {
  const extra = reply.type === 'nak' ? undefined : thingOf(reply.said.plan)
  const what = [reply.address, extra].filter(Boolean).join(' and ') || 'an address'
  return `${VERBS[reply.type]} ${what} to ${reply.client.mac} (${speakerOf(reply.client)})`
}

function thingOf(plan: DhcpPlan): string | undefined {
  switch (plan.do) {
    case 'load':
      return plan.loader
    case 'script':
      return 'its boot script'
    case 'answer':
      return 'its answer URL'
    case 'nothing':
    case 'silence':
      return undefined
  }
}

function speakerOf({ boot }: DhcpClient): string {
  if (boot.stage === 'firmware') return `${boot.architecture ?? 'unknown'} firmware by ${boot.via}`
  if (boot.stage === 'ipxe') return boot.architecture ? `iPXE on ${boot.architecture}` : 'iPXE'
  return boot.stage
}
