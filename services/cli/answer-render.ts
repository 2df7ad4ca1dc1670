/** `rackrise answer render`: the answer that a machine would get, in the spelling of its ISO. */
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import { complain, complainOf, type ExitStatus, say, type Values } from './command.ts'
import { openExplainer } from './explainer.ts'
import { operatorName } from './state.ts'
import { siteFor } from './site-file.ts'

/** What is wrong goes to standard error, so that what comes out is an answer file even then. */
function print(problems: readonly Problem[], toml: string | undefined, notes: readonly string[]): void {
  complainOf(problems, false)
  for (const note of notes) complain(`note: ${note}`)
  if (toml !== undefined) process.stdout.write(toml)
}

/** Secrets are masked, unless they are to be revealed: then the timeline tells who saw them. */
export async function renderAnswerOf(query: string, values: Values): Promise<ExitStatus> {
  const site = await siteFor(values)
  if (!site) return 1
  const explainer = await openExplainer(site)
  const json = values['json'] === true
  try {
    const outcome = await (values['reveal'] === true
      ? explainer.reveal(query, operatorName())
      : explainer.explain(query))
    if (isProblem(outcome)) {
      complainOf([outcome], json)
      return 1
    }
    const { machine, answer, problems, notes } = outcome
    if (json) say(JSON.stringify({ machine, ...answer, problems, notes }, null, 2))
    else print(problems, answer?.toml, notes)
    return problems.some(({ severity }) => severity === 'error') ? 1 : 0
  } finally {
    await explainer.close()
  }
}
