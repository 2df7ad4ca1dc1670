/** What a machine said of itself last, kept whole: the system information with which it asked, and the report with which it ended. */
import { isProblem } from '../kit/is-problem.ts'
import type { Instant } from '../kit/clock.ts'
import type { MachineId } from '../machine/event.ts'
import type { DocumentKind, DocumentStore, MachineDocument } from '../store/types.ts'
import { type JsonObject, readJsonObject } from './json-body.ts'
import { parseSystemInformation, type SystemInformation } from './system-information.ts'
import { type InstallationReport, parseReport } from './webhook.ts'

/** 23 kB were seen of a report, with ten disks; what is larger than ten times that is read, but not kept. */
const LARGEST_BYTES: Record<DocumentKind, number> = { 'system-information': 64 * 1024, report: 256 * 1024 }

/** Names of fields whose values are nobody's business, whatever program put them there. */
const SECRET_NAME = /pass(word|wd|phrase)|secret|token|private.?key|credential/i

/** What the machine sent, less whatever is called a secret: `auth-token` of the answer comes back in a report as `token` (9.2.0). */
function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).filter(([name]) => !SECRET_NAME.test(name))
  return Object.fromEntries(fields.map(([name, field]) => [name, withoutSecrets(field)]))
}

/** `body` is what the machine sent, less its secrets. */
export type LastSystemInformation = { at: Instant; information: SystemInformation; body: JsonObject }
export type LastReport = { at: Instant; attempt?: string; report: InstallationReport; body: JsonObject }

/** The text to keep of a posted body, on one line; undefined for what is no JSON object, or too large to be kept. */
export function keptText(bytes: Uint8Array, kind: DocumentKind): string | undefined {
  const read = readJsonObject(bytes, LARGEST_BYTES[kind])
  if (isProblem(read)) return undefined
  const text = JSON.stringify(withoutSecrets(read.body))
  return text.length <= LARGEST_BYTES[kind] ? text : undefined
}

async function last<T extends object>(
  documents: Pick<DocumentStore, 'get'>,
  machine: MachineId,
  kind: DocumentKind,
  read: (bytes: Uint8Array, document: MachineDocument) => T | undefined,
): Promise<(T & { at: Instant; body: JsonObject }) | undefined> {
  const document = await documents.get(machine, kind)
  if (!document) return undefined
  const value = read(new TextEncoder().encode(document.body), document)
  return value && { ...value, at: document.at, body: JSON.parse(document.body) as JsonObject }
}

/** What the machine posted when it last asked for an answer, granted or not. */
export function lastSystemInformation(
  documents: Pick<DocumentStore, 'get'>,
  machine: MachineId,
): Promise<LastSystemInformation | undefined> {
  return last(documents, machine, 'system-information', bytes => {
    const information = parseSystemInformation(bytes)
    return isProblem(information) ? undefined : { information }
  })
}

/** The whole report of the machine's last finished installation: disks and NICs with their udev properties, host keys, versions. */
export function lastReport(documents: Pick<DocumentStore, 'get'>, machine: MachineId): Promise<LastReport | undefined> {
  return last(documents, machine, 'report', (bytes, { attempt }) => {
    const report = parseReport(bytes)
    return isProblem(report) ? undefined : { report, ...(attempt === undefined ? {} : { attempt }) }
  })
}
