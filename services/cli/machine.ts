/** `rackrise machine`: the fleet. */
import { isProblem } from '../kit/is-problem.ts'
import { formatSize } from '../kit/amount.ts'
import { formatProblem, type Problem } from '../kit/problem.ts'
import type { Fleet } from '../console/fleet.ts'
import {
  type Command,
  complain,
  complainOf,
  type ExitStatus,
  say,
  usageError,
  verbProblem,
  type Values,
} from './command.ts'
import { openDocuments, openFleet } from './fleet.ts'
import { devices, readDeviceQuestion, systemInformation } from './machine-devices.ts'
import { forgetMachineCommand } from './machine-forget.ts'
import { showPassword } from './machine-password.ts'
import type { Site } from '../site/types.ts'
import { siteFor } from './site-file.ts'
import { operatorName, requireRunning } from './state.ts'
import { factSheet, type Style, type StyleOf, table } from './table.ts'
import { hang, widthOf } from './wrap.ts'
import type { MachineView, Order, TimelineEntry } from '../console/schema/machine.ts'

const FOLLOW_EVERY_MS = 500

const COLOURS: Record<MachineView['state'], Style> = {
  held: 'yellow',
  approved: 'cyan',
  booting: 'cyan',
  installing: 'cyan',
  installed: 'green',
  failed: 'red',
  stalled: 'red',
  blocked: 'magenta',
}

function age(iso: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000))
  if (seconds < 120) return `${seconds} s ago`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min ago` : `${Math.round(seconds / 3600)} h ago`
}

function progressOf({ progress, state }: MachineView): string {
  if (!progress || state !== 'booting') return ''
  const percent = Math.floor((progress.sent / Math.max(progress.total, 1)) * 100)
  return `${progress.file === 'initrd' ? 'iso' : progress.file} ${percent} % at ${formatSize(progress.bytesPerSecond)}/s`
}

const STATE_COLUMN = 1
const INDENT = 2

/** One row for each; the state in colour on a terminal. What it does now, or why it stands still, is last. */
export function machineTable(
  views: readonly MachineView[],
  now: number,
  { colour = false, width = Infinity }: { colour?: boolean; width?: number } = {},
): string {
  const rows = views.map(view => [
    view.name,
    view.state,
    view.address ?? '',
    view.macs[0] ?? '',
    view.serial ?? '',
    age(view.heardAt, now),
    progressOf(view) || (view.reason ?? ''),
  ])
  const styleOf: StyleOf = (row, column) => (colour && column === STATE_COLUMN ? COLOURS[views[row]!.state] : undefined)
  return table(['NAME', 'STATE', 'ADDRESS', 'MAC', 'SERIAL', 'HEARD', ''], rows, { width, styleOf })
}

export function timelineLine(entry: TimelineEntry, width = Infinity): string {
  const lead = `${entry.at.slice(0, 10)} ${entry.at.slice(11, 23)}  ${entry.source.padEnd(8)}  `
  return hang(lead, `${entry.text}${entry.anomaly ? `  [changed nothing: ${entry.anomaly}]` : ''}`, width)
}

function describe(view: MachineView): string {
  const rows: [string, string | undefined][] = [
    ['state', view.reason ? `${view.state}: ${view.reason}` : view.state],
    ...(view.conflicts ?? []).map(({ name, id, by, value }): [string, string] => [
      'conflict',
      `${by} ${value} is claimed by ${name === id ? id : `${name} (${id})`}, too: list all MACs of one machine in one entry, or approve each of two`,
    ]),
    ['fqdn', view.fqdn],
    ['mac', view.macs.join(', ')],
    ['serial', view.serial],
    ['uuid', view.uuid],
    ['address', view.address],
    [
      'static',
      view.staticAddress &&
        `${view.staticAddress.address} on ${view.staticAddress.nic}, written down by the installed system, reserved since ${view.staticAddress.since}`,
    ],
    ['profile', view.profile],
    [
      'known from',
      view.listed === 'nothing'
        ? 'the wire only; no entry or rule of the site file fits it'
        : `a ${view.listed} of the site file`,
    ],
    [
      'attempt',
      view.attempt && `${view.attempt.id}, started ${view.attempt.startedAt}, resumed ${view.attempt.resumes} times`,
    ],
    ['progress', progressOf(view) || undefined],
    [
      'installed',
      view.installed &&
        `${view.installed.at}${view.installed.inferred ? ' (inferred)' : ''} ${view.installed.fqdn ?? ''} ${view.installed.product ?? ''} ${view.installed.address ?? ''}`.trim(),
    ],
    [
      'password',
      view.password &&
        (view.password.shownTo
          ? `was random; shown to ${view.password.shownTo} ${view.password.shownAt ?? ''}`
          : 'random; `rackrise machine password` shows it, once'),
    ],
    ['heard', view.heardAt],
  ]
  return factSheet(view.name, rows, widthOf(process.stdout))
}

function refused(problem: Problem, json: boolean): ExitStatus {
  complainOf([problem], json)
  return 1
}

async function list(fleet: Fleet, json: boolean): Promise<ExitStatus> {
  const views = await fleet.list()
  if (json) say(JSON.stringify(views, null, 2))
  else if (views.length === 0)
    say('no machine is listed, and none was seen yet: switch one on, network first in its boot order')
  else say(machineTable(views, Date.now(), { colour: process.stdout.isTTY, width: widthOf(process.stdout) }))
  return 0
}

async function show(fleet: Fleet, query: string, json: boolean): Promise<ExitStatus> {
  const view = await fleet.show(query)
  if (isProblem(view)) return refused(view, json)
  say(json ? JSON.stringify(view, null, 2) : describe(view))
  return 0
}

async function timeline(fleet: Fleet, query: string, json: boolean, follow: boolean): Promise<ExitStatus> {
  let after = 0
  do {
    const entries = await fleet.timeline(query, after)
    if (isProblem(entries)) return refused(entries, json)
    for (const entry of entries) say(json ? JSON.stringify(entry) : timelineLine(entry, widthOf(process.stdout)))
    after = Math.max(after, ...entries.map(entry => entry.seq ?? 0))
    if (follow) await new Promise(resolve => setTimeout(resolve, FOLLOW_EVERY_MS))
  } while (follow)
  return 0
}

function orderLine({ name, macs, serial, state }: MachineView, action: 'approve' | 'reinstall' | 'block'): string {
  const follows = action === 'block' ? '' : '; it installs at its next network boot, which erases its disks'
  return `${name} (${macs.join(', ')}${serial ? `, serial ${serial}` : ''}) is ${state}${follows}`
}

async function order(
  fleet: Fleet,
  action: 'approve' | 'reinstall' | 'block',
  queries: string[],
  values: Values,
): Promise<ExitStatus> {
  const given: Order = {
    ...(typeof values['profile'] === 'string' ? { profile: values['profile'] } : {}),
    ...(typeof values['reason'] === 'string' ? { reason: values['reason'] } : {}),
    ...(values['confirm-disks'] === true ? { confirmDisks: true } : {}),
  }
  let status: ExitStatus = 0
  for (const query of queries) {
    const view = await fleet.order(query, action, given, operatorName())
    if (isProblem(view)) {
      if (values['json'] === true) complainOf([view], true)
      else complain(`${queries.length > 1 ? `${query}: ` : ''}${formatProblem(view)}`)
      status = 1
    } else if (values['json'] === true) say(JSON.stringify(view, null, 2))
    else say(hang('', orderLine(view, action), widthOf(process.stdout), INDENT))
  }
  return status
}

const VERBS = ['list', 'show', 'approve', 'reinstall', 'block', 'forget', 'timeline', 'devices', 'password'] as const

async function runVerb(
  fleet: Fleet,
  verb: Exclude<(typeof VERBS)[number], 'devices' | 'password' | 'forget'>,
  queries: string[],
  values: Values,
): Promise<ExitStatus> {
  const json = values['json'] === true
  const [query = ''] = queries
  switch (verb) {
    case 'list':
      return list(fleet, json)
    case 'show':
      return show(fleet, query, json)
    case 'timeline':
      return timeline(fleet, query, json, values['follow'] === true)
    case 'approve':
    case 'reinstall':
    case 'block':
      return order(fleet, verb, queries, values)
  }
}

async function runDocuments(site: Site, verb: 'show' | 'devices', query: string, values: Values): Promise<ExitStatus> {
  const text = (name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined)
  const matches = Array.isArray(values['match']) ? values['match'] : []
  const question = readDeviceQuestion(text('type'), matches, text('filter-match'))
  if (typeof question === 'string') return usageError(machineCommand, question)
  const documents = await openDocuments(site)
  const json = values['json'] === true
  try {
    return verb === 'show'
      ? await systemInformation(documents, query, json)
      : await devices(documents, query, question, json)
  } finally {
    await documents.close()
  }
}

export const machineCommand: Command = {
  name: 'machine',
  summary: 'the fleet: what every machine does, and who may install',
  usage: [
    'machine list',
    'machine show NAME [--system-info]',
    'machine devices NAME [--type disk|network] [--match KEY=GLOB]... [--filter-match any|all]',
    'machine approve NAME... [--profile PROFILE] [--reason TEXT] [--confirm-disks]',
    'machine reinstall NAME... [--profile PROFILE] [--reason TEXT] [--confirm-disks]',
    'machine block NAME... [--reason TEXT]',
    'machine forget NAME [--yes] [--force]',
    'machine timeline NAME [--follow]',
    'machine password NAME',
  ],
  options: {
    profile: { type: 'string', value: 'NAME', help: 'what to install, where the site file does not say' },
    reason: { type: 'string', value: 'TEXT', help: 'kept on the timeline' },
    'system-info': { type: 'boolean', help: 'show: what it posted when it last asked for an answer' },
    type: { type: 'string', value: 'TYPE', help: 'devices: disk, network or all (default)' },
    match: {
      type: 'string',
      value: 'KEY=GLOB',
      help: 'devices: what a filter of an answer would take',
      multiple: true,
    },
    'filter-match': { type: 'string', value: 'MODE', help: 'devices: any (default) or all' },
    'confirm-disks': {
      type: 'boolean',
      help: 'approve, reinstall: although it would erase other disks than before, or the filter is ambiguous',
    },
    yes: { type: 'boolean', help: 'forget: without being asked' },
    force: { type: 'boolean', help: 'forget: although an installation is under way, or it is blocked' },
    follow: { type: 'boolean', help: 'go on printing what happens, until interrupted' },
  },
  example: 'rackrise machine approve node1 --reason "new disks"',
  refusal: 'an order was refused for at least one machine, there is no such machine, or (devices) nothing fits',
  async run(positionals, values) {
    const [word, ...queries] = positionals
    const verb = VERBS.find(candidate => candidate === word)
    if (!verb) return usageError(machineCommand, verbProblem('machine', VERBS, word))
    if (verb !== 'list' && queries.length === 0)
      return usageError(machineCommand, `machine ${verb} needs a machine: its name, MAC, serial or address`)
    const most = ['approve', 'reinstall', 'block'].includes(verb) ? Infinity : verb === 'list' ? 0 : 1
    if (queries.length > most) return usageError(machineCommand, `"${queries[most]}" is too much`)
    const site = await siteFor(values)
    if (!site) return 1
    if (verb === 'devices' || (verb === 'show' && values['system-info'] === true)) {
      return runDocuments(site, verb, queries[0]!, values)
    }
    if (verb === 'forget') {
      const [yes, force] = [values['yes'] === true, values['force'] === true]
      return forgetMachineCommand(site, queries[0]!, { yes, force, json: values['json'] === true })
    }
    if (verb === 'password') return showPassword(site, queries[0]!, values['json'] === true)
    if (values['follow'] === true) await requireRunning(site, 'without one nothing happens that could be followed')
    const fleet = await openFleet(site)
    try {
      return await runVerb(fleet, verb, queries, values)
    } finally {
      await fleet.close()
    }
  },
}
