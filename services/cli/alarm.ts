/** `rackrise alarm`: what a person should look at now, as the running appliance sees it. */
import { askJson } from '../console/remote-fleet.ts'
import { type Instant, systemClock } from '../kit/clock.ts'
import { isProblem } from '../kit/is-problem.ts'
import { type Command, complainOf, say, usageError, verbProblem } from './command.ts'
import { requireRunning } from './state.ts'
import { whenInWords } from './lease.ts'
import { siteFor } from './site-file.ts'
import type { AlarmView } from '../console/schema/alarm.ts'
import { hang, INDENT, widthOf } from './wrap.ts'

function headOf({ code, subject, severity, count, lastSeenAt, endedAt, firstSeenAt }: AlarmView, now: Instant): string {
  const what = [endedAt ? 'over' : severity, code, subject].filter(Boolean).join(' ')
  if (endedAt) return `${what}: ended ${whenInWords(endedAt, now)}`
  const times = count > 1 ? `, ${count} times, last ${whenInWords(lastSeenAt, now)}` : ''
  return `${what}: first ${whenInWords(firstSeenAt, now)}${times}`
}

/** A few lines an alarm: what, how long, in words, the facts, what to do. */
export function alarmText(views: readonly AlarmView[], now: Instant, width = Infinity): string {
  return views
    .map(view => {
      const facts = Object.entries(view.details).map(([name, value]) => `${name} ${value}`)
      const lines = [view.message, ...(facts.length > 0 ? [facts.join(', ')] : []), `what to do: ${view.action}`]
      return [headOf(view, now), ...lines.map(line => hang('  ', line, width, INDENT))].join('\n')
    })
    .join('\n')
}

export const alarmCommand: Command = {
  name: 'alarm',
  summary: 'what a person should look at now: other DHCP servers, addresses in use, full pools',
  usage: ['alarm list'],
  options: {},
  example: 'rackrise alarm list --json',
  refusal: 'no appliance runs; alarms that last are 0',
  async run(positionals, values) {
    const [word, extra] = positionals
    if (word !== 'list')
      return usageError(alarmCommand, word ? verbProblem('alarm', ['list'], word) : 'say `alarm list`')
    if (extra !== undefined) return usageError(alarmCommand, `"${extra}" is too much`)
    const site = await siteFor(values)
    if (!site) return 1
    const socket = await requireRunning(site, 'alarms are kept by the appliance that runs')
    const views = await askJson<AlarmView[]>(socket, 'GET', '/api/v1/alarms')
    const json = values['json'] === true
    if (isProblem(views)) {
      complainOf([views], json)
      return 1
    }
    if (json) say(JSON.stringify(views, null, 2))
    else
      say(
        views.length === 0
          ? 'there is nothing to look at'
          : alarmText(views, systemClock.now(), widthOf(process.stdout)),
      )
    return 0
  },
}
