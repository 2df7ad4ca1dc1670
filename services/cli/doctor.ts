/** `rackrise doctor`: looks at the wire and at this machine, before the rack is switched on and while it runs. */
import type { DoctorView } from '../console/schema/health.ts'
import { askJson, type ControlSocket } from '../console/remote-fleet.ts'
import { type Probe, runDoctor } from '../health/doctor.ts'
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
import { errorTerminal } from './progress.ts'
import { siteFor } from './site-file.ts'
import { runningSocket } from './state.ts'

type Found = { at: number; tookMs: number; findings: Finding[] }

const WIDTH_ELSEWHERE = 100
/** Longer than the longest run. */
const PATIENCE_MS = 30_000

/** One line on a terminal, written over again and again; nothing elsewhere. */
function progress(): { show: (text: string) => void; end: () => void } {
  const terminal = errorTerminal()
  if (!terminal.isTTY) return { show: () => {}, end: () => {} }
  return {
    show: text => terminal.write(`\r\u001b[K${text.slice(0, terminal.columns - 1)}`),
    end: () => terminal.write('\r\u001b[K'),
  }
}

const waitingText = (waitingFor: readonly Probe[]): string =>
  `looking at ${waitingFor.map(({ title }) => title).join(', ')} ...`

async function examine(site: Site, names: readonly ProbeName[], isRunning: boolean): Promise<Found> {
  const { edge, close } = openDoctorEdge(site, { isRunning })
  const { show, end } = progress()
  const run = await runDoctor(probesFor(site, edge, names), {
    clock: systemClock,
    onProgress: waitingFor => show(waitingText(waitingFor)),
  })
  end()
  await close()
  return run
}

/** The appliance knows most. What it may not know for lack of a right is looked at from here, where root may. */
async function askAppliance(site: Site, socket: ControlSocket): Promise<Found | Problem> {
  const { show, end } = progress()
  show('the appliance looks around ...')
  const told = await askJson<DoctorView>(socket, 'POST', '/api/v1/doctor', undefined, PATIENCE_MS)
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
