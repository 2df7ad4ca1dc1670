/** Every target; a room that has a parser of foreign octets adds its own. */
import type { Target } from '../target.ts'
import { answerTarget } from './answer.ts'
import { apiTarget } from './api.ts'
import { dhcpBootTarget } from './dhcp-boot.ts'
import { dhcpOptionsTarget } from './dhcp-options.ts'
import { dhcpTarget } from './dhcp.ts'
import { dnsTarget } from './dns.ts'
import { dnsUpstreamTarget } from './dns-upstream.ts'
import { isoTarget } from './iso.ts'
import { tftpTransferTarget } from './tftp-transfer.ts'
import { tftpTarget } from './tftp.ts'

export const TARGETS: readonly Target[] = [
  apiTarget,
  answerTarget,
  dhcpTarget,
  dhcpBootTarget,
  dhcpOptionsTarget,
  dnsTarget,
  dnsUpstreamTarget,
  isoTarget,
  tftpTarget,
  tftpTransferTarget,
]
export const CORPUS = new URL('../corpus/', import.meta.url).pathname
