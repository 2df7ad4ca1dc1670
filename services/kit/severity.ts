/** How much a reason matters, in every room's table of them, and how loud the log says it. */
export type Severity = 'info' | 'warning' | 'alarm'

export const LEVEL_OF: Readonly<Record<Severity, 'info' | 'warn' | 'error'>> = {
  info: 'info',
  warning: 'warn',
  alarm: 'error',
}
