/** `rackrise completion`: what a shell needs to complete command lines of this program. */
import { listingOf } from '../machine/listing.ts'
import { remoteFleet } from '../console/remote-fleet.ts'
import type { MachineId } from '../machine/event.ts'
import { newMachine } from '../machine/lifecycle.ts'
import type { Site } from '../site/types.ts'
import { type Command, type ExitStatus, say, usageError, type Values } from './command.ts'
import { SCRIPTS, SHELLS } from './completion-scripts.ts'
import { wordsOf } from './completion-words.ts'
import { openIsos } from './library.ts'
import { siteFor } from './site-file.ts'
import { runningSocket } from './state.ts'

/** What somebody can type for them: colons of a MAC would be the ends of words in bash. */
async function machineNames(site: Site): Promise<string[]> {
  const socket = await runningSocket(site)
  if (socket) return (await remoteFleet(socket).list()).map(({ name }) => name.replaceAll(':', '-'))
  // Without an appliance the site file has to do: opening the state takes longer than somebody waits for a key.
  return site.machines.map(
    ({ macs }) => listingOf(newMachine(macs[0] as MachineId, 0), site).name ?? macs[0]!.replaceAll(':', '-'),
  )
}

async function names(kind: string | undefined, values: Values): Promise<ExitStatus> {
  if (kind !== 'machines' && kind !== 'isos')
    return usageError({ name: 'completion' }, 'say names of what: machines or isos')
  const site = await siteFor(values)
  if (!site) return 1
  const found =
    kind === 'machines' ? await machineNames(site) : (await (await openIsos(site)).list()).isos.map(({ file }) => file)
  if (values['json'] === true) say(JSON.stringify(found, null, 2))
  else for (const name of found) say(name)
  return 0
}

/** @param commands all of them, this one too */
export function completionCommand(commands: readonly Command[]): Command {
  const command: Command = {
    name: 'completion',
    summary: 'what bash, zsh and fish need to complete command lines',
    usage: ['completion bash', 'completion zsh', 'completion fish', 'completion names machines|isos'],
    options: {},
    example: 'rackrise completion bash > /etc/bash_completion.d/rackrise',
    refusal: 'names: the state cannot be read',
    async run([word, kind, tooMuch], values) {
      if (word === undefined) return usageError(command, `say which of ${SHELLS.join(', ')}`)
      if (tooMuch !== undefined || (word !== 'names' && kind !== undefined))
        return usageError(command, `"${tooMuch ?? kind}" is too much`)
      if (word === 'names') return names(kind, values)
      const shell = SHELLS.find(known => known === word)
      if (!shell) return usageError(command, `there is no completion for "${word}"; there is ${SHELLS.join(', ')}`)
      const script = SCRIPTS[shell]([...commands, command].map(wordsOf))
      say(values['json'] === true ? JSON.stringify({ shell, script }, null, 2) : script.trimEnd())
      return 0
    },
  }
  return command
}
