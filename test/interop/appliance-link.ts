/**
 * A second host on the rack's link. The rack's NIC becomes a bridge of the same name with two ports, so clients there go on as before:
 *
 *     rack (bridge eth0) ─┬─ eth1 10.77.0.1/24 [appliance]
 *                         └─ eth9 [office]
 */
import type { Rig } from './appliance-rig.ts'

export const CLIENT_MAC = '52:54:00:77:00:20'
export const HOST_MAC = '52:54:00:77:00:99'
export const HOST_DEVICE = 'eth9'

/** The host in `office` gets that address on the link; the rack's own NIC has none. */
export function joinHost(rig: Rig, address: string): void {
  const [rack, office] = [rig.space('rack'), rig.space('office')]
  const inRack = (...words: string[]): void => rig.ip('-n', rack, ...words)
  inRack('link', 'set', 'eth0', 'down')
  inRack('addr', 'flush', 'dev', 'eth0')
  inRack('link', 'set', 'eth0', 'name', 'port0')
  inRack('link', 'add', 'eth0', 'type', 'bridge', 'forward_delay', '0')
  inRack('link', 'set', 'eth0', 'address', CLIENT_MAC)
  inRack('link', 'add', 'port1', 'type', 'veth', 'peer', 'name', HOST_DEVICE, 'netns', office)
  for (const port of ['port0', 'port1']) inRack('link', 'set', port, 'master', 'eth0', 'up')
  inRack('link', 'set', 'eth0', 'up')
  rig.ip('-n', office, 'link', 'set', HOST_DEVICE, 'address', HOST_MAC)
  rig.ip('-n', office, 'addr', 'add', address, 'dev', HOST_DEVICE)
  rig.ip('-n', office, 'link', 'set', HOST_DEVICE, 'up')
}
