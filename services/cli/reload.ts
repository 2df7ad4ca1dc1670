/** `rackrise reload`: the running appliance loads its site file again, whole or not at all. */
import { askJson } from '../console/remote-fleet.ts'
import type { ReloadView } from '../console/schema/reload.ts'
import { isProblem } from '../kit/is-problem.ts'
import { formatProblem, type Problem } from '../kit/problem.ts'
import { loadSite } from '../site/load.ts'
import { type Command, complain, complainOf, configFile, say, usageError } from './command.ts'
import { reloadText } from './reload-text.ts'
import { requireRunning } from './state.ts'
import { widthOf } from './wrap.ts'

/** A thousand answers are tried out before, and what is on its way to a webhook that is gone is waited for. */
const PATIENCE_MS = 120_000

function refused(problems: readonly Problem[], json: boolean): 1 {
  complainOf(problems, json)
  if (!json) complain('rackrise reload: nothing was changed; the site file of before is served on')
  return 1
}

export const reloadCommand: Command = {
  name: 'reload',
  summary: 'load the edited site file into the running appliance, whole or not at all',
  usage: ['reload [--check] [--config FILE] [--json]'],
  options: { check: { type: 'boolean', help: 'only say what would change' } },
  example: 'rackrise reload --check',
  refusal: 'the file is refused, for all the reasons that are told; the site file of before is served on',
  async run(positionals, values) {
    if (positionals.length > 0) return usageError(reloadCommand, `"${positionals[0]}" is too much`)
    const json = values['json'] === true
    const loaded = await loadSite(configFile(values))
    if ('problems' in loaded) return refused(loaded.problems, json)
    const { site } = loaded
    const socket = await requireRunning(
      site,
      'without one there is nothing to reload: `rackrise check` looks at the file',
    )
    const body = values['check'] === true ? { check: true } : { sha256: site.sha256 }
    const answer = await askJson<ReloadView>(socket, 'POST', '/api/v1/reload', body, PATIENCE_MS)
    if (isProblem(answer)) return refused('problems' in answer ? (answer.problems as Problem[]) : [answer], json)
    if (json) say(JSON.stringify(answer, null, 2))
    else {
      for (const warning of answer.warnings) complain(formatProblem(warning))
      say(reloadText(answer, widthOf(process.stdout)))
    }
    return 0
  },
}
