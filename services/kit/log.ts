/** The log every room writes to: structured, one line a fact, secrets removed where it is made. */

export type LogFields = Record<string, unknown>

/** The part of pino that rooms use, so that a test can listen. */
export interface Log {
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  /** Whether such lines are written at all, for who would have to work for them; they are where this is absent. */
  isLevelEnabled?(level: 'debug'): boolean
}

/** For programs whose own output says all there is to say. */
export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }
