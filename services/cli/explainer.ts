/** Explanations for a command: by the running appliance if there is one, else from the state on disk. */
import { loadLayers } from '../answer/load.ts'
import { urlsOf } from '../boot/urls.ts'
import { type Explainer, localExplainer } from '../console/explain.ts'
import { remoteExplainer } from '../console/remote-explainer.ts'
import { fingerprintOnDisk } from '../http/certificate.ts'
import { systemClock } from '../kit/clock.ts'
import type { Site } from '../site/types.ts'
import { openOffline, runningSocket } from './fleet.ts'
import { openLibrary } from './library.ts'

export async function openExplainer(site: Site): Promise<Explainer> {
  const socket = await runningSocket(site)
  if (socket) return remoteExplainer(socket)
  const { store, registry } = await openOffline(site)
  const fingerprint = await fingerprintOnDisk(site)
  return localExplainer(
    {
      registry,
      site,
      catalogue: await openLibrary(site),
      layers: () => loadLayers(site.paths.answers),
      urls: urlsOf(site),
      fingerprint: () => fingerprint,
      passwords: store.passwords,
      clock: systemClock,
    },
    () => store.close(),
  )
}
