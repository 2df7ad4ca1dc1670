/** Which leases a list shows, in the order of their addresses, and where a page ends. A hundred thousand are looked at in many turns of the event loop. */
import { type Ipv4, ipv4ToNumber } from '../kit/ipv4.ts'
import { nextTurn } from '../kit/next-turn.ts'

/** To look at so many takes about half a millisecond. */
const LOOKED_AT_TOGETHER = 2000

type Addressed = { address: Ipv4 }

export type LeasePageOptions<Lease> = {
  limit: number
  /** Whether it is there or not: all that have a higher address come after it. */
  after?: Ipv4 | undefined
  /** Asked of those only that may be on the page. */
  fits: (lease: Lease) => boolean
}

/** The lowest of those that fit, so many at most; no more than twice as many are ever sorted. */
export async function pageOfLeases<Lease extends Addressed>(
  leases: readonly Lease[],
  { limit, after, fits }: LeasePageOptions<Lease>,
): Promise<{ leases: Lease[]; hasMore: boolean }> {
  const behind = after === undefined ? -1 : ipv4ToNumber(after)
  const most = limit + 1
  const found: { number: number; lease: Lease }[] = []
  let bound = Number.POSITIVE_INFINITY
  const leaveOut = (): void => {
    found.sort((a, b) => a.number - b.number)
    if (found.length <= most) return
    found.length = most
    bound = found[most - 1]!.number
  }
  for (const [at, lease] of leases.entries()) {
    if (at % LOOKED_AT_TOGETHER === LOOKED_AT_TOGETHER - 1) await nextTurn()
    const number = ipv4ToNumber(lease.address)
    if (number <= behind || number > bound || !fits(lease)) continue
    found.push({ number, lease })
    if (found.length >= 2 * most) leaveOut()
  }
  leaveOut()
  return { leases: found.slice(0, limit).map(({ lease }) => lease), hasMore: found.length > limit }
}
