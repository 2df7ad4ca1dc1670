/**
 * What a person should look at now. The same trouble is one alarm, however often it is met; it is over when it was mended, or when nothing
 * was met of it for a while. In memory only: the log keeps what was.
 */
import type { Clock, Instant } from './clock.ts'
import type { Log, LogFields } from './log.ts'
import type { Meter } from './meter.ts'

export type Trouble = {
  /** The word of a closed table. */
  code: string
  /** What it is about, if there may be several: a server, a pool, an address. */
  subject?: string
  severity: 'warning' | 'alarm'
  message: string
  /** What to do, as an instruction. */
  hint: string
  /** Further facts by name; what is met later adds to them. */
  details?: Readonly<Record<string, string>>
}

export type Alarm = Required<Trouble> & {
  firstSeenAt: Instant
  lastSeenAt: Instant
  count: number
  /** Absent while it lasts. */
  endedAt?: Instant
}

/** Without news for so long it is over: two looks for other servers and a bit. */
export const QUIET_MS = 12 * 60_000
/** Whoever can forge a subject must not fill the memory: so many of one code, ended ones included; all others are one more. */
export const SUBJECTS_MOST = 16
/** The subject of those that there was no room for. */
export const OTHERS = 'others'

/** `metAt`: when something was met of it last, of the count that nobody sets. */
type Kept = { alarm: Alarm; quietMs: number; metAt: number }

export class Alarms {
  readonly #clock: Pick<Clock, 'now' | 'elapsed'>
  readonly #onOver: (alarm: Alarm) => void
  readonly #kept = new Map<string, Kept>()

  constructor(clock: Pick<Clock, 'now' | 'elapsed'>, onOver: (alarm: Alarm) => void = () => {}) {
    this.#clock = clock
    this.#onOver = onOver
  }

  /** True if it is news. An alarm that lasts until `end` is told of it has a `quietMs` of Infinity. */
  raise(trouble: Trouble, quietMs: number = QUIET_MS): boolean {
    const now = this.#clock.now()
    const subject = this.#roomFor(trouble.code, trouble.subject ?? '')
    const known = this.#kept.get(keyOf(trouble.code, subject))
    if (known && this.#isQuiet(known)) this.end(trouble.code, subject)
    const lasting = known?.alarm.endedAt === undefined ? known?.alarm : undefined
    const alarm: Alarm = {
      ...trouble,
      subject,
      details: { ...lasting?.details, ...trouble.details },
      firstSeenAt: lasting?.firstSeenAt ?? now,
      lastSeenAt: now,
      count: (lasting?.count ?? 0) + 1,
    }
    this.#kept.set(keyOf(alarm.code, subject), { alarm, quietMs, metAt: this.#clock.elapsed() })
    return lasting === undefined
  }

  /** It is mended. */
  end(code: string, subject = ''): void {
    const kept = this.#kept.get(keyOf(code, subject))
    if (!kept || kept.alarm.endedAt !== undefined) return
    kept.alarm = { ...kept.alarm, endedAt: this.#clock.now() }
    this.#onOver(kept.alarm)
  }

  lasts(code: string, subject = ''): boolean {
    const kept = this.#kept.get(keyOf(code, subject))
    return kept !== undefined && kept.alarm.endedAt === undefined && !this.#isQuiet(kept)
  }

  /** Ends what was quiet for long enough; to be called now and then, since nothing else happens then. */
  sweep(): void {
    for (const kept of this.#kept.values()) if (this.#isQuiet(kept)) this.end(kept.alarm.code, kept.alarm.subject)
  }

  #isQuiet({ quietMs, metAt }: Kept): boolean {
    return this.#clock.elapsed() - metAt >= quietMs
  }

  /** Those that last first, and of each kind the newest first. */
  list(): Alarm[] {
    this.sweep()
    const order = ({ endedAt }: Alarm) => (endedAt === undefined ? 0 : 1)
    return [...this.#kept.values()]
      .map(({ alarm }) => alarm)
      .sort((a, b) => order(a) - order(b) || b.lastSeenAt - a.lastSeenAt)
  }

  /** The subject, or `others` when there are too many of that code already and none of them has ended. */
  #roomFor(code: string, subject: string): string {
    if (this.#kept.has(keyOf(code, subject))) return subject
    this.sweep()
    const same = [...this.#kept].filter(([, { alarm }]) => alarm.code === code && alarm.subject !== OTHERS)
    if (same.length < SUBJECTS_MOST) return subject
    const ended = same.find(([, { alarm }]) => alarm.endedAt !== undefined)
    if (!ended) return OTHERS
    this.#kept.delete(ended[0])
    return subject
  }
}

/** Fields of a line that say how it was written, not what happened. */
const OF_THE_LINE = new Set(['room', 'reason', 'hint', 'subject', 'type', 'xid'])

function detailsOf(fields: LogFields): Record<string, string> {
  const facts = Object.entries(fields).filter(([name, value]) => !OF_THE_LINE.has(name) && typeof value === 'string')
  return Object.fromEntries(facts) as Record<string, string>
}

/**
 * A log whose warnings and errors with a `reason` are alarms, too. A `subject` field tells alarms of one reason apart, and is not written: it
 * repeats another field.
 */
export function alarmingLog(log: Log, alarms: Alarms): Log {
  const alarming = (level: 'warn' | 'error') => (fields: LogFields, message: string) => {
    const { subject, ...written } = fields
    const { reason, hint } = fields
    if (typeof reason === 'string' && typeof hint === 'string') {
      const severity = level === 'warn' ? 'warning' : 'alarm'
      const about = typeof subject === 'string' ? { subject } : {}
      alarms.raise({ code: reason, ...about, severity, message, hint, details: detailsOf(fields) })
    }
    log[level](written, message)
  }
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: alarming('warn'),
    error: alarming('error'),
  }
}

/** Alarms that last, by code: what a program is to be woken by. */
export function gaugeAlarms(meter: Meter, alarms: Alarms): void {
  meter.gauge('rackrise_alarms', 'Alarms that last', ['code', 'severity'], () => {
    const lasting = alarms.list().filter(({ endedAt }) => endedAt === undefined)
    const alike = Map.groupBy(lasting, ({ code, severity }) => `${code} ${severity}`).values()
    return [...alike].map(all => [{ code: all[0]!.code, severity: all[0]!.severity }, all.length] as const)
  })
}

function keyOf(code: string, subject: string): string {
  return `${code} ${subject}`
}
