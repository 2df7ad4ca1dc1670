/** How many replies one client may have: an account per address in a bounded table (J31). */
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

/** A client is moved to the end of the table this often at most, which is cheaper than with every reply. */
const MOVED_EVERY_MS = 1000

/** `standing` is room for what was found out about the client, forgotten together with its account. */
export type Account<Standing = unknown> = { left: number; at: Instant; movedAt: Instant; standing?: Standing }
export type Budget<Standing = unknown> = { limits: BudgetLimits; accounts: Map<Ipv4, Account<Standing>> }

export function newBudget<Standing = unknown>(limits: BudgetLimits = DEFAULT_BUDGET): Budget<Standing> {
  return { limits, accounts: new Map() }
}

/** Takes one reply out of the client's account and returns it; undefined when nothing is left. */
export function spend<Standing>(budget: Budget<Standing>, client: Ipv4, now: Instant): Account<Standing> | undefined {
  const { perSecond, burst } = budget.limits
  const account = budget.accounts.get(client) ?? { left: burst, at: now, movedAt: Number.NEGATIVE_INFINITY }
  account.left = Math.min(burst, account.left + (Math.max(0, now - account.at) * perSecond) / 1000)
  account.at = now
  if (Math.abs(now - account.movedAt) >= MOVED_EVERY_MS) moveToEnd(budget, client, account, now)
  if (account.left < 1) return undefined
  account.left -= 1
  return account
}

/** The first of the table is the client that was quiet longest, give or take a second. */
function moveToEnd<Standing>(budget: Budget<Standing>, client: Ipv4, account: Account<Standing>, now: Instant): void {
  const { accounts, limits } = budget
  account.movedAt = now
  accounts.delete(client)
  accounts.set(client, account)
  if (accounts.size > limits.clients) accounts.delete(accounts.keys().next().value!)
}
