/** The command line: finds the command, and turns what goes wrong with the environment into one line. */
import { EnvironmentProblem, formatProblem } from '../kit/problem.ts'
import { alarmCommand } from './alarm.ts'
import { answerCommand } from './answer.ts'
import { backupCommand, restoreCommand } from './backup.ts'
import { checkCommand } from './check.ts'
import { type Command, complain, type ExitStatus, runWith, say } from './command.ts'
import { isoCommand } from './iso.ts'
import { completionCommand } from './completion.ts'
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
import { serveCommand } from './serve.ts'
import { tokenCommand, userCommand } from './user.ts'
import { VERSION } from './version.ts'
import { webhookCommand } from './webhook.ts'

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

function overview(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length))
  return [
    'Rackrise: network-boots racks of servers into the Proxmox automated installer.',
    '',
    'Usage:',
    '  rackrise COMMAND [OPTIONS]',
    '',
    'Commands:',
    ...COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'Every command has --help with an example.',
  ].join('\n')
}

export async function runCommand(args: string[]): Promise<ExitStatus> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === 'help') {
    say(overview())
    return name === undefined ? 2 : 0
  }
  if (name === '--version') {
    say(VERSION)
    return 0
  }
  const command = COMMANDS.find(candidate => candidate.name === name)
  if (!command) {
    complain(`rackrise: there is no command "${name}"; see \`rackrise --help\``)
    return 2
  }
  try {
    return await runWith(command, rest)
  } catch (error) {
    if (!(error instanceof EnvironmentProblem)) throw error
    complain(`rackrise ${command.name}: ${formatProblem(error.problem)}`)
    return 1
  }
}
