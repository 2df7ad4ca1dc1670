/** `rackrise doctor`: looks at the wire and at this machine, before the rack is switched on and while it runs. */
import type { DoctorView } from '../console/schema/health.ts'
import type { WorkView } from '../console/schema/work.ts'
import { askJson, type ControlSocket } from '../console/remote-fleet.ts'
import { runDoctor } from '../health/doctor.ts'
import { openDoctorEdge } from '../health/edge/doctor-edge.ts'
import { type Finding, worstFirst } from '../health/finding.ts'
import { PROBE_NAMES, type ProbeName } from '../health/probe-names.ts'
import { probesFor, unknownTo } from '../health/probes.ts'
import { systemClock } from '../kit/clock.ts'
import { isProblem } from '../kit/is-problem.ts'
import type { Problem } from '../kit/problem.ts'
import type { Site } from '../site/types.ts'
import { type Command, complainOf, say, usageError } from './command.ts'
import { doctorText } from './doctor-text.ts'
import { errorTerminal, type Terminal } from './progress.ts'
import { siteFor } from './site-file.ts'
import { runningSocket } from './state.ts'

type Found = { at: number; tookMs: number; findings: Finding[] }

const WIDTH_ELSEWHERE = 100
/** Longer than the longest run. */
const PATIENCE_MS = 30_000
const LOOK_MS = 250

type Standing = { done: number; total: number; doing?: string; secondsLeft?: number }

/** `9 of 14, at most 4 s left: ports, names`. */
function doctorLine({ done, total, doing = '', secondsLeft = 0 }: Standing): string {
  const left = secondsLeft > 0 ? `, at most ${secondsLeft} s left` : ''
  return `${done} of ${total}${left}${doing === '' ? '' : `: ${doing}`}`
}

/** One line on a terminal, written over again and again; nothing elsewhere: it takes seconds. */
function progress(terminal: Terminal) {
  const { isTTY, columns } = terminal
  const draw = (text: string): void => void (isTTY && terminal.write(`\r\u001b[K${text.slice(0, columns - 1)}`))
  return { show: (standing: Standing) => draw(doctorLine(standing)), end: () => draw('') }
}

async function examine(site: Site, names: readonly ProbeName[], isRunning: boolean): Promise<Found> {
  const { edge, close } = openDoctorEdge(site, { isRunning })
  const { show, end } = progress(errorTerminal(false))
  const run = await runDoctor(probesFor(site, edge, names), {
    clock: systemClock,
    onProgress: ({ leftMs, ...news }) => show({ ...news, secondsLeft: Math.ceil(leftMs / 1000) }),
  })
  end()
  await close()
  return run
}

/** Asks how far it is until it is told to stop. */
function follow(socket: ControlSocket, show: (standing: Standing) => void): () => void {
  const ask = async (): Promise<void> => {
    const works = await askJson<WorkView[]>(socket, 'GET', '/api/v1/work')
    const doctor = isProblem(works) ? undefined : works.find(({ what, end }) => what === 'doctor' && !end)
    if (doctor && isOn) show(doctor)
  }
  let isOn = true
  const timer = setInterval(() => void ask().catch(() => {}), LOOK_MS)
  return () => {
    isOn = false
    clearInterval(timer)
  }
}

/** The appliance knows most. What it may not know for lack of a right is looked at from here, where root may. */
async function askAppliance(site: Site, socket: ControlSocket): Promise<Found | Problem> {
  const terminal = errorTerminal(false)
  const { show, end } = progress(terminal)
  const stop = terminal.isTTY ? follow(socket, show) : () => {}
  const told = await askJson<DoctorView>(socket, 'POST', '/api/v1/doctor', undefined, PATIENCE_MS)
  stop()
  end()
  if (isProblem(told)) return told
  const findings = told.findings as Finding[]
  const run = { at: Date.parse(told.at), tookMs: told.tookMs, findings }
  const names = process.getuid?.() === 0 ? unknownTo(findings) : []
  if (names.length === 0) return run
  const here = await examine(site, names, true)
  const known = findings.filter(({ probe }) => probe === undefined || !names.includes(probe))
  return { ...run, tookMs: run.tookMs + here.tookMs, findings: worstFirst([...known, ...here.findings]) }
}

export const doctorCommand: Command = {
  name: 'doctor',
  summary: 'look at the wire and at this machine: other DHCP servers, ports, link, clock, loaders, ISOs',
  usage: ['doctor [--config FILE] [--json]'],
  options: {},
  example: 'sudo npx rackrise doctor',
  refusal: 'there is at least one finding of severity error',
  async run(positionals, values) {
    if (positionals.length > 0) return usageError(doctorCommand, `"${positionals[0]}" is too much`)
    const site = await siteFor(values)
    if (!site) return 1
    const socket = await runningSocket(site)
    const found = socket ? await askAppliance(site, socket) : await examine(site, PROBE_NAMES, false)
    const json = values['json'] === true
    if (isProblem(found)) {
      complainOf([found], json)
      return 1
    }
    const { at, ...rest } = found
    if (json) say(JSON.stringify({ at: new Date(at).toISOString(), ...rest }, null, 2))
    else say(doctorText(found.findings, found.tookMs, process.stdout.columns ?? WIDTH_ELSEWHERE))
    return found.findings.some(({ severity }) => severity === 'error') ? 1 : 0
  },
}
