/** Explanations for a command: by the running appliance if there is one, else from the state on disk. */
import { loadLayers } from '../answer/load.ts'
import { urlsOf } from '../boot/urls.ts'
import { type Explainer, localExplainer } from '../console/explain.ts'
import { remoteExplainer } from '../console/remote-explainer.ts'
import { fingerprintOnDisk } from '../http/certificate.ts'
import { systemClock } from '../kit/clock.ts'
import type { Site } from '../site/types.ts'
import { type OfflineState, openOffline, runningSocket } from './state.ts'
import { openLibrary } from '../health/edge/library.ts'

export async function openExplainer(site: Site): Promise<Explainer> {
  const socket = await runningSocket(site)
  if (socket) return remoteExplainer(socket)
  const state = await openOffline(site)
  return offlineExplainer(site, state, () => state.store.close())
}

/** Over state that is open already. */
export async function offlineExplainer(
  site: Site,
  { store, registry }: Pick<OfflineState, 'store' | 'registry'>,
  close: () => Promise<void>,
): Promise<Explainer> {
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
      documents: store.documents,
      clock: systemClock,
    },
    close,
  )
}
