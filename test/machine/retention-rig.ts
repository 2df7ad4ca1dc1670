/** What a season leaves of the timelines of a fleet, on the clock of a test. */
import { Checkpoints } from '../../services/machine/checkpoint.ts'
import { Pace } from '../../services/machine/pace.ts'
import { Retention } from '../../services/machine/retention.ts'
import { type Fleet, patient } from './rig.ts'

export const DAY_MS = 86_400_000
export const KEEP_MS = 90 * DAY_MS

/** Checkpoints and retention over a fleet of a test. */
export function retentionOf(fleet: Fleet) {
  const { registry, store, log } = fleet
  const clock = patient(fleet)
  const pace = new Pace({ clock, waiting: () => 0 })
  const checkpoints = new Checkpoints({ registry, events: store, clock, pace }, store.kept.checkpoint?.seq ?? 0)
  const documents = { page: async () => [], remove: async () => {} }
  const keepMs = KEEP_MS
  return {
    checkpoints,
    retention: new Retention({
      registry,
      checkpoints,
      events: store,
      documents,
      keepMs: () => keepMs,
      pace,
      chores: [],
      clock,
      log,
    }),
  }
}
