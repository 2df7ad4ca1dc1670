/** The command line: finds the command, and turns what goes wrong with the environment into one line. */
import { EnvironmentProblem, formatProblem } from '../kit/problem.ts'
import { suggest } from '../site/suggest.ts'
import { alarmCommand } from './alarm.ts'
import { answerCommand } from './answer.ts'
import { backupCommand, restoreCommand } from './backup.ts'
import { checkCommand } from './check.ts'
import { type Command, complain, complainOf, didYouMean, type ExitStatus, say } from './command.ts'
import { isoCommand } from './iso.ts'
import { completionCommand } from './completion.ts'
import { wordsOf } from './completion-words.ts'
import { overviewOf } from './help-text.ts'
import { initCommand } from './init.ts'
import { inventoryCommand } from './inventory.ts'
import { doctorCommand } from './doctor.ts'
import { consoleCommand } from './console.ts'
import { explainCommand } from './explain.ts'
import { labCommand } from './lab.ts'
import { leaseCommand } from './lease.ts'
import { machineCommand } from './machine.ts'
import { metricsCommand } from './metrics.ts'
import { reloadCommand } from './reload.ts'
import { runWith } from './run-with.ts'
import { serveCommand } from './serve.ts'
import { tokenCommand, userCommand } from './user.ts'
import { VERSION } from './version.ts'
import { webhookCommand } from './webhook.ts'
import { widthOf } from './wrap.ts'

const WORKING: readonly Command[] = [
  initCommand,
  serveCommand,
  reloadCommand,
  checkCommand,
  doctorCommand,
  answerCommand,
  machineCommand,
  explainCommand,
  inventoryCommand,
  leaseCommand,
  isoCommand,
  alarmCommand,
  webhookCommand,
  consoleCommand,
  userCommand,
  tokenCommand,
  metricsCommand,
  backupCommand,
  restoreCommand,
  labCommand,
]

export const COMMANDS: readonly Command[] = [...WORKING, completionCommand(WORKING)]

/** A verb without its command is the slip of who knows what they want: `approve node1`. */
function unknownCommand(name: string): string {
  const places = COMMANDS.flatMap(command => wordsOf(command).places.map(({ words }) => words))
  const meant =
    places.find(words => words.endsWith(` ${name}`)) ??
    suggest(
      name,
      COMMANDS.map(command => command.name),
    )
  return `there is no command "${name}"${meant ? didYouMean(meant) : ''}`
}

const HELP = new Set(['--help', '-h', 'help'])

export async function runCommand([first, ...others]: string[]): Promise<ExitStatus> {
  // `help machine` is `machine --help`.
  const [name, rest] = first === 'help' && others.length > 0 ? [others[0]!, ['--help']] : [first, others]
  if (name === undefined || HELP.has(name)) {
    say(overviewOf(COMMANDS, widthOf(process.stdout)))
    return name === undefined ? 2 : 0
  }
  if (name === '--version') {
    say(VERSION)
    return 0
  }
  const command = COMMANDS.find(candidate => candidate.name === name)
  if (!command) {
    complain(`rackrise: ${unknownCommand(name)}; see \`rackrise --help\``)
    return 2
  }
  try {
    return await runWith(command, rest)
  } catch (error) {
    if (!(error instanceof EnvironmentProblem)) throw error
    if (rest.includes('--json')) complainOf([error.problem], true)
    else complain(`rackrise ${command.name}: ${formatProblem(error.problem)}`)
    return 1
  }
}
