/** The library for a command: as the running appliance sees it if there is one, else the folder itself. */
import { stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { urlsOf } from '../boot/urls.ts'
import { type Isos, localIsos } from '../console/isos.ts'
import { remoteIsos } from '../console/remote-isos.ts'
import { fingerprintOnDisk } from '../http/certificate.ts'
import type { Ours } from '../iso/baked.ts'
import { type IsoCatalogue, openCatalogue } from '../iso/catalogue.ts'
import { notesIn } from '../iso/notes.ts'
import { silentLog } from '../kit/log.ts'
import type { Site } from '../site/types.ts'
import { runningSocket } from './state.ts'

/** How a prepared image would know this appliance. */
export async function oursOf(site: Site): Promise<Ours> {
  const fingerprint = await fingerprintOnDisk(site)
  return { answerUrl: urlsOf(site).answer(), ...(fingerprint ? { fingerprint } : {}) }
}

/** The folder itself, with what was noted about its files. */
export async function openLibrary(site: Site): Promise<IsoCatalogue> {
  return openCatalogue(site.paths.isos, silentLog, { notes: notesIn(site.paths.state), ours: await oursOf(site) })
}

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
