/** The library for a command: as the running appliance sees it if there is one, else the folder itself. */
import { urlsOf } from '../boot/urls.ts'
import { type Isos, localIsos } from '../console/isos.ts'
import { remoteIsos } from '../console/remote-isos.ts'
import { fingerprintOnDisk } from '../http/certificate.ts'
import type { Ours } from '../iso/baked.ts'
import { openCatalogue } from '../iso/catalogue.ts'
import { silentLog } from '../kit/log.ts'
import type { Site } from '../site/types.ts'
import { runningSocket } from './fleet.ts'

/** How a prepared image would know this appliance. */
export async function oursOf(site: Site): Promise<Ours> {
  const fingerprint = await fingerprintOnDisk(site)
  return { answerUrl: urlsOf(site).answer(), ...(fingerprint ? { fingerprint } : {}) }
}

export async function openIsos(site: Site): Promise<Isos> {
  const socket = await runningSocket(site)
  if (socket) return remoteIsos(socket)
  return localIsos(await openCatalogue(site.paths.isos, silentLog), site, await oursOf(site))
}
