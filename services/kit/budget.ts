/** How much one client may have: an account that fills again with time, for each of them, in a bounded table (J31). */
import type { Instant } from './clock.ts'
import type { Ipv4 } from './ipv4.ts'

export type BudgetLimits = {
  /** What comes in a second in the long run, and how much may be spent at once before that counts. */
  perSecond: number
  burst: number
  /** Clients remembered; the one that was quiet longest is forgotten first. */
  clients: number
}

/** A client is moved to the end of the table this often at most, which is cheaper than every time. */
const MOVED_EVERY_MS = 1000

/** `standing` is room for what was found out about the client, forgotten together with its account. */
export type Account<Standing = unknown> = { left: number; at: Instant; movedAt: Instant; standing?: Standing }
export type Budget<Standing = unknown, Client extends string = Ipv4> = {
  limits: BudgetLimits
  accounts: Map<Client, Account<Standing>>
}

export function newBudget<Standing = unknown, Client extends string = Ipv4>(
  limits: BudgetLimits,
): Budget<Standing, Client> {
  return { limits, accounts: new Map() }
}

/** Takes one out of the client's account and returns that; undefined when nothing is left. */
export function spend<Standing, Client extends string>(
  budget: Budget<Standing, Client>,
  client: Client,
  now: Instant,
): Account<Standing> | undefined {
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
function moveToEnd<Standing, Client extends string>(
  budget: Budget<Standing, Client>,
  client: Client,
  account: Account<Standing>,
  now: Instant,
): void {
  const { accounts, limits } = budget
  account.movedAt = now
  accounts.delete(client)
  accounts.set(client, account)
  if (accounts.size > limits.clients) accounts.delete(accounts.keys().next().value!)
}
