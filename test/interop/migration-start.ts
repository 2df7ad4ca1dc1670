/**
 * One start on the state of an old release, as a process that is to be killed or starved. Its first line says that it begins, each further one what the
 * log says; then it ends with 0, or with 1 and the problem as the last line. Arguments: the state folder, the release, and `unmeasured` perhaps.
 */
import { EnvironmentProblem, formatProblem } from '../../services/kit/problem.ts'
import { type Release, startOn } from './migration-releases.ts'

const [folder, release, room] = process.argv.slice(2)
const say = (text: string): void => void process.stdout.write(`${text}\n`)

say('begins')
try {
  await startOn(folder!, release as Release, { info: (_, text) => say(text) }, { isUnmeasured: room === 'unmeasured' })
} catch (error) {
  say(error instanceof EnvironmentProblem ? formatProblem(error.problem) : `a bug: ${String(error)}`)
  process.exitCode = 1
}
