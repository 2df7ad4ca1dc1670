/** What the service manager hears of a running appliance: that the event loop turns, and how the rack stands. */
import type { Clock } from '../kit/clock.ts'
import type { ServiceManager } from '../kit/notify.ts'
import { repeat } from '../kit/repeat.ts'
import type { Site } from '../site/types.ts'
import type { Appliance } from '../main.ts'
import { servingStatus } from './serving-status.ts'

/** A person who looks again sees something new; thousands of machines are counted in less than a millisecond. */
const STATUS_MS = 5_000

export function statusOf(
  { name, network }: Site,
  { registry, alarms }: Pick<Appliance, 'registry' | 'alarms'>,
): string {
  return servingStatus({
    site: name,
    device: network.interface,
    states: registry.machines().map(({ state }) => state),
    alarms: alarms.list().filter(({ endedAt }) => endedAt === undefined).length,
  })
}

/** Begins with the first word; returns how to stop. A thread that broke has ended the process, so one that lives can write. */
export function keepTold(manager: ServiceManager, clock: Clock, status: () => string): () => Promise<void> {
  const stops: (() => Promise<void>)[] = []
  const every = (milliseconds: number, tell: () => void): void =>
    void stops.push(
      repeat(
        clock,
        milliseconds,
        async () => tell(),
        () => {},
      ),
    )
  if (!manager.isThere) return async () => {}
  if (manager.aliveEveryMs !== undefined) {
    manager.alive()
    every(manager.aliveEveryMs, () => manager.alive())
  }
  every(STATUS_MS, () => manager.status(status()))
  return async () => void (await Promise.all(stops.map(stop => stop())))
}
