/** What DHCP asks of the rest of the appliance, and what it tells it. */
import type { BootClient } from '../boot/client.ts'
import type { DhcpPlan } from '../boot/plan.ts'
import type { Ipv4 } from '../kit/ipv4.ts'
import type { Mac } from '../kit/mac.ts'
import type { ExtraOption } from '../site/types.ts'

/** Who sent a message, as far as DHCP can tell. */
export type DhcpClient = {
  mac: Mac
  /** Option 97 in the usual text form (first three fields swapped to big-endian), lower case; absent if not sent. */
  uuid?: string
  /** Option 61 as hexadecimal text: opaque (RFC 4361 §6.3). */
  clientId?: string
  /** What the relay agent said of where it is: its circuit (82.1) as hexadecimal text, whole, and the agent's own address (giaddr). */
  circuit?: { id: string; relay: Ipv4 }
  boot: BootClient
  /** `doctor` asks as a stranger would, and is not to become one. */
  inspects?: true
}

/** What the appliance says about this client: its reservation, its name, its options, what it should boot. */
export type ClientView = {
  reservation?: Ipv4
  /** What the reservation was found by, in words: `client-id 01bc2411ab1221`. */
  reservedBy?: string
  hostName?: string
  /** Its MAC is of the site file, or somebody approved it once: it goes before strangers. */
  isListed?: true
  /** Beside those of the subnet. */
  options?: readonly ExtraOption[]
  plan: DhcpPlan
}

/** Whose a reserved address is: NICs, and what else it is found by, in the words of `reservedBy`. */
export type Owner = { macs: readonly Mac[]; keys: readonly string[] }

/** A fact for the machine's timeline. */
export type DhcpFact =
  | { fact: 'offered'; client: DhcpClient; address: Ipv4; plan: DhcpPlan }
  | { fact: 'acknowledged'; client: DhcpClient; address: Ipv4; plan: DhcpPlan }
  /** It has this address from elsewhere and was told the rest: no lease. */
  | { fact: 'informed'; client: DhcpClient; address: Ipv4 }
  /** It was told what to boot and nothing of an address: by a proxy, or at port 4011. */
  | { fact: 'boot-told'; client: DhcpClient; plan: DhcpPlan }
  | { fact: 'refused'; client: DhcpClient; reason: string }
  | { fact: 'silent'; client: DhcpClient; reason: string }

export interface DhcpFleet {
  view(client: DhcpClient): ClientView
  /** Every reserved address and whose it is, so that nobody else is given it. Asked for each address that is looked at. */
  reservedFor(address: Ipv4): Owner | undefined
  /** All of those addresses, for counting what a pool has left. */
  reserved(): Iterable<Ipv4>
  tell(fact: DhcpFact): void
}
