/**
 * A page with a recorded session: prompts, commands and what they said. It is read, carried out against a simulated rack, and compared, or written anew.
 * What else happens meanwhile stands in comments of the page: `<!-- switch on: node1 node2 -->`; `<!-- save: receiver.py -->` keeps the next block as a
 * file; and a comment that begins with `<!-- appliance`, and may go on with a part of a site file, is a site with `node1` whose appliance runs.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, chmodSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isListening } from '../../services/console/remote-fleet.ts'
import { systemClock } from '../../services/kit/clock.ts'
import { openUdpPort } from '../../services/kit/udp-port.ts'
import { buildRack, type Rack, SIMULATED_DEVICE } from '../../services/lab/network.ts'
import { type LabMachine, planMachines } from '../../services/lab/rack-plan.ts'
import { openDhcpWire } from '../../services/lab/simulated/dhcp-client.ts'
import { SimulatedMachine } from '../../services/lab/simulated/machine.ts'
import { buildStandIn } from '../../services/lab/stand-in/build.ts'

const ROOT = join(import.meta.dirname, '../..')
/** Where the page says that it was recorded. */
const HOME = '/srv/rackrise'
const COMMAND_LIMIT_MS = 60_000
const START_LIMIT_MS = 30_000

export type Step =
  | { do: 'text'; text: string }
  | { do: 'switch-on'; names: string[]; text: string }
  | { do: 'no-probe'; text: string }
  | { do: 'appliance'; more: string; text: string }
  | { do: 'save'; file: string; content: string; text: string }
  | { do: 'run'; command: string; said: string }

/** In blocks of `console`, a line after `$ ` is a command; one that opens a here-document goes on. */
export function readSession(page: string): Step[] {
  const steps: Step[] = []
  let saved: Extract<Step, { do: 'save' }> | undefined
  let block: 'console' | 'other' | undefined
  let until: string | undefined
  for (const line of page.trimEnd().split('\n')) {
    const last = steps.at(-1)
    if (last?.do === 'appliance' && !last.text.endsWith('-->')) {
      last.text += `\n${line}`
      if (!line.endsWith('-->')) last.more += `${line}\n`
    } else if (line.startsWith('```')) {
      if (block === 'other') saved = undefined
      block = block ? undefined : line === '```console' ? 'console' : 'other'
      steps.push({ do: 'text', text: line })
    } else if (block === 'other') {
      if (saved) saved.content += `${line}\n`
      steps.push({ do: 'text', text: line })
    } else if (block === undefined) {
      const step = outside(line)
      if (step.do === 'save') saved = step
      steps.push(step)
    } else if (until !== undefined && last?.do === 'run') {
      last.command += `\n${line}`
      if (line === until) until = undefined
    } else if (line.startsWith('$ ')) {
      steps.push({ do: 'run', command: line.slice(2), said: '' })
      until = /<<'?([A-Z]+)'?/.exec(line)?.[1]
    } else if (last?.do === 'run') last.said += `${line}\n`
  }
  return steps
}

/** A line of the page itself: text, or a comment that says what happens. */
function outside(line: string): Step {
  const [, names] = /^<!-- switch on: (.*) -->$/.exec(line) ?? []
  const [, file] = /^<!-- save: (.*) -->$/.exec(line) ?? []
  if (names !== undefined) return { do: 'switch-on', names: names.split(' '), text: line }
  if (file !== undefined) return { do: 'save', file, content: '', text: line }
  if (line.startsWith('<!-- no probe:')) return { do: 'no-probe', text: line }
  if (/^<!-- appliance\b/.test(line)) return { do: 'appliance', more: '', text: line }
  return { do: 'text', text: line }
}

export function writeSession(steps: readonly Step[]): string {
  return steps.map(step => (step.do === 'run' ? `$ ${step.command}\n${step.said}` : `${step.text}\n`)).join('')
}

/** The one alarm that tells of the host on which the session is typed: something else had its processors. */
const BUSY = /^warning event-loop-held: first SPAN ago\n nothing was heard for SPAN: .*\n what to do: .*$/gm

/** A machine may ask for its initrd before the thread that sends bodies has told that the kernel is through. */
const EARLY_INITRD = /^(DATE http sending initrd .*\n)(DATE http sent the kernel.*\n)/gm

/** What differs from one run to the next: times, ids, tokens, sizes of files that hold them, and blanks that only align. */
export function normalised(said: string): string {
  return said
    .replaceAll(/\b[0-9A-F]{2}(:[0-9A-F]{2}){31}\b|\b[0-9A-Fa-f]{64}\b/g, 'FINGERPRINT')
    .replaceAll(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?Z?/g, 'DATE')
    .replaceAll(/\d{8}T\d{6}Z/g, 'DATE')
    .replaceAll(/\d{4}-\d\d-\d\d/g, 'DATE')
    .replaceAll(/\b\d\d:\d\d:\d\d(\.\d+)?\b/g, 'TIME')
    .replaceAll(/\b(\d+\.\d+\.\d+\.\d+)\.\d{5}\b/g, '$1.PORT')
    .replaceAll(/\b[0-9A-Za-z_-]{22,44}\b/g, 'TOKEN')
    .replaceAll(/\b[0-9a-f]{8}\b/g, 'ATTEMPT')
    .replaceAll(/\b\d[\d.]* (ms|s|min|h|d)\b/g, 'SPAN')
    .replaceAll(/\b[\d.]+ (B|KiB|MiB)\b/g, 'SIZE')
    .replaceAll(/\b\d+ events\b/g, 'EVENTS')
    .replaceAll(/(ssh-\w+|ecdsa-\S+) AAAA\S+/g, '$1 KEY')
    .replaceAll(/ +/g, ' ')
    .replaceAll(/ $/gm, '')
    .replaceAll(BUSY, 'there is nothing to look at')
    .replaceAll(EARLY_INITRD, '$2$1')
}

/** One machine that is listed and not approved. The simulated rack answers ARP for every address, so nobody probes. */
const SITE = `[site]
domain = "rack.test"

[network]
interface = "rack0"
address = "10.77.0.1/23"

[dhcp]
probe = false

[[dhcp.subnet]]
prefix = "10.77.0.0/23"
pools = ["10.77.1.1-10.77.1.250"]

[boot]
loaders = "loaders"

[paths]
state = "state"

[[profile]]
name = "pve"
iso = "pve:latest"
answers = ["base", "lab-disk"]

[[machine]]
name = "node1"
mac = ["52:54:00:7a:00:01"]
profile = "pve"
`
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFMH2CaRTESUjDYFkTsXsvpTQYP6uDIE8VNpxDZvQbEC ops'

/** The rack of the session: an appliance's place with one NIC, and machines that can be switched on. */
export class Bench {
  readonly #rack: Rack
  readonly #folder: string
  readonly #pid: number
  readonly #machines: readonly LabMachine[]

  private constructor(rack: Rack, folder: string, pid: number) {
    this.#rack = rack
    this.#folder = folder
    this.#pid = pid
    this.#machines = planMachines(3, 'mixed', false)
  }

  static async open(folder: string): Promise<Bench> {
    const home = join(folder, 'home')
    mkdirSync(join(home, 'loaders'), { recursive: true })
    mkdirSync(join(folder, 'bin'))
    cpSync(join(ROOT, 'answers'), join(home, 'answers'), { recursive: true })
    for (const name of ['undionly.kpxe', 'snponly.efi'])
      writeFileSync(join(home, 'loaders', name), Buffer.alloc(74_000, name))
    await buildStandIn({ folder: join(home, 'isos'), kind: 'small' })
    const program = join(folder, 'bin/rackrise')
    writeFileSync(program, `#!/bin/sh\nexec "${process.execPath}" "${join(ROOT, 'services/main.ts')}" "$@"\n`)
    chmodSync(program, 0o755)
    const rack = await buildRack({ applianceAddress: '10.77.0.1/23', simulatedRange: '10.77.1.0/24' })
    // Keeps the namespace: everything that is typed runs beside it.
    const holder = await rack.startAppliance('sleep', ['600'], { logFile: join(folder, 'holder.log') })
    return new Bench(rack, folder, holder.pid)
  }

  /** As somebody at the appliance's terminal types it; what came to standard output and error, in their order. */
  async run(command: string): Promise<string> {
    const home = join(this.#folder, 'home')
    const { RACKRISE_LAB_OUTSIDE: _, ...rest } = process.env
    const env = {
      ...rest,
      PATH: `${join(this.#folder, 'bin')}:${process.env['PATH']}`,
      SUDO_USER: 'anna',
      COLUMNS: '120',
      NO_COLOR: '1',
    }
    const isServer = /^(sudo )?rackrise serve .*&$/.test(command)
    const line = command.endsWith('&') ? `${command} echo $! >> '${this.#folder}/pids'` : command
    const { stdout } = spawnSync('nsenter', [`--net=/proc/${this.#pid}/ns/net`, 'bash', '-c', `exec 2>&1\n${line}`], {
      cwd: home,
      env,
      encoding: 'utf8',
      timeout: COMMAND_LIMIT_MS,
    })
    if (isServer) await this.#untilServing(join(home, 'state/control.sock'))
    return stdout.replaceAll(home, HOME).replaceAll(ROOT, '/opt/rackrise')
  }

  /** A site with whatever is added, whose appliance runs when this returns. */
  async appliance(more: string): Promise<void> {
    const home = join(this.#folder, 'home')
    writeFileSync(join(home, 'site.toml'), SITE)
    appendFileSync(join(home, 'site.toml'), more)
    const base = join(home, 'answers/base.toml')
    writeFileSync(base, readFileSync(base, 'utf8').replace('root-ssh-keys = []', `root-ssh-keys = ["${KEY}"]`))
    await this.run('rackrise serve --config site.toml > rackrise.log 2>&1 &')
  }

  save(file: string, content: string): void {
    writeFileSync(join(this.#folder, 'home', file), content)
  }

  async #untilServing(socket: string): Promise<void> {
    for (const end = Date.now() + START_LIMIT_MS; Date.now() < end; ) {
      if (await isListening(socket)) return
      await new Promise(wake => setTimeout(wake, 50))
    }
    throw new Error(`no appliance: ${readFileSync(join(this.#folder, 'home/rackrise.log'), 'utf8')}`)
  }

  /** Until each of them boots its disk, or stands. */
  async switchOn(names: readonly string[]): Promise<void> {
    const wire = await openDhcpWire(openUdpPort, SIMULATED_DEVICE)
    try {
      for (const spec of this.#machines.filter(({ name }) => names.includes(name)))
        await new SimulatedMachine(spec, { wire, openPort: openUdpPort, clock: systemClock, report() {} }).powerOn()
    } finally {
      await wire.close()
    }
  }

  async close(): Promise<void> {
    const file = join(this.#folder, 'pids')
    // Some have ended by themselves.
    for (const pid of existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').reverse() : [])
      spawnSync('kill', [pid])
    await this.#rack.close()
  }
}

/** Does all that the page says, and puts what was said in place of what stood there. */
export async function playSession(steps: readonly Step[], bench: Bench): Promise<Step[]> {
  const played: Step[] = []
  for (const step of steps) {
    if (step.do === 'switch-on') await bench.switchOn(step.names)
    if (step.do === 'appliance') await bench.appliance(step.more)
    if (step.do === 'save') bench.save(step.file, step.content)
    if (step.do === 'no-probe') await bench.run("sed -i '/^\\[dhcp\\]/a probe = false' site.toml")
    played.push(step.do === 'run' ? { ...step, said: await bench.run(step.command) } : step)
  }
  return played
}
