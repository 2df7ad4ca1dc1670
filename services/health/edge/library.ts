/** The library as it lies on the disk, with what was noted about its files. */
import { urlsOf } from '../../boot/urls.ts'
import { fingerprintOnDisk } from '../../http/certificate.ts'
import type { Ours } from '../../iso/baked.ts'
import { type IsoCatalogue, openCatalogue } from '../../iso/catalogue.ts'
import { notesIn } from '../../iso/notes.ts'
import { silentLog } from '../../kit/log.ts'
import type { Site } from '../../site/types.ts'

/** How a prepared image would know this appliance. */
export async function oursOf(site: Site): Promise<Ours> {
  const fingerprint = await fingerprintOnDisk(site)
  return { answerUrl: urlsOf(site).answer(), ...(fingerprint ? { fingerprint } : {}) }
}

export async function openLibrary(site: Site): Promise<IsoCatalogue> {
  return openCatalogue(site.paths.isos, silentLog, { notes: notesIn(site.paths.state), ours: await oursOf(site) })
}
