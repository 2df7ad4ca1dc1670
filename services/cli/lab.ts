/** `rackrise lab`: the virtual rack. Tutorial, demonstration and end-to-end test in one. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../kit/clock.ts'
import { EnvironmentProblem } from '../kit/problem.ts'
import { LiveDisplay } from '../lab/live-display.ts'
import { openConsoleForward, openedForward } from '../lab/console-forward.ts'
import { enterRackNamespace, isInsideRackNamespace } from '../lab/network.ts'
import { aptLine, missingForQemu } from '../lab/qemu/requirements.ts'
import { isLabFirmware, LAB_FIRMWARES, type LabFirmware, MACHINES_MOST, planMachines } from '../lab/rack-plan.ts'
import { type QemuSize, type RackRun, runQemuRack, runSimulatedRack } from '../lab/run-rack.ts'
import { type Lab, openLab } from '../lab/session.ts'
import { fetchSignedLoaders, SIGNED_LOADERS } from '../lab/signed-loaders.ts'
import { missingForStandIn } from '../lab/stand-in/initramfs.ts'
import type { Outcome } from '../lab/stage.ts'
import { type Command, complain, type ExitStatus, say, usageError, type Values } from './command.ts'

const DEFAULT_MACHINES = 4
const LAST_PORT = 65535
/** The stand-in is 64 MB; a Proxmox ISO with its initrd unpacked needs 8 GB. */
const STAND_IN_SIZE: QemuSize = { memoryMiB: 1024, diskMiB: 64, limitMs: 15 * 60_000 }
const PROXMOX_SIZE: QemuSize = { memoryMiB: 8192, diskMiB: 32 * 1024, limitMs: 90 * 60_000 }

type Wish = {
  /** Port on the host's loopback; 0 for any. */
  console: number
  machines: number
  firmware: LabFirmware
  kind: 'qemu' | 'simulated'
  iso?: string
  keep: boolean
  json: boolean
}

function needsQemu(firmware: unknown): boolean {
  return firmware === 'uefi-http' || firmware === 'uefi-secure'
}

async function missingPackages(): Promise<string[]> {
  return [...new Set([...(await missingForQemu()), ...(await missingForStandIn())])]
}

/** Installs what QEMU machines need, by the documented line. */
function install(packages: readonly string[]): void {
  const command = ['apt-get', 'install', '--yes', '--no-install-recommends', ...packages]
  const line = process.getuid?.() === 0 ? command : ['sudo', ...command]
  say(`$ ${line.join(' ')}`)
  const { status } = spawnSync(line[0]!, line.slice(1), {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status !== 0)
    throw new EnvironmentProblem(
      'lab-install',
      'the packages could not be installed',
      `run \`apt-get update\`, then \`${aptLine(packages)}\``,
    )
}

/** QEMU where it is wanted or there, else simulated machines; says which and why. */
async function chooseKind(values: Values): Promise<'qemu' | 'simulated'> {
  if (values['simulate'] === true) return 'simulated'
  let missing = await missingPackages()
  if (missing.length > 0 && values['install'] === true) {
    install(missing)
    missing = await missingPackages()
  }
  const isRoot = process.getuid?.() === 0
  const isWanted = values['qemu'] === true || values['install'] === true || needsQemu(values['firmware'])
  // In a namespace of a user's own QEMU has its taps, too, where the kernel allows such namespaces.
  if (missing.length === 0 && (isRoot || isWanted)) return 'qemu'
  const lacking = `${missing.join(', ')} missing`
  if (isWanted)
    throw new EnvironmentProblem('missing-packages', `no QEMU machines: ${lacking}`, `run: ${aptLine(missing)}`)
  const other = missing.length > 0 ? `${lacking}; real firmware with --install` : 'real firmware with --qemu'
  say(`simulated machines (${other})`)
  return 'simulated'
}

function readWish(values: Values): Omit<Wish, 'kind'> | string {
  const machines = Number(values['machines'] ?? DEFAULT_MACHINES)
  if (!Number.isInteger(machines) || machines < 1 || machines > MACHINES_MOST)
    return `--machines is a whole number from 1 to ${MACHINES_MOST}`
  const firmware = values['firmware'] ?? 'mixed'
  if (!isLabFirmware(firmware)) return `--firmware is one of ${LAB_FIRMWARES.join(', ')}`
  if (needsQemu(firmware) && values['simulate'] === true) return `--firmware ${firmware} needs QEMU machines`
  if (firmware === 'uefi-secure' && values['iso'] !== undefined)
    return '--firmware uefi-secure boots the stand-in only: the loaders that Debian signs do not start a kernel that Proxmox signed'
  if (values['qemu'] === true && values['simulate'] === true) return '--qemu and --simulate exclude each other'
  const iso = values['iso']
  const port = values['console'] === undefined ? 0 : Number(values['console'])
  if (!Number.isInteger(port) || port < 0 || port > LAST_PORT) return `--console is a port, at most ${LAST_PORT}`
  return {
    console: port,
    machines,
    firmware,
    keep: values['keep'] === true,
    json: values['json'] === true,
    ...(typeof iso === 'string' ? { iso } : {}),
  }
}

async function runMachines(run: RackRun, kind: Wish['kind'], standIn: boolean): Promise<Map<string, Outcome>> {
  return kind === 'qemu' ? runQemuRack(run, standIn ? STAND_IN_SIZE : PROXMOX_SIZE) : runSimulatedRack(run)
}

/** Both sides have to say so: the machine booted its disk, and the appliance was told by its installer. */
async function judge(lab: Lab, outcomes: Map<string, Outcome>, json: boolean): Promise<ExitStatus> {
  const views = await lab.fleet.list()
  const wrong = views.filter(
    view =>
      outcomes.get(view.name)?.outcome === 'installed' && (view.state !== 'installed' || view.installed?.inferred),
  )
  for (const view of wrong)
    say(
      `${view.name} booted its disk, but the appliance has it as ${view.state}${view.installed?.inferred ? ' (inferred)' : ''}`,
    )
  if (json)
    say(JSON.stringify({ machines: views.map(view => ({ ...view, outcome: outcomes.get(view.name) })) }, null, 2))
  const installed = [...outcomes.values()].filter(({ outcome }) => outcome === 'installed').length
  return installed === views.length && wrong.length === 0 ? 0 : 1
}

async function untilStopped(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }))
}

async function runInside(wish: Wish): Promise<ExitStatus> {
  const folder = await mkdtemp(join(tmpdir(), 'rackrise-lab-'))
  const stopped = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stopped.abort())
  const machines = planMachines(wish.machines, wish.firmware, true)
  let lab: Lab | undefined
  let status: ExitStatus = 1
  try {
    if (!wish.json) say(`building the rack in ${folder}`)
    const signed = wish.firmware === 'uefi-secure' ? { signed: await fetchSignedLoaders(SIGNED_LOADERS) } : {}
    const forward = openedForward()
    lab = await openLab({
      ...{ folder, kind: wish.kind, machines },
      ...(wish.iso ? { iso: wish.iso } : {}),
      ...(forward ? { forward } : {}),
      ...signed,
    })
    // What is for programs stays alone on standard output.
    if (forward) (wish.json ? complain : say)(`console: ${await lab.consoleLink()}`)
    const title = `rackrise lab, ${wish.kind} machines, ${lab.iso.standIn ? 'stand-in ISO' : lab.iso.file}`
    const terminal = wish.json ? { write: () => {} } : process.stdout
    const display = new LiveDisplay(title, machines, terminal, systemClock)
    const outcomes = await runMachines(
      { lab, machines, display, clock: systemClock, signal: stopped.signal },
      wish.kind,
      lab.iso.standIn,
    )
    display.close()
    if (!stopped.signal.aborted) status = await judge(lab, outcomes, wish.json)
    if (wish.keep && !stopped.signal.aborted) {
      say(
        `kept: rackrise machine list --config ${lab.siteFile}\nlog:  ${join(folder, 'appliance.log')}\nInterrupt to end it.`,
      )
      await untilStopped(stopped.signal)
    }
  } finally {
    await lab?.close()
    // A failed run is worth looking into; a good one, and one that never began, leaves nothing behind.
    const began = existsSync(join(folder, 'appliance.log'))
    if (status === 0 || stopped.signal.aborted || !began) await rm(folder, { recursive: true, force: true })
    else say(`left for you to look at: ${folder}`)
  }
  return stopped.signal.aborted && !wish.keep ? 1 : status
}

export const labCommand: Command = {
  name: 'lab',
  summary: 'a virtual rack: the appliance and machines in a private network namespace',
  usage: [
    'lab [--machines N] [--firmware bios|uefi|uefi-http|uefi-secure|mixed] [--qemu | --simulate] [--iso FILE] [--console PORT] [--keep]',
  ],
  options: {
    machines: {
      type: 'string',
      value: 'N',
      help: `how many machines (default ${DEFAULT_MACHINES}, at most ${MACHINES_MOST})`,
    },
    firmware: {
      type: 'string',
      value: 'KIND',
      help: 'bios, uefi, uefi-http (UEFI HTTP Boot), uefi-secure (Secure Boot; both QEMU only) or mixed (default: bios and uefi)',
    },
    qemu: { type: 'boolean', help: 'QEMU machines with real firmware (default where QEMU is installed, as root)' },
    simulate: { type: 'boolean', help: 'simulated machines that speak real DHCP, TFTP, DNS and HTTP' },
    install: { type: 'boolean', help: 'install the Debian packages that QEMU machines need' },
    iso: {
      type: 'string',
      value: 'FILE',
      help: 'boot this Proxmox ISO (default: one in isos/, else a small stand-in that is built)',
    },
    console: {
      type: 'string',
      value: 'PORT',
      help: "the console's port on this host's loopback (default: a free one)",
    },
    keep: { type: 'boolean', help: 'leave appliance and files running until interrupted' },
  },
  example: 'npx rackrise lab --machines 20 --simulate',
  refusal: 'not every machine ended as it was meant to',
  async run(positionals, values) {
    if (positionals.length > 0) return usageError(labCommand, `"${positionals[0]}" is too much`)
    const wish = readWish(values)
    if (typeof wish === 'string') return usageError(labCommand, wish)
    const entered = process.env['RACKRISE_LAB_KIND']
    const kind = entered === 'qemu' || entered === 'simulated' ? entered : await chooseKind(values)
    // What was found out outside holds inside, where everybody is root.
    process.env['RACKRISE_LAB_KIND'] = kind
    if (entered === undefined && wish.firmware === 'uefi-secure') await fetchSignedLoaders(SIGNED_LOADERS)
    if (await isInsideRackNamespace()) return runInside({ ...wish, kind })
    const forward = await openConsoleForward(wish.console)
    try {
      const namespace = await enterRackNamespace(process.argv.slice(1))
      return !namespace.inside && (await namespace.exited) === 0 ? 0 : 1
    } finally {
      await forward.close()
    }
  },
}
