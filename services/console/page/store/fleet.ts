/** The fleet as the stream of events tells it: pure folds over messages, which `live.ts` puts into signals. */
import type { MachineView } from '../../schema/machine.ts'
import type { Message, Progressed } from '../wire/messages.ts'

/** What a batch of messages comes to. A thousand machines that boot tell their progress two thousand times a second; only the last of each counts. */
export type News = {
  machines: Map<string, MachineView>
  progress: Map<string, Progressed>
}

export function collectNews(messages: readonly Message[]): News {
  const news: News = { machines: new Map(), progress: new Map() }
  for (const message of messages) {
    if (message.kind === 'machine') {
      news.machines.set(message.machine.id, message.machine)
      // The view knows what was told before it.
      news.progress.delete(message.machine.id)
    } else if (message.kind === 'progress') news.progress.set(message.progressed.id, message.progressed)
  }
  return news
}

export function withProgress(view: MachineView, { progress, heardAt }: Progressed): MachineView {
  if (progress) return { ...view, progress, heardAt }
  const { progress: _over, ...rest } = view
  return { ...rest, heardAt }
}

const MOVING: ReadonlySet<string> = new Set(['progress', 'heardAt'])

/** Views that `withProgress` made of one another. */
export function isSameButProgress(one: MachineView, other: MachineView): boolean {
  const keys = new Set([...Object.keys(one), ...Object.keys(other)]) as Set<keyof MachineView>
  for (const key of keys) if (!MOVING.has(key) && one[key] !== other[key]) return false
  return true
}

/** Worth interrupting somebody who listens: the end of an installation, good or bad, and a machine that is new. Undefined for all else. */
export function announcement(before: MachineView | undefined, after: MachineView): string | undefined {
  if (!before) return `${after.name} is new: ${after.state}`
  if (before.state === after.state) return undefined
  switch (after.state) {
    case 'installed':
      return `${after.name} is installed`
    case 'failed':
    case 'stalled':
      return `${after.name} ${after.state === 'failed' ? 'failed' : 'stands still'}${after.reason ? `: ${after.reason}` : ''}`
    default:
      return undefined
  }
}
