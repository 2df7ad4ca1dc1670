/** The library for a command: as the running appliance sees it if there is one, else the folder itself. */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type Isos, localIsos } from '../console/isos.ts'
import { remoteIsos } from '../console/remote-isos.ts'
import { openLibrary } from '../health/edge/library.ts'
import type { Site } from '../site/types.ts'
import { runningSocket } from './state.ts'

export async function openIsos(site: Site): Promise<Isos> {
  const socket = await runningSocket(site)
  if (socket) return remoteIsos(socket)
  return localIsos(await openLibrary(site), site)
}

/** The path as it was said; a bare name that is not here means the library's. */
export async function isoPath(said: string, site: Site | undefined): Promise<string> {
  const here = await stat(said).then(
    () => true,
    () => false,
  )
  return here || said.includes('/') || !site ? resolve(said) : join(site.paths.isos, said)
}
