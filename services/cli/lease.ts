/** `rackrise lease`: which machine has which address, and taking one back. */
import { type Leases, localLeases, storedLeases } from '../console/leases.ts'
import { remoteLeases } from '../console/remote-leases.ts'
import { type Instant, systemClock } from '../kit/clock.ts'
import { isProblem } from '../kit/is-problem.ts'
import { formatProblem } from '../kit/problem.ts'
import type { Site } from '../site/types.ts'
import { type Command, complain, complainOf, type ExitStatus, say, usageError, verbProblem } from './command.ts'
import { openOffline, operatorName, runningSocket } from './state.ts'
import { siteFor } from './site-file.ts'
import { table } from './table.ts'
import { widthOf } from './wrap.ts'
import type { LeaseView } from '../console/schema/lease.ts'

type CommandLeases = Omit<Leases, 'page'>

/** Those of the running appliance if there is one, else the state on disk. */
async function openLeases(site: Site): Promise<CommandLeases> {
  const socket = await runningSocket(site)
  if (socket) return remoteLeases(socket)
  const { store, registry } = await openOffline(site)
  return localLeases(storedLeases(store.leases, systemClock), registry, systemClock, () => store.close())
}

const MINUTE_S = 60
const HOUR_S = 3600
const DAY_S = 86_400

function length(seconds: number): string {
  if (seconds < 2 * MINUTE_S) return `${seconds} s`
  if (seconds < 2 * HOUR_S) return `${Math.floor(seconds / MINUTE_S)} min`
  return seconds < 2 * DAY_S ? `${Math.floor(seconds / HOUR_S)} h` : `${Math.floor(seconds / DAY_S)} days`
}

/** `in 42 min`, `3 h ago`. */
export function whenInWords(iso: string, now: Instant): string {
  const seconds = Math.round((Date.parse(iso) - now) / 1000)
  return seconds > 0 ? `in ${length(seconds)}` : `${length(-seconds)} ago`
}

export function leaseTable(views: readonly LeaseView[], now: Instant, width = Infinity): string {
  const rows = views.map(view => [
    view.address,
    view.mac,
    view.name ?? '',
    view.state,
    view.state === 'reserved' ? 'never' : whenInWords(view.expiresAt, now),
  ])
  return table(['ADDRESS', 'MAC', 'NAME', 'STATE', 'EXPIRES'], rows, { width })
}

async function list(leases: CommandLeases, json: boolean): Promise<ExitStatus> {
  const views = await leases.list()
  if (json) say(JSON.stringify(views, null, 2))
  else
    say(
      views.length === 0 ? 'no address was leased yet' : leaseTable(views, systemClock.now(), widthOf(process.stdout)),
    )
  return 0
}

async function release(
  leases: CommandLeases,
  queries: readonly string[],
  { json, force }: { json: boolean; force: boolean },
): Promise<ExitStatus> {
  let status: ExitStatus = 0
  for (const query of queries) {
    const outcome = await leases.release(query, { force, who: operatorName() })
    if (isProblem(outcome)) {
      if (json) complainOf([outcome], true)
      else complain(formatProblem(outcome))
      status = 1
    } else if (json) say(JSON.stringify(outcome, null, 2))
    else
      say(
        `${outcome.address} of ${outcome.name ? `${outcome.name} (${outcome.mac})` : outcome.mac} is free for others; a machine that runs uses it until it renews`,
      )
  }
  return status
}

const VERBS = ['list', 'release'] as const

export const leaseCommand: Command = {
  name: 'lease',
  summary: 'which machine has which address, and taking one back',
  usage: ['lease list', 'lease release [--force] ADDRESS|MAC|NAME...'],
  options: { force: { type: 'boolean', help: 'also an address that an installed system has written down' } },
  example: 'rackrise lease release 10.77.0.104',
  refusal: 'a lease could not be released, or there is none',
  async run(positionals, values) {
    const [word, ...queries] = positionals
    const verb = VERBS.find(candidate => candidate === word)
    if (!verb) return usageError(leaseCommand, verbProblem('lease', VERBS, word))
    if (verb === 'list' && queries.length > 0) return usageError(leaseCommand, `"${queries[0]}" is too much`)
    if (verb === 'release' && queries.length === 0)
      return usageError(leaseCommand, 'lease release needs an address, or the MAC or name of a machine')
    const site = await siteFor(values)
    if (!site) return 1
    const leases = await openLeases(site)
    try {
      const json = values['json'] === true
      return verb === 'list'
        ? await list(leases, json)
        : await release(leases, queries, { json, force: values['force'] === true })
    } finally {
      await leases.close()
    }
  },
}
