/** What the appliance looks at by itself becomes an alarm, in the words of `doctor`, and ends when it is mended. */
import type { Alarms, Trouble } from '../kit/alarms.ts'
import type { Log } from '../kit/log.ts'
import type { FindingCode } from './codes.ts'
import type { Finding } from './finding.ts'

/** What nobody can leave as it is. That nothing keeps the clock right, say, is told to who asks. */
const ALARMING: ReadonlySet<FindingCode> = new Set([
  'clock-wrong',
  'loaders-missing',
  'interface-missing',
  'interface-down',
  'no-carrier',
  'address-missing',
  'state-open',
  'state-damaged',
  'disk-nearly-full',
  'disk-full',
])

/** It lasts until it is mended, however long that takes. */
const LASTS = Number.POSITIVE_INFINITY

/** Raises what is new and ends what is over. Returns how to tell it of the next run. */
export function alarmOfFindings(
  alarms: Pick<Alarms, 'raise' | 'end'>,
  log: Log,
): (findings: readonly Finding[]) => void {
  let before: Finding[] = []
  return findings => {
    const bad = findings.filter(({ code }) => ALARMING.has(code))
    const lasts = new Set(bad.map(keyOf))
    for (const one of before) if (!lasts.has(keyOf(one))) alarms.end(one.code, one.subject)
    for (const one of bad) {
      const trouble = troubleOf(one)
      if (alarms.raise(trouble, LASTS)) log.warn({ reason: trouble.code, hint: trouble.hint }, trouble.message)
    }
    before = bad
  }
}

const keyOf = ({ code, subject }: Finding): string => `${code} ${subject ?? ''}`

function troubleOf({ code, subject, severity, message, hint }: Finding): Trouble {
  return {
    code,
    ...(subject === undefined ? {} : { subject }),
    severity: severity === 'error' ? 'alarm' : 'warning',
    message,
    hint,
  }
}
