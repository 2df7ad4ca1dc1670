/** `rackrise backup` and `rackrise restore`: the state as one file. */
import { rmSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { counted, formatSize } from '../kit/amount.ts'
import { foldMachines } from '../machine/fold.ts'
import { listingOf } from '../machine/listing.ts'
import type { Site } from '../site/types.ts'
import { backUp, restore, type Restored, type RestoreStep, stagingIn } from '../store/backup.ts'
import { partOf } from '../store/copy.ts'
import { readFleet } from '../store/read-state.ts'
import { DATABASE_FILE } from '../store/store.ts'
import { type Command, complain, say, usageError, WARNING } from './command.ts'
import { errorTerminal, Progress } from './progress.ts'
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

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Told to end, it takes away what is half done and ends as it was told: a statement of SQLite can't be broken off, and nobody waits for it.
 * @param undo false if it is too late for that, and the end near
 */
async function orNothing<T>(name: string, undo: () => boolean, work: () => Promise<T>): Promise<T> {
  const end = (signal: NodeJS.Signals): void => {
    if (!undo()) return
    complain(`\nrackrise ${name}: interrupted; nothing was changed`)
    for (const one of SIGNALS) process.off(one, end)
    process.kill(process.pid, signal)
  }
  for (const signal of SIGNALS) process.on(signal, end)
  try {
    return await work()
  } finally {
    for (const signal of SIGNALS) process.off(signal, end)
  }
}

const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`

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
    const json = values['json'] === true
    const began = performance.now()
    const progress = new Progress(basename(file), errorTerminal(json), () => performance.now())
    const undo = (): boolean => {
      rmSync(partOf(file), { force: true })
      return true
    }
    const work = () => backUp(site.paths.state, file, (done, total) => progress.show(done, total))
    const content = await orNothing('backup', undo, work).finally(() => progress.clear())
    const { bytes, files, events, leases } = content
    if (json) say(JSON.stringify({ file, ...content, tookMs: Math.round(performance.now() - began) }, null, 2))
    else {
      const others = files.join(', ') || 'no other file'
      say(
        `${file}: ${counted(events, 'event')}, ${counted(leases, 'lease')}, ${others}; ${formatSize(bytes)} in ${seconds(began)}`,
      )
      say('It holds the key of the appliance. Keep it as you keep passwords.')
    }
    return 0
  },
}

const TICK_MS = 500

/** Shows each step of a restore until the next one. */
async function restoreShowing(file: string, folder: string, json: boolean): Promise<Restored> {
  const progress = new Progress(basename(file), errorTerminal(json), () => performance.now())
  let step: RestoreStep['doing'] = 'copying'
  const show = (now: RestoreStep): void => {
    step = now.doing
    if (now.doing === 'copying') progress.show(now.done, now.total)
    else progress.busy(now.doing)
  }
  const ticking = setInterval(() => step !== 'copying' && progress.busy(step), TICK_MS)
  const undo = (): boolean => {
    if (step === 'replacing') return false
    rmSync(stagingIn(folder), { recursive: true, force: true })
    return true
  }
  try {
    return await orNothing('restore', undo, () => restore(file, folder, new Date(), show))
  } finally {
    clearInterval(ticking)
    progress.clear()
  }
}

/** The names of machines that would install at their next network boot, by the state as it is now: it does not know what was installed since. */
function toInstall(site: Site): string[] {
  return readFleet(site.paths.state, foldMachines)
    .filter(({ state }) => state === 'approved' || state === 'booting')
    .map(machine => listingOf(machine, site).name ?? machine.id)
}

/** A person has to look before a machine boots. */
function warnOfOrders(names: readonly string[]): void {
  complain('warning: what was installed since this backup, this state does not know; look before you start it', WARNING)
  if (names.length > 0)
    complain(
      `warning: by it these install at their next network boot, unless you block them: ${names.join(', ')}`,
      WARNING,
    )
  complain(
    'warning: `approve = true` counts again for machines that it has not seen; take it out of the site file',
    WARNING,
  )
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
    const json = values['json'] === true
    const began = performance.now()
    const restored = await restoreShowing(file, folder, json)
    const { events, leases, setAside } = restored
    const willInstall = toInstall(site)
    const tookMs = Math.round(performance.now() - began)
    if (json) say(JSON.stringify({ folder, ...restored, willInstall, tookMs }, null, 2))
    else {
      say(`${folder} is as it was: ${counted(events, 'event')}, ${counted(leases, 'lease')}; it took ${seconds(began)}`)
      if (setAside) say(`What was there before is in ${setAside}`)
      warnOfOrders(willInstall)
    }
    return 0
  },
}
