/** How bad it is: a sign and a word, and only then a colour. */
import type { ComponentChildren } from 'preact'
import type { Severity } from '../words/severity.ts'
import { Icon, type IconName } from './icon.tsx'

const MARKS: Record<Severity, { icon: IconName; tone: string }> = {
  ok: { icon: 'installed', tone: 'is-good' },
  info: { icon: 'info', tone: 'is-info' },
  warning: { icon: 'attention', tone: 'is-warn' },
  error: { icon: 'failed', tone: 'is-bad' },
  alarm: { icon: 'failed', tone: 'is-bad' },
}

export const toneOf = (severity: Severity): string => MARKS[severity].tone

/** @param children in place of the plain word */
export function SeverityMark({ severity, children }: { severity: Severity; children?: ComponentChildren }) {
  return (
    <span class={`state ${toneOf(severity)}`}>
      <Icon name={MARKS[severity].icon} />
      <span>{children ?? severity}</span>
    </span>
  )
}
