/** Where an installed system can be reached. It said so itself, so only what is plainly an address or a name becomes a link. */
import type { MachineView } from '../../schema/machine.ts'

/** Of the web interface of each product. */
const PORTS: readonly [RegExp, number][] = [
  [/backup|pbs/i, 8007],
  [/datacenter|pdm/i, 8443],
  [/./, 8006],
]

/** A name of DNS (RFC 1123), which an IPv4 address is, too. */
const HOST = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i

/** Undefined for a machine that is not installed, and for what nobody should follow. */
export function systemLink({
  installed,
  staticAddress,
  address,
}: Pick<MachineView, 'installed' | 'staticAddress' | 'address'>): { url: string; ssh: string } | undefined {
  if (!installed) return undefined
  const host = [staticAddress?.address, installed.address, address].find(
    known => known !== undefined && HOST.test(known),
  )
  if (host === undefined) return undefined
  const [, port] = PORTS.find(([product]) => product.test(installed.product ?? 'pve'))!
  return { url: `https://${host}:${port}/`, ssh: `ssh root@${host}` }
}
