/** Machines that a restore keeps from the installation that somebody, or the site, had meant for them wait for a person, who should hear of it. */
import { namesOf } from '../kit/amount.ts'
import type { Alarms } from '../kit/alarms.ts'
import type { Log } from '../kit/log.ts'
import type { MachineId } from './event.ts'
import type { Machine } from './lifecycle.ts'
import type { Registry } from './registry.ts'

/** Lasts until each of them is approved, blocked or forgotten, or has reported after all. Returns how to stop listening. */
export function alarmOfRestore(registry: Registry, alarms: Pick<Alarms, 'raise' | 'end'>, log: Log): () => void {
  const waiting = new Map<MachineId, string>()
  const message = (): string => `held since the state was restored from a backup: ${namesOf([...waiting.values()])}`
  const hint = 'look at what is on their disks, then `rackrise machine approve NAME` for each, or block it'
  const tell = (): void => {
    if (waiting.size === 0) return alarms.end('restored-held')
    alarms.raise({ code: 'restored-held', severity: 'alarm', message: message(), hint }, Infinity)
  }
  const note = (machine: Machine): boolean => {
    const isHeld = machine.state === 'held' && machine.restored === true
    if (!isHeld || (machine.attempts === 0 && !registry.listing(machine).approve)) return waiting.delete(machine.id)
    const isNews = !waiting.has(machine.id)
    waiting.set(machine.id, registry.titleOf(machine))
    return isNews
  }
  for (const machine of registry.machines()) note(machine)
  if (waiting.size > 0) log.warn({ event: 'restored', machines: waiting.size }, `${message()}; ${hint}`)
  tell()
  const stopParting = registry.partings.after(({ id }) => {
    if (waiting.delete(id)) tell()
  })
  const stopEvents = registry.subscribe(machine => {
    if (note(machine)) tell()
  })
  return () => {
    stopParting()
    stopEvents()
  }
}
