/** Where a command finds the state: at the running appliance if there is one, else on disk. */
import { access, constants } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { CONTROL_SOCKET, type ControlSocket, isListening } from '../console/remote-fleet.ts'
import { systemClock } from '../kit/clock.ts'
import { silentLog } from '../kit/log.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import { Registry } from '../machine/registry.ts'
import type { Site } from '../site/types.ts'
import { complain } from './command.ts'
import { socketServing } from './serving-socket.ts'
import { loadKey } from '../store/key.ts'
import { openStore, type Store } from '../store/store.ts'

/** In a container it may be a number that has no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `user ${process.getuid?.()}`
  }
}

/** Who runs the command: whom sudo knows, else whom the system knows. */
export function operatorName(): string {
  const { SUDO_USER } = process.env
  return SUDO_USER ? `${SUDO_USER} (sudo)` : userName()
}

/** State on disk with nobody over it, for commands without a running appliance. */
export type OfflineState = { store: Store; key: Uint8Array; registry: Registry }

/** The control socket of the appliance that runs on this site's state, or else serves its file; undefined if none does. */
export async function runningSocket(site: Site): Promise<ControlSocket | undefined> {
  const path = join(site.paths.state, CONTROL_SOCKET)
  const user = operatorName()
  return (await isListening(path)) ? { path, user } : socketServing(site.file, user)
}

/** Who may not look would else be told that no appliance runs, or that the state is gone. Throws EnvironmentProblem `no-right`. */
export async function refuseStranger(folder: string): Promise<void> {
  const refusal = await access(join(folder, CONTROL_SOCKET), constants.R_OK | constants.W_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code,
  )
  if (refusal !== 'EACCES') return
  throw new EnvironmentProblem(
    'no-right',
    `${userName()} may not look into the state in ${folder}`,
    'repeat the command with sudo, or as the user that the appliance runs as',
  )
}

/** The same, for what only a running appliance knows. Throws EnvironmentProblem `not-running`; `why` says what is lacking without one. */
export async function requireRunning(site: Site, why: string): Promise<ControlSocket> {
  const socket = await runningSocket(site)
  if (socket) return socket
  await refuseStranger(site.paths.state)
  throw new EnvironmentProblem(
    'not-running',
    `no appliance runs on the state in ${site.paths.state}, and ${why}`,
    'start it with `rackrise serve`, or name its site file with --config',
  )
}

/** Opens the state; who opened it closes the store. */
export async function openOffline(site: Site): Promise<OfflineState> {
  await refuseStranger(site.paths.state)
  const store = await openStore(site.paths.state, undefined, { info: (_, text) => complain(`rackrise: ${text}`) })
  const key = await loadKey(site.paths.state)
  return {
    store,
    key,
    registry: await Registry.open({ site, store: store.events, key, clock: systemClock, log: silentLog }),
  }
}
