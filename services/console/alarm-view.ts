/** An alarm as people and programs are shown it: times as ISO text, nothing that is empty. */
import type { Alarm } from '../kit/alarms.ts'
import type { Instant } from '../kit/clock.ts'
import type { AlarmView } from './schema/alarm.ts'

const iso = (at: Instant): string => new Date(at).toISOString()

export function viewAlarm(alarm: Alarm): AlarmView {
  const { code, subject, severity, message, hint, details, firstSeenAt, lastSeenAt, count, endedAt } = alarm
  return {
    code,
    ...(subject ? { subject } : {}),
    severity,
    message,
    action: hint,
    details,
    firstSeenAt: iso(firstSeenAt),
    lastSeenAt: iso(lastSeenAt),
    count,
    ...(endedAt === undefined ? {} : { endedAt: iso(endedAt) }),
  }
}
