/** The process around a command: its status, and its end where nobody reads on. */
import { runCommand } from './run.ts'

/** `timeline --follow | grep -m 1 installed` has read enough: the command ends as if it was told to, which takes a lab down in order. */
function endWithReader(): void {
  process.stdout.once('error', () => {
    process.stdout.on('error', () => {})
    process.kill(process.pid, 'SIGTERM')
  })
}

export async function runProgram(args: string[]): Promise<void> {
  endWithReader()
  process.exitCode = await runCommand(args)
}
