/** `rackrise explain`: what a machine would get, and why. Nothing happens to it. */
import { readFile } from 'node:fs/promises'
import { isProblem } from '../kit/is-problem.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import { type Command, complainOf, type ExitStatus, say, usageError } from './command.ts'
import { openExplainer } from './explainer.ts'
import { explanationText } from './explanation-text.ts'
import { siteFor } from './site-file.ts'
import { widthOf } from './wrap.ts'

const STDIN = '/dev/stdin'

/** What `proxmox-auto-install-assistant system-info` printed; `-` is standard input. */
async function readPosted(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file === '-' ? STDIN : file)
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error)
    throw new EnvironmentProblem(
      'unreadable',
      `can't read the system information: ${what}`,
      'name a file, or - for standard input',
    )
  }
}

export const explainCommand: Command = {
  name: 'explain',
  summary: 'what a machine would get, which layer gave which key, and why every other rule lost',
  usage: ['explain MAC|NAME [--profile NAME]', 'explain [MAC|NAME] --system-info FILE'],
  options: {
    profile: { type: 'string', value: 'NAME', help: 'as if it was approved with this profile' },
    'system-info': {
      type: 'string',
      value: 'FILE',
      help: 'as if the installer had posted this; - reads standard input',
    },
  },
  example: 'rackrise explain b0:7b:25:aa:01:10',
  refusal: 'no valid answer can be made for it, or there is no such machine',
  async run(positionals, values): Promise<ExitStatus> {
    const [query, more] = positionals
    const { profile, 'system-info': file } = values
    if (more !== undefined) return usageError(explainCommand, `"${more}" is too much`)
    if (query === undefined && typeof file !== 'string')
      return usageError(explainCommand, 'explain needs a machine (any MAC will do), or --system-info FILE')
    const site = await siteFor(values)
    if (!site) return 1
    const posted = typeof file === 'string' ? await readPosted(file) : undefined
    const explainer = await openExplainer(site)
    try {
      const explanation = await explainer.explain(query, posted, typeof profile === 'string' ? profile : undefined)
      if (isProblem(explanation)) {
        complainOf([explanation], values['json'] === true)
        return 1
      }
      say(
        values['json'] === true
          ? JSON.stringify(explanation, null, 2)
          : explanationText(explanation, widthOf(process.stdout)),
      )
      return explanation.problems.some(({ severity }) => severity === 'error') ? 1 : 0
    } finally {
      await explainer.close()
    }
  },
}
