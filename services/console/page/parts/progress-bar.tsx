/** How far something is, from 0 to 100. */

export function ProgressBar({ percent, label }: { percent: number; label: string }) {
  return (
    <span
      class="progress"
      role="progressbar"
      aria-label={label}
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
    >
      <span style={{ transform: `scaleX(${percent / 100})` }} />
    </span>
  )
}
