/** Hosts in network namespaces, plugged into switches, and programs in them. Nothing of the host's network is touched; `close` ends and removes all. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const COMMAND_LIMIT_MS = 20_000
const POLL_MS = 20
/** Should the tests be killed, their programs are too. */
const DIES_WITH_US = ['setpriv', '--pdeathsig', 'KILL']

/** Which switch a device is plugged into, with an address like `10.77.0.1/24` and a MAC where it needs one. */
export type Plug = { device: string; wire: string; address?: string; mac?: string }

export type Ended = { status: number | null; lines: string[] }

/** A program that goes on; its lines are kept. */
export class Program {
  readonly lines: string[] = []
  readonly #child: ChildProcess
  readonly #ended: Promise<number | null>

  constructor(child: ChildProcess) {
    this.#child = child
    // Not its streams' end: what a program leaves behind may hold them.
    this.#ended = new Promise(resolve => child.once('exit', code => resolve(code)))
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', line => this.lines.push(line))
    }
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** Waits for a line, of those that came already as well. Fails when the program ends, or after the limit. */
  async said(what: RegExp, limitMs = COMMAND_LIMIT_MS): Promise<string> {
    for (const end = Date.now() + limitMs; ; ) {
      const found = this.lines.find(line => what.test(line))
      if (found !== undefined) return found
      if (!this.isRunning || Date.now() > end)
        throw new Error(`it never said ${what}: ${this.lines.slice(-20).join('\n')}`)
      await new Promise(wake => setTimeout(wake, POLL_MS))
    }
  }

  async ended(limitMs = COMMAND_LIMIT_MS): Promise<Ended> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), limitMs)
    const status = await this.#ended
    clearTimeout(timer)
    // Its last lines are in the pipe.
    await new Promise(wake => setTimeout(wake, POLL_MS))
    return { status, lines: this.lines }
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    if (this.isRunning) this.#child.kill(signal)
    return this.ended(5000)
  }
}

export class Spaces {
  readonly folder: string
  readonly #tag: string
  readonly #names = new Set<string>()
  readonly #wires = new Set<string>()
  readonly #programs: Program[] = []

  constructor(tag: string) {
    this.#tag = `rackrise-${tag}-${process.pid}`
    this.folder = mkdtempSync(join(tmpdir(), `${this.#tag}-`))
    this.#add('switches')
  }

  #add(name: string): void {
    ip('netns', 'add', this.#space(name))
    this.#names.add(name)
  }

  #space(name: string): string {
    return `${this.#tag}-${name}`
  }

  host(name: string, ...plugs: Plug[]): void {
    this.#add(name)
    this.ip(name, 'link', 'set', 'lo', 'up')
    for (const plug of plugs) this.#plug(name, plug)
  }

  #plug(name: string, { device, wire, address, mac }: Plug): void {
    const port = `p${this.#names.size}-${device}`
    const bridge = `br-${wire}`
    if (!this.#wires.has(wire)) {
      this.ip('switches', 'link', 'add', bridge, 'type', 'bridge', 'forward_delay', '0')
      this.ip('switches', 'link', 'set', bridge, 'up')
      this.#wires.add(wire)
    }
    this.ip('switches', 'link', 'add', port, 'type', 'veth', 'peer', 'name', device, 'netns', this.#space(name))
    this.ip('switches', 'link', 'set', port, 'master', bridge, 'up')
    if (mac) this.ip(name, 'link', 'set', device, 'address', mac)
    if (address) this.ip(name, 'addr', 'add', address, 'dev', device)
    this.ip(name, 'link', 'set', device, 'up')
  }

  /** iproute2's `ip` inside that host. */
  ip(name: string, ...words: string[]): void {
    ip('-n', this.#space(name), ...words)
  }

  path(...names: string[]): string {
    return join(this.folder, ...names)
  }

  start(name: string, command: readonly string[]): Program {
    const child = spawn('ip', ['netns', 'exec', this.#space(name), ...DIES_WITH_US, ...command], { stdio: 'pipe' })
    const program = new Program(child)
    this.#programs.push(program)
    return program
  }

  run(name: string, command: readonly string[], limitMs = COMMAND_LIMIT_MS): Promise<Ended> {
    return this.start(name, command).ended(limitMs)
  }

  async close(): Promise<void> {
    for (const name of this.#names) {
      // Helpers of a program that was killed, too: everybody in there is ours.
      const { stdout } = spawnSync('ip', ['netns', 'pids', this.#space(name)], { encoding: 'utf8' })
      for (const pid of stdout.split('\n').filter(Boolean)) endNow(Number(pid))
      spawnSync('ip', ['netns', 'del', this.#space(name)])
    }
    for (const program of this.#programs) await program.ended(1000)
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function ip(...words: string[]): void {
  execFileSync('ip', words, { stdio: 'pipe', timeout: COMMAND_LIMIT_MS })
}

function endNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It was quicker.
  }
}
