/** `rackrise backup` and `rackrise restore`: the state as one file. */
import { rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { counted, formatSize, NAMES_MOST, namesOf } from '../kit/amount.ts'
import { foldMachines } from '../machine/fold.ts'
import { holdingBack, wouldInstall } from '../machine/restored.ts'
import type { Site } from '../site/types.ts'
import { backUp, restore, type Restored, type RestoreStep, stagingIn } from '../store/backup.ts'
import { partOf } from '../store/copy.ts'
import { readFleet } from '../store/read-state.ts'
import { endRestoration, type HoldBack } from '../store/restoration.ts'
import { DATABASE_FILE } from '../store/store.ts'
import { type Command, complain, say, usageError, WARNING } from './command.ts'
import { exists } from './exists.ts'
import { errorTerminal, Progress } from './progress.ts'
import { refuseStranger, runningSocket } from './state.ts'
import { siteFor } from './site-file.ts'

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
  refusal: 'the file is there already or has no folder, or the state cannot be read',
  async run([said, tooMuch], values) {
    if (tooMuch !== undefined) return usageError(backupCommand, `"${tooMuch}" is too much`)
    const site = await siteFor(values)
    if (!site) return 1
    const file = said ?? defaultName(site.name, new Date())
    if (values['force'] !== true && (await exists(file))) {
      complain(`rackrise backup: ${file} is there already; name another file, or say --force`)
      return 1
    }
    if (!(await exists(dirname(resolve(file))))) {
      complain(`rackrise backup: there is no folder ${dirname(resolve(file))}; make it, or name another file`)
      return 1
    }
    await refuseStranger(site.paths.state)
    const json = values['json'] === true
    const began = performance.now()
    const progress = new Progress(basename(file), errorTerminal(json), () => performance.now())
    const undo = (): boolean => {
      rmSync(partOf(file), { force: true })
      return true
    }
    const work = () => backUp(site.paths.state, file, new Date(), (done, total) => progress.show(done, total))
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
async function restoreShowing(file: string, folder: string, json: boolean, holdBack?: HoldBack): Promise<Restored> {
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
    return await orNothing('restore', undo, () =>
      restore(file, folder, new Date(), { onStep: show, ...(holdBack ? { holdBack } : {}) }),
    )
  } finally {
    clearInterval(ticking)
    progress.clear()
  }
}

type Outcome = {
  restored: Restored
  /** Names of machines that would have installed, and wait for a person now. */
  held: string[]
  /** Where nothing was installed since by the operator's word: who installs at its next network boot. */
  willInstall: string[]
}

/** Puts it in place; the machines of it are held unless the operator knows that nothing was installed since. */
async function bringBack(file: string, site: Site, nothingSince: boolean, json: boolean): Promise<Outcome> {
  const { state } = site.paths
  if (nothingSince) {
    const restored = await restoreShowing(file, state, json)
    return { restored, held: [], willInstall: wouldInstall(readFleet(state, foldMachines), site) }
  }
  let held: string[] = []
  const restored = await restoreShowing(file, state, json, (fleet, restoration) => {
    const machines = foldMachines(fleet)
    held = wouldInstall(machines, site)
    return holdingBack(machines, restoration)
  })
  return { restored, held, willInstall: [] }
}

/** A person has to look before a machine boots. */
function warnOf({ held, willInstall }: Outcome, nothingSince: boolean): void {
  const warn = (text: string): void => complain(`warning: ${text}`, WARNING)
  if (nothingSince) {
    if (willInstall.length > 0)
      warn(
        `by your word nothing was installed since, and these install at their next network boot: ${namesOf(willInstall)}`,
      )
    return
  }
  warn(
    'what was installed since, this state does not know: nothing installs until a person approves it, whatever `approve` says',
  )
  if (held.length === 0) return
  const names = held.length > NAMES_MOST ? 'NAME...' : held.join(' ')
  warn(
    `held, and would have installed: ${namesOf(held)}; look at their disks, then \`rackrise machine approve ${names}\``,
  )
}

function tell(outcome: Outcome, folder: string, nothingSince: boolean, json: boolean, began: number): void {
  const { restored, held, willInstall } = outcome
  const { madeAt, ...content } = restored
  const backupOf = new Date(madeAt).toISOString()
  const tookMs = Math.round(performance.now() - began)
  if (json) return say(JSON.stringify({ folder, backupOf, ...content, held, willInstall, tookMs }, null, 2))
  const { events, leases, setAside } = content
  const what = `${counted(events, 'event')}, ${counted(leases, 'lease')}`
  say(`${folder} is as it was at ${backupOf}: ${what}; it took ${seconds(began)}`)
  if (setAside) say(`What was there before is in ${setAside}`)
  warnOf(outcome, nothingSince)
}

/** Machines that are held stay so: only what is seen for the first time from now on is meant. */
function endHold(folder: string, json: boolean): void {
  const wasHolding = endRestoration(folder)
  if (json) say(JSON.stringify({ folder, wasHolding }, null, 2))
  else if (wasHolding) say('The site file approves machines that are new again; those that are held wait for a person')
  else say(`${folder} holds no new machines: it was not restored, or that was said before`)
}

export const restoreCommand: Command = {
  name: 'restore',
  summary: 'puts a backup in the place of the state',
  usage: ['restore FILE [--force] [--nothing-since]', 'restore --all-known'],
  options: {
    force: { type: 'boolean', help: 'although there is state already, which is set aside' },
    'nothing-since': {
      type: 'boolean',
      help: 'nothing was installed since the backup (a planned move): approvals stay open',
    },
    'all-known': {
      type: 'boolean',
      help: 'all that was installed between backup and restore is known by now: what is new is new, and `approve` counts for it again',
    },
  },
  example: 'rackrise restore /srv/backups/rack-7.backup',
  refusal: 'an appliance runs on the state, there is state already, or the file is no backup',
  async run([file, tooMuch], values) {
    const [allKnown, nothingSince, force, json] = ['all-known', 'nothing-since', 'force', 'json'].map(
      name => values[name] === true,
    ) as [boolean, boolean, boolean, boolean]
    if (tooMuch !== undefined) return usageError(restoreCommand, `"${tooMuch}" is too much`)
    if (allKnown && (file !== undefined || nothingSince || force))
      return usageError(restoreCommand, '--all-known is about the state that is there: it takes nothing else')
    if (file === undefined && !allKnown) return usageError(restoreCommand, 'restore needs a file')
    const site = await siteFor(values)
    if (!site) return 1
    const folder = site.paths.state
    if (await runningSocket(site)) {
      complain(`rackrise restore: an appliance runs on ${folder}; stop it first, then repeat the command`)
      return 1
    }
    await refuseStranger(folder)
    if (file === undefined) {
      endHold(folder, json)
      return 0
    }
    if (!(await exists(file))) {
      complain(`rackrise restore: there is no file ${file}; name a backup, as \`rackrise backup\` writes it`)
      return 1
    }
    if (!force && (await exists(join(folder, DATABASE_FILE)))) {
      complain(`rackrise restore: ${folder} has a state already; with --force it is set aside, nothing is deleted`)
      return 1
    }
    const began = performance.now()
    tell(await bringBack(file, site, nothingSince, json), folder, nothingSince, json, began)
    return 0
  },
}
