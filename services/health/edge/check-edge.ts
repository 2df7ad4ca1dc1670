/** What `check` looks at on this machine: files, interfaces, the kernel's settings, the state on disk. Nothing is written. */
import { readFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { setImmediate } from 'node:timers/promises'
import { loadLayers } from '../../answer/load.ts'
import { listLoaders } from '../../boot/load.ts'
import { loadUsers } from '../../console/users-file.ts'
import { isUsers } from '../../console/users.ts'
import { certificateProblems } from '../../http/certificate.ts'
import { systemClock } from '../../kit/clock.ts'
import { foldMachines } from '../../machine/fold.ts'
import { loadSite } from '../../site/load.ts'
import { readFleet, readLeases } from '../../store/read-state.ts'
import type { CheckEdge } from '../check.ts'
import { readState } from './host.ts'
import { openLibrary } from './library.ts'

const PING_GROUPS = '/proc/sys/net/ipv4/ping_group_range'

/** For a command, with nothing running. */
export const diskEdge: CheckEdge = {
  site: loadSite,
  addresses: device => networkInterfaces()[device]?.map(({ address }) => address),
  allAddresses: () => Object.values(networkInterfaces()).flatMap(found => (found ?? []).map(({ address }) => address)),
  async users(file) {
    const users = await loadUsers(file)
    return isUsers(users) ? [] : users
  },
  loaders: listLoaders,
  layers: folder => loadLayers(folder),
  library: openLibrary,
  pingGroups: () => readFile(PING_GROUPS, 'utf8').catch(() => ''),
  certificate: certificateProblems,
  machines: site => readFleet(site.paths.state, foldMachines),
  leases: site => readLeases(site.paths.state),
  state: readState,
  now: () => systemClock.now(),
  breathe: () => setImmediate(),
}
