/** Numbers as people read them: octets, rates, durations. Pure, and the same everywhere on the page. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `1.4 GiB`; three significant digits at most. */
export function bytes(count: number): string {
  let value = count
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  // 1023.7 MiB would be shown as 1024 MiB.
  if (Math.round(value) >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`
}

export function rate(bytesPerSecond: number): string {
  return `${bytes(bytesPerSecond)}/s`
}

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Two units at most: `42 s`, `3 min 5 s`, `2 h 10 min`, `5 d 3 h`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  if (whole < MINUTE) return `${whole} s`
  const [large, small, units] =
    whole < HOUR ? [MINUTE, 1, ['min', 's']] : whole < DAY ? [HOUR, MINUTE, ['h', 'min']] : [DAY, HOUR, ['d', 'h']]
  const rest = Math.floor((whole % large) / small)
  return `${Math.floor(whole / large)} ${units[0]}${rest > 0 ? ` ${rest} ${units[1]}` : ''}`
}

/** One unit, as a column has room for: `42 s`, `3 min`, `2 h`, `5 d`. */
export function age(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  if (whole < MINUTE) return `${whole} s`
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`
  if (whole < DAY) return `${Math.floor(whole / HOUR)} h`
  return `${Math.floor(whole / DAY)} d`
}

/** Whole percent that reaches 100 only when everything was sent. */
export function percent(sent: number, total: number): number {
  if (total <= 0) return 0
  return sent >= total ? 100 : Math.min(99, Math.floor((sent / total) * 100))
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
