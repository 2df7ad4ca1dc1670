/** `rackrise machine forget`: everything about a machine goes. */
import { createInterface } from 'node:readline/promises'
import { type Forgetting, localForgetting } from '../console/forget.ts'
import { storedLeases } from '../console/leases.ts'
import { remoteForgetting } from '../console/remote-forget.ts'
import { systemClock } from '../kit/clock.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Site } from '../site/types.ts'
import { collectBeforePartings } from '../webhook/collect.ts'
import { complain, complainOf, type ExitStatus, say } from './command.ts'
import { openOffline, operatorName, runningSocket } from './state.ts'

async function openDesk(site: Site): Promise<Forgetting> {
  const socket = await runningSocket(site)
  if (socket) return remoteForgetting(socket)
  const { store, registry } = await openOffline(site)
  collectBeforePartings({ site, registry, events: store.events, store: store.outbox, clock: systemClock })
  return localForgetting({ registry, leases: storedLeases(store.leases, systemClock) }, () => store.close())
}

async function isMeant(query: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const said = await terminal.question(`Forget ${query}: its timeline, leases, documents and password? [y/N] `)
    return /^y(es)?$/i.test(said.trim())
  } finally {
    terminal.close()
  }
}

export type ForgetChoices = { yes: boolean; force: boolean; json: boolean }

/** Asks once on a terminal; without one, `--yes` has to say it. */
export async function forgetMachineCommand(
  site: Site,
  query: string,
  { yes, force, json }: ForgetChoices,
): Promise<ExitStatus> {
  if (!yes && !process.stdin.isTTY) {
    complain(`rackrise machine forget: nobody is there to ask; say --yes if everything about ${query} is to go`)
    return 2
  }
  if (!yes && !(await isMeant(query))) {
    complain('nothing was forgotten')
    return 1
  }
  const desk = await openDesk(site)
  try {
    const forgotten = await desk.forget(query, { force, who: operatorName() })
    if (isProblem(forgotten)) {
      complainOf([forgotten], json)
      return 1
    }
    const { name, macs, addresses } = forgotten
    const free = addresses.length > 0 ? `; ${addresses.join(', ')} may be given to others` : ''
    if (json) say(JSON.stringify(forgotten, null, 2))
    else
      say(`${name} (${macs.join(', ')}) is forgotten${free}; seen again it is a new machine, held until it is approved`)
    return 0
  } finally {
    await desk.close()
  }
}
