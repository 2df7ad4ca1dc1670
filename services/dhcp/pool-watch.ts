/** Pools that run full, told once before it is too late: how full is a pure question, the alarm is the same until there is room again. */
import type { Alarms } from '../kit/alarms.ts'
import { prefixToString } from '../kit/ipv4.ts'
import type { Log } from '../kit/log.ts'
import type { SubnetCounts } from './lease-table.ts'
import { writeReason } from './log-line.ts'
import { REASONS } from './reasons.ts'

/** Parts of a pool that are taken. Two of them, so that one machine that comes and goes is not an alarm each time. */
const NEARLY_FULL = 0.9
const ROOM_AGAIN = 0.8

/** Whether there is to be an alarm now; `alarmed` says whether there is one already. */
export function isNearlyFull(
  { poolSize, poolTaken }: Pick<SubnetCounts, 'poolSize' | 'poolTaken'>,
  alarmed: boolean,
): boolean {
  return poolSize > 0 && poolTaken / poolSize >= (alarmed ? ROOM_AGAIN : NEARLY_FULL)
}

const CODE = 'pool-nearly-full'

export function watchPools(counts: readonly SubnetCounts[], alarms: Alarms, log: Log): void {
  const names = new Set(counts.map(({ subnet }) => prefixToString(subnet.prefix)))
  for (const { code, subject } of alarms.list()) if (code === CODE && !names.has(subject)) alarms.end(code, subject)
  for (const { subnet, poolSize, poolTaken } of counts) {
    const name = prefixToString(subnet.prefix)
    if (!isNearlyFull({ poolSize, poolTaken }, alarms.lasts(CODE, name))) {
      alarms.end(CODE, name)
      continue
    }
    const message = `${poolTaken} of the ${poolSize} addresses in the pools of ${name} are taken`
    const details = { subnet: name, taken: String(poolTaken), size: String(poolSize) }
    const { action: hint, severity } = REASONS[CODE]
    const isNews = alarms.raise(
      { code: CODE, subject: name, severity, message, hint, details },
      Number.POSITIVE_INFINITY,
    )
    if (isNews) writeReason(log, CODE, details, message)
  }
}
