/** `rackrise console`: the way in where there are no users, or where a password was lost. */
import type { LinkView } from '../console/link-api.ts'
import { askJson } from '../console/remote-fleet.ts'
import { ROLES } from '../console/users.ts'
import { isProblem } from '../kit/is-problem.ts'
import { type Command, complain, complainOf, say, usageError, verbProblem } from './command.ts'
import { siteFor } from './site-file.ts'
import { requireRunning } from './state.ts'

/** What a link is worth, for whoever reads it beside the link. */
export function aboutLink({ role, expiresAt }: LinkView): string {
  return `good for one sign-in as ${role} until ${new Date(expiresAt).toLocaleTimeString('en-GB')}`
}

export const consoleCommand: Command = {
  name: 'console',
  summary: 'a one-time link into the console of the appliance that runs',
  usage: ['console link [--role viewer|operator]'],
  options: { role: { type: 'string', value: 'ROLE', help: 'what it lets somebody do (default: operator)' } },
  example: 'rackrise console link --role viewer',
  refusal: 'no appliance runs, or its console does not listen',
  async run(positionals, values) {
    const [word, extra] = positionals
    if (word !== 'link')
      return usageError(consoleCommand, word ? verbProblem('console', ['link'], word) : 'say `console link`')
    if (extra !== undefined) return usageError(consoleCommand, `"${extra}" is too much`)
    const role = ROLES.find(one => one === (values['role'] ?? 'operator'))
    if (!role) return usageError(consoleCommand, `--role is one of ${ROLES.join(', ')}`)
    const site = await siteFor(values)
    if (!site) return 1
    const socket = await requireRunning(site, 'a link is for an appliance that runs')
    const link = await askJson<LinkView>(socket, 'POST', '/api/v1/session/link', { role })
    const json = values['json'] === true
    if (isProblem(link)) {
      complainOf([link], json)
      return 1
    }
    // Alone on its line, for those who pipe it into a browser.
    say(json ? JSON.stringify(link, null, 2) : link.url)
    if (!json) complain(aboutLink(link))
    return 0
  },
}
