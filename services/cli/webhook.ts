/** `rackrise webhook`: what waits to be told to others, sending it now, and trying a target out. */
import { askJson } from '../console/remote-fleet.ts'
import { type Instant, systemClock } from '../kit/clock.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Site } from '../site/types.ts'
import { shownUrl } from '../site/urls.ts'
import { sampleBody } from '../webhook/message.ts'
import { post } from '../webhook/post.ts'
import { type Command, complainOf, type ExitStatus, say, usageError, verbProblem } from './command.ts'
import { requireRunning } from './state.ts'
import { whenInWords } from './lease.ts'
import { siteFor } from './site-file.ts'
import { hang, INDENT, widthOf } from './wrap.ts'
import type { WebhookView } from '../console/schema/webhook.ts'

/** A target: what waits, and below it why. */
export function webhookText(views: readonly WebhookView[], now: Instant, width = Infinity): string {
  return views
    .map(({ number, url, events, pending, givenUp, oldestAt, tries, error }) => {
      const waits = pending === 0 ? 'nothing waits' : `${pending} wait, the oldest from ${whenInWords(oldestAt!, now)}`
      const gone = givenUp > 0 ? `; ${givenUp} given up` : ''
      const why = error ? [`last error, after ${tries} ${tries === 1 ? 'try' : 'tries'}: ${error}`] : []
      return [
        hang('', `${number} ${url} (${events.join(', ')}): ${waits}${gone}`, width, INDENT),
        ...why.map(line => hang('  ', line, width, INDENT)),
      ].join('\n')
    })
    .join('\n')
}

async function ask(site: Site, method: 'GET' | 'POST', path: string, json: boolean): Promise<ExitStatus> {
  const socket = await requireRunning(site, 'messages are sent by the appliance that runs')
  const views = await askJson<WebhookView[]>(socket, method, `/api/v1/webhooks${path}`)
  if (isProblem(views)) {
    complainOf([views], json)
    return 1
  }
  if (json) say(JSON.stringify(views, null, 2))
  else
    say(
      views.length === 0
        ? 'the site file names no webhook'
        : webhookText(views, systemClock.now(), widthOf(process.stdout)),
    )
  return 0
}

/** Needs no appliance: it sends from here, with the site's own files. */
async function test(site: Site, number: number | undefined, json: boolean): Promise<ExitStatus> {
  const body = sampleBody(site, systemClock.now())
  const letter = { event: body.event, key: body.key, body: JSON.stringify(body) }
  const numbered = site.webhooks.map((target, at) => ({ target, number: at + 1 }))
  const chosen = numbered.filter(entry => number === undefined || entry.number === number)
  const results = await Promise.all(
    chosen.map(async entry => ({ ...entry, outcome: await post(entry.target, letter) })),
  )
  const views = results.map(({ number: at, target, outcome }) => ({
    number: at,
    url: shownUrl(target.url),
    ...outcome,
  }))
  if (json) say(JSON.stringify(views, null, 2))
  else
    for (const view of views)
      say(
        `${view.number} ${view.url}: ${view.taken ? `took a sample (${view.status})` : `did not take it: ${view.error}`}`,
      )
  if (views.length === 0 && !json)
    say(number === undefined ? 'the site file names no webhook' : `the site file has no webhook ${number}`)
  return views.length > 0 && views.every(({ taken }) => taken) ? 0 : 1
}

const VERBS = ['list', 'retry', 'test'] as const

export const webhookCommand: Command = {
  name: 'webhook',
  summary: 'what waits to be told to others, sending it now, and trying a target out',
  usage: ['webhook list', 'webhook retry [NUMBER]', 'webhook test [NUMBER]'],
  options: {},
  example: 'rackrise webhook test 1',
  refusal: 'no appliance runs, there is no such webhook, or (test) the target did not take it',
  async run(positionals, values) {
    const [word, written, extra] = positionals
    const verb = VERBS.find(candidate => candidate === word)
    if (!verb) return usageError(webhookCommand, verbProblem('webhook', VERBS, word))
    if (extra !== undefined || (verb === 'list' && written !== undefined))
      return usageError(webhookCommand, `"${extra ?? written}" is too much`)
    if (written !== undefined && !/^[1-9]\d{0,3}$/.test(written))
      return usageError(webhookCommand, `"${written}" is no number; webhooks are counted from 1, as in the site file`)
    const site = await siteFor(values)
    if (!site) return 1
    const json = values['json'] === true
    if (verb === 'test') return test(site, written === undefined ? undefined : Number(written), json)
    return ask(
      site,
      verb === 'list' ? 'GET' : 'POST',
      verb === 'list' ? '' : `${written ? `/${written}` : ''}/retry`,
      json,
    )
  },
}
