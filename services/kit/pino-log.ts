/** The real log: pino to standard output, in columns on a terminal and in systemd's journal, one JSON object a line elsewhere. */
import { isatty } from 'node:tty'
import { type Logger, pino } from 'pino'
import { BackgroundOutput } from './background-output.ts'
import { type Clock, type Instant, systemClock } from './clock.ts'
import { priorityOf, withPriority } from './journal.ts'
import { isJournal } from './journal-stream.ts'
import type { Log } from './log.ts'
import { journalLine, terminalLine, type WrittenLine } from './terminal-line.ts'

export type LogSettings = { level: 'debug' | 'info' | 'warn' | 'error'; format: 'auto' | 'json' }

/** Fields that could carry a secret, whoever logs them: at the top, or one below. */
const SECRET = new Set(['token', 'authorization', 'password', 'answer', 'secret'])
const HIDDEN = '[Redacted]'

/** The same fields with secrets hidden. pino's own redaction takes its paths apart for every line, a third of what a line costs. */
export function withoutSecrets(fields: Record<string, unknown>, depth = 0): Record<string, unknown> {
  let shown = fields
  for (const key in fields) {
    const value = fields[key]
    const instead = SECRET.has(key) ? HIDDEN : depth === 0 && isPlainObject(value) ? withoutSecrets(value, 1) : value
    if (instead !== value) shown = { ...shown, [key]: instead }
  }
  return shown
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Error)
}

/** The time as pino writes it, worked out once a millisecond: under load a dozen lines have the same. */
function timeField(clock: Pick<Clock, 'now'>): () => string {
  let at: Instant | undefined
  let field = ''
  return () => {
    const now = clock.now()
    if (now === at) return field
    at = now
    field = `,"time":"${new Date(now).toISOString()}"`
    return field
  }
}

const STANDARD_OUTPUT = 1

/** What is written for a line of pino's, without the line feed. */
function writer(format: LogSettings['format']): ((line: string) => string) | undefined {
  if (isJournal(STANDARD_OUTPUT)) {
    return line => {
      const written = JSON.parse(line) as WrittenLine
      return withPriority(priorityOf(written.level), format === 'json' ? line.trimEnd() : journalLine(written))
    }
  }
  if (format === 'json' || !isatty(STANDARD_OUTPUT)) return undefined
  return line => terminalLine(JSON.parse(line) as WrittenLine)
}

/** A log whose level can be another one later. */
export type LevelLog = Log & { setLevel(level: LogSettings['level']): void }

export function createLog(settings: LogSettings): LevelLog {
  const log = openLog(settings)
  return Object.assign(log, {
    setLevel(level: LogSettings['level']) {
      log.level = level
    },
  })
}

function openLog(settings: LogSettings): Logger {
  const formatters = { log: (fields: Record<string, unknown>) => withoutSecrets(fields) }
  const options = { level: settings.level, base: null, formatters, timestamp: timeField(systemClock) }
  // Not `process.stdout.isTTY`: asking it makes a pipe non-blocking, and then a write may be cut short.
  const output = new BackgroundOutput(STANDARD_OUTPUT)
  const write = writer(settings.format)
  if (!write) return pino(options, output)
  return pino(options, { write: (line: string) => output.write(`${write(line)}\n`) })
}
