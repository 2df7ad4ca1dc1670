/** How many replies one client may have: a bucket per address in a bounded table (J31). */
import type { Instant } from '../kit/clock.ts'
import type { Ipv4 } from '../kit/ipv4.ts'

export type BudgetLimits = {
  /** Replies a second in the long run, and how many may come at once before that counts. */
  perSecond: number
  burst: number
  /** Clients remembered; the one that was quiet longest is forgotten first. */
  clients: number
}

/** Far above what a rack asks, far below what makes a borrowed address worth borrowing. */
export const DEFAULT_BUDGET: BudgetLimits = { perSecond: 2000, burst: 4000, clients: 4096 }

type Bucket = { left: number; at: Instant }
export type Budget = { limits: BudgetLimits; buckets: Map<Ipv4, Bucket> }

export function newBudget(limits: BudgetLimits = DEFAULT_BUDGET): Budget {
  return { limits, buckets: new Map() }
}

/** Takes one reply out of the client's bucket; false when it is empty. */
export function spend(budget: Budget, client: Ipv4, now: Instant): boolean {
  const { perSecond, burst, clients } = budget.limits
  const bucket = budget.buckets.get(client)
  const refilled = bucket ? bucket.left + (Math.max(0, now - bucket.at) * perSecond) / 1000 : burst
  const left = Math.min(burst, refilled) - 1
  // Setting it anew moves it to the end, so the first key is always the quietest client.
  budget.buckets.delete(client)
  budget.buckets.set(client, { left: Math.max(left, 0), at: now })
  if (budget.buckets.size > clients) budget.buckets.delete(budget.buckets.keys().next().value!)
  return left >= 0
}
