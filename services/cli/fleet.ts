/** The fleet for a command: that of the running appliance if there is one, else the state on disk. */
import { join } from 'node:path'
import { CONTROL_SOCKET } from '../console/api.ts'
import { type Fleet, localFleet } from '../console/fleet.ts'
import { isListening, remoteFleet } from '../console/remote-fleet.ts'
import { systemClock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import { Registry } from '../machine/registry.ts'
import type { Site } from '../site/types.ts'
import { loadKey } from '../store/key.ts'
import { openStore } from '../store/store.ts'

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} }

export async function openFleet(site: Site): Promise<Fleet> {
  const socket = join(site.paths.state, CONTROL_SOCKET)
  if (await isListening(socket)) return remoteFleet(socket)
  const store = await openStore(site.paths.state)
  const key = await loadKey(site.paths.state)
  const registry = await Registry.open({ site, store: store.events, key, clock: systemClock, log: silent })
  return localFleet(registry, () => store.close())
}
