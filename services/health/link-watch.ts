/**
 * The interface while the appliance runs. One that is down, without carrier or without its address is an alarm, and served again when that is over: its
 * sockets go on. One that was deleted takes its sockets along, whatever gets its name later; when that is ready, this process ends, and whoever starts it again
 * gets new ones. Not before: a start without the interface would fail again and again.
 */
import type { Alarms } from '../kit/alarms.ts'
import type { Clock } from '../kit/clock.ts'
import type { Log } from '../kit/log.ts'
import type { InterfaceState } from '../kit/native-socket.ts'
import { repeat } from '../kit/repeat.ts'
import type { Site } from '../site/types.ts'
import { judgeLink } from './probe/link.ts'
import { alarmOfFindings } from './self-check.ts'

/** Machines that are switched on now give up after half a minute. */
export const LOOK_MS = 2_000

export type WatchedLink = {
  state(device: string): InterfaceState | undefined
  addresses(device: string): readonly string[]
}

export type LinkWatchOptions = {
  site: Pick<Site, 'network'>
  link: WatchedLink
  alarms: Pick<Alarms, 'raise' | 'end'>
  log: Log
  clock: Clock
  /** Ends the process as one that failed. */
  end: () => void
}

const LINK_TROUBLES = ['interface-missing', 'interface-down', 'no-carrier', 'address-missing']

/** Returns how to stop. Where there is no such interface to begin with, nobody serves it, and nothing is watched. */
export function watchLink({ site, link, alarms, log, clock, end }: LinkWatchOptions): () => Promise<void> {
  const device = site.network.interface
  const first = link.state(device)?.index
  if (first === undefined) return async () => {}
  const raise = alarmOfFindings(alarms, log)
  let isOver = false
  const look = async (): Promise<void> => {
    const state = link.state(device)
    const facts = state && { ...state, addresses: link.addresses(device) }
    const troubles = judgeLink(facts, site).filter(({ code }) => LINK_TROUBLES.includes(code))
    raise(troubles)
    if (isOver || troubles.length > 0 || state?.index === first) return
    isOver = true
    const hint = 'nothing where a service manager starts it again; else start it again'
    log.error(
      { reason: 'interface-replaced', hint },
      `${device} was deleted and is there again: its sockets are dead, so this process ends to be started anew`,
    )
    end()
  }
  return repeat(clock, LOOK_MS, look, error => log.error({ error: String(error) }, 'the look at the interface failed'))
}
