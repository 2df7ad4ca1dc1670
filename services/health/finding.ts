/** One thing that `doctor` found: a word of the closed table, what it is about, and what to do. */
import { FINDINGS, type FindingCode, type Severity } from './codes.ts'
import { PROBE_NAMES, type ProbeName } from './probe-names.ts'

export type Finding = {
  code: FindingCode
  /** What it is about, where there may be several: a server, a port, a file. */
  subject?: string
  message: string
  /** What to do, as an instruction. */
  hint: string
  severity: Severity
  /** Who found it; set when it has run. */
  probe?: ProbeName
}

/** With the words of the table, or such that say more. */
export function finding(
  code: FindingCode,
  message?: string,
  more: { subject?: string; hint?: string | undefined } = {},
): Finding {
  const { severity, message: general, action } = FINDINGS[code]
  return {
    code,
    ...(more.subject === undefined ? {} : { subject: more.subject }),
    message: message ?? general,
    hint: more.hint ?? action,
    severity,
  }
}

const WORST_FIRST: readonly Severity[] = ['error', 'warning', 'info', 'ok']

/** The worst first; what is equally bad in the order of the probes. */
export function worstFirst(findings: readonly Finding[]): Finding[] {
  const rank = ({ severity, probe }: Finding): number =>
    WORST_FIRST.indexOf(severity) * PROBE_NAMES.length + (probe === undefined ? 0 : PROBE_NAMES.indexOf(probe))
  return findings.toSorted((a, b) => rank(a) - rank(b))
}
