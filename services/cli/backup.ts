/** `rackrise backup` and `rackrise restore`: the state as one file. */
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { formatSize } from '../kit/amount.ts'
import { backUp, restore } from '../store/backup.ts'
import { DATABASE_FILE } from '../store/store.ts'
import { type Command, complain, say, usageError } from './command.ts'
import { runningSocket } from './state.ts'
import { siteFor } from './site-file.ts'

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

/** `rackrise-rack-7-20261126T081500Z.backup` */
function defaultName(siteName: string, now: Date): string {
  const at = now.toISOString().replace(/\.\d+/, '').replaceAll(/[-:]/g, '')
  return `rackrise-${siteName.replaceAll(/[^A-Za-z0-9.-]/g, '-')}-${at}.backup`
}

export const backupCommand: Command = {
  name: 'backup',
  summary: 'the state as one file, also while the appliance runs',
  usage: ['backup [FILE] [--force]'],
  options: { force: { type: 'boolean', help: 'replace a file that is there' } },
  example: 'rackrise backup /srv/backups/rack-7.backup',
  refusal: 'the file is there already, or the state cannot be read',
  async run([said, tooMuch], values) {
    if (tooMuch !== undefined) return usageError(backupCommand, `"${tooMuch}" is too much`)
    const site = await siteFor(values)
    if (!site) return 1
    const file = said ?? defaultName(site.name, new Date())
    if (values['force'] !== true && (await exists(file))) {
      complain(`rackrise backup: ${file} is there already; name another file, or say --force`)
      return 1
    }
    const content = await backUp(site.paths.state, file)
    const { bytes, files, events, leases } = content
    if (values['json'] === true) say(JSON.stringify({ file, ...content }, null, 2))
    else {
      say(`${file}: ${events} events, ${leases} leases, ${files.join(', ') || 'no other file'}; ${formatSize(bytes)}`)
      say('It holds the key of the appliance. Keep it as you keep passwords.')
    }
    return 0
  },
}

export const restoreCommand: Command = {
  name: 'restore',
  summary: 'puts a backup in the place of the state',
  usage: ['restore FILE [--force]'],
  options: { force: { type: 'boolean', help: 'although there is state already, which is set aside' } },
  example: 'rackrise restore /srv/backups/rack-7.backup',
  refusal: 'an appliance runs on the state, there is state already, or the file is no backup',
  async run([file, tooMuch], values) {
    if (file === undefined) return usageError(restoreCommand, 'restore needs a file')
    if (tooMuch !== undefined) return usageError(restoreCommand, `"${tooMuch}" is too much`)
    const site = await siteFor(values)
    if (!site) return 1
    const folder = site.paths.state
    if (await runningSocket(site)) {
      complain(`rackrise restore: an appliance runs on ${folder}; stop it first, then repeat the command`)
      return 1
    }
    if (values['force'] !== true && (await exists(join(folder, DATABASE_FILE)))) {
      complain(`rackrise restore: ${folder} has a state already; with --force it is set aside, nothing is deleted`)
      return 1
    }
    const restored = await restore(file, folder, new Date())
    const { events, leases, setAside } = restored
    if (values['json'] === true) say(JSON.stringify({ folder, ...restored }, null, 2))
    else {
      say(`${folder} is as it was: ${events} events, ${leases} leases`)
      if (setAside) say(`What was there before is in ${setAside}`)
    }
    return 0
  },
}
