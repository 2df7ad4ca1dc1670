/** What the cross-checks look at: the file as far as it could be read. */
import type { Ipv4, Prefix } from '../kit/ipv4.ts'
import type { Draft } from './schema.ts'

export type CheckView = {
  draft: Draft
  /** The appliance's own address and the network around it; absent if it is not known. */
  own?: { address: Ipv4; prefix: Prefix }
  /** Whether a value was taken out of the draft since it was wrong: nothing follows from its absence then. */
  isLost: (dotted: string) => boolean
}
