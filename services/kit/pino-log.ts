/** The real log: pino to standard output, pretty on a terminal, one JSON object a line elsewhere. */
import { pino } from 'pino'
import { build as prettyStream } from 'pino-pretty'
import type { Log } from './log.ts'

export type LogSettings = { level: 'debug' | 'info' | 'warn' | 'error'; format: 'auto' | 'json' }

/** Fields that could carry a secret, whoever logs them. */
const REDACTED = [
  'token',
  'authorization',
  'password',
  'answer',
  'secret',
  '*.token',
  '*.authorization',
  '*.password',
  '*.answer',
]

export function createLog(settings: LogSettings): Log {
  const options = { level: settings.level, base: null, redact: REDACTED, timestamp: pino.stdTimeFunctions.isoTime }
  if (settings.format === 'json' || !process.stdout.isTTY) return pino(options)
  return pino(options, prettyStream({ sync: true, translateTime: 'SYS:HH:MM:ss.l', ignore: 'pid,hostname' }))
}
