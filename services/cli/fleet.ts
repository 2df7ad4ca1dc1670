/** The fleet for a command: that of the running appliance if there is one, else the state on disk. */
import { type Documents, localDocuments } from '../console/documents.ts'
import type { Explainer } from '../console/explain.ts'
import { type Fleet, localFleet } from '../console/fleet.ts'
import { type Rehearse, rehearseBy } from '../console/rehearsal.ts'
import { remoteDocuments } from '../console/remote-documents.ts'
import { remoteFleet } from '../console/remote-fleet.ts'
import type { Site } from '../site/types.ts'
import { offlineExplainer } from './explainer.ts'
import { openOffline, runningSocket } from './state.ts'

export async function openFleet(site: Site): Promise<Fleet> {
  const socket = await runningSocket(site)
  if (socket) return remoteFleet(socket)
  const { store, registry } = await openOffline(site)
  let explainer: Promise<Explainer> | undefined
  const rehearse: Rehearse = async (machine, profile) =>
    rehearseBy(await (explainer ??= offlineExplainer(site, { store, registry }, async () => {})))(machine, profile)
  return localFleet(registry, rehearse, () => store.close())
}

export async function openDocuments(site: Site): Promise<Documents> {
  const socket = await runningSocket(site)
  if (socket) return remoteDocuments(socket)
  const { store, registry } = await openOffline(site)
  return localDocuments(registry, store.documents, () => store.close())
}
