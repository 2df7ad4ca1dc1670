/** A log that says whose line it is: rooms tell a MAC or an address, and the line has the machine's name and its open attempt, too. */
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Log, LogFields } from '../kit/log.ts'
import type { Mac } from '../kit/mac.ts'
import type { AttemptId } from './event.ts'
import type { Machine } from './lifecycle.ts'

/** The part of the registry that is asked, for every line. */
export type Known = { byMac(mac: Mac): Machine | undefined; titleOf(machine: Machine): string }

/** The attempt that may still come to its end: what is told of the machine belongs to it. */
export function openAttempt({ state, attempt }: Machine): AttemptId | undefined {
  const isOpen = state === 'approved' || state === 'booting' || state === 'installing' || state === 'stalled'
  return isOpen ? attempt?.id : undefined
}

/** `mac` is whom a line is about, else who stands at `address`. A machine that nobody knows yet goes by its MAC, as it will in the list. */
function subjectOf(fields: LogFields, known: Known, macAt: (address: Ipv4) => Mac | undefined): LogFields | undefined {
  const { mac, address } = fields as { mac?: Mac; address?: Ipv4 }
  const whose = mac ?? (address === undefined ? undefined : macAt(address))
  if (whose === undefined) return undefined
  const machine = known.byMac(whose)
  if (!machine) return { machine: whose }
  const attempt = openAttempt(machine)
  const subject = { machine: known.titleOf(machine) }
  return attempt === undefined ? subject : { ...subject, attempt }
}

/** @param macAt who stands at an address, for rooms that hear of addresses only */
export function machineLog(
  log: Log,
  known: Known,
  room: string,
  macAt: (address: Ipv4) => Mac | undefined = () => undefined,
): Log {
  const told = (fields: LogFields): LogFields => ({ room, ...subjectOf(fields, known, macAt), ...fields })
  return {
    debug(fields, message) {
      // Most questions of DNS end here: nobody is looked up for a line that nobody reads.
      if (log.isLevelEnabled?.('debug') !== false) log.debug(told(fields), message)
    },
    info: (fields, message) => log.info(told(fields), message),
    warn: (fields, message) => log.warn(told(fields), message),
    error: (fields, message) => log.error(told(fields), message),
  }
}
