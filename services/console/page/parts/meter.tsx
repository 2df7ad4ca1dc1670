/** How full something is. */

export function Meter({ part, label }: { part: number; label: string }) {
  const percent = Math.round(part * 100)
  return (
    <span
      class={percent >= 90 ? 'meter is-warn' : 'meter'}
      role="meter"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <span style={{ transform: `scaleX(${part})` }} />
    </span>
  )
}
