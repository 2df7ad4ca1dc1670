/**
 * Two network namespaces and a cable between them, one for the server and one for those who ask it:
 *
 *     clients (client0 10.88.0.2/14) ── server0 10.88.0.1/14 [the contender]
 *
 * Nothing of the host's network is touched. `close` ends what was started and removes both.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EnvironmentProblem } from '../../services/kit/problem.ts'
import { aptLine } from '../../services/lab/packages.ts'

export type Space = 'server' | 'client'

export const SERVER_ADDRESS = '10.88.0.1'
export const CLIENT_ADDRESS = '10.88.0.2'
export const PREFIX = '10.88.0.0/14'
export const SERVER_DEVICE = 'server0'
export const CLIENT_DEVICE = 'client0'

const PREFIX_LENGTH = 14
const COMMAND_LIMIT_MS = 10_000
/** A million events are folded in some ten seconds where nothing else runs. */
const START_LIMIT_MS = 180_000
const STOP_LIMIT_MS = 10_000
const POLL_MS = 20
/** USER_HZ of Linux, in which /proc counts processor time. */
const TICKS_A_SECOND = 100

export type Outcome = { status: number | null; stdout: string; stderr: string }

/** How to tell that a program serves: words in its output, or a question that it answers. */
export type Readiness = RegExp | (() => Promise<boolean>)

function processorSecondsOf(pid: string): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}

/** A program under measurement; its output is kept in files, so that a full pipe never stops it. */
export class Running {
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  readonly #files: { out: string; err: string }

  constructor(child: ChildProcess, files: { out: string; err: string }) {
    this.#child = child
    this.#files = files
    this.#ended = new Promise(resolve => {
      child.once('exit', () => resolve())
      child.once('error', () => resolve())
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  get isRunning(): boolean {
    return this.#child.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null
  }

  get output(): string {
    return readFileSync(this.#files.out, 'utf8') + readFileSync(this.#files.err, 'utf8')
  }

  /** Processor time with all its threads and its workers, in their own code and in the kernel. */
  get processorSeconds(): number {
    const workers = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8').trim().split(' ')
    const all = [`${this.pid}`, ...workers.filter(pid => pid !== '')]
    return all.reduce((sum, pid) => sum + processorSecondsOf(pid), 0)
  }

  async untilReady(name: string, ready: Readiness): Promise<void> {
    const isReady = ready instanceof RegExp ? async () => ready.test(this.output) : ready
    for (const end = Date.now() + START_LIMIT_MS; Date.now() < end; ) {
      if (await isReady()) return
      if (!this.isRunning) break
      await new Promise(wake => setTimeout(wake, POLL_MS))
    }
    const tail = this.output.trim().split('\n').slice(-3).join(' | ')
    throw new EnvironmentProblem('bench-start', `${name} does not start: ${tail}`, 'start it by hand to see more')
  }

  async untilEnded(): Promise<void> {
    await this.#ended
  }

  async stop(): Promise<void> {
    if (!this.isRunning) return
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT_MS)
    await this.#ended
    clearTimeout(timer)
  }
}

export class BenchNetwork {
  /** For everything that contenders write; removed by `close`. */
  readonly folder: string
  readonly #tag = `rackrise-bench-${process.pid}`
  readonly #running: Running[] = []
  #count = 0

  private constructor() {
    this.folder = mkdtempSync(join(tmpdir(), `${this.#tag}-`))
  }

  /** Needs root. Throws EnvironmentProblem where the kernel or a missing program does not allow it. */
  static open(): BenchNetwork {
    if (process.getuid?.() !== 0)
      throw new EnvironmentProblem('bench-root', 'network namespaces need root', 'run it as root: `sudo npm run bench`')
    const network = new BenchNetwork()
    try {
      network.#build()
      return network
    } catch (error) {
      network.#remove()
      throw error
    }
  }

  #build(): void {
    for (const space of ['server', 'client'] as const) this.#ip('netns', 'add', this.#space(space))
    const cable = ['type', 'veth', 'peer', 'name', CLIENT_DEVICE, 'netns', this.#space('client')]
    this.#ip('-n', this.#space('server'), 'link', 'add', SERVER_DEVICE, ...cable)
    const ends = [
      ['server', SERVER_DEVICE, SERVER_ADDRESS],
      ['client', CLIENT_DEVICE, CLIENT_ADDRESS],
    ] as const
    for (const [space, device, address] of ends) {
      this.#ip('-n', this.#space(space), 'addr', 'add', `${address}/${PREFIX_LENGTH}`, 'dev', device)
      for (const one of ['lo', device]) this.#ip('-n', this.#space(space), 'link', 'set', one, 'up')
    }
  }

  #space(space: Space): string {
    return `${this.#tag}-${space}`
  }

  #ip(...words: string[]): void {
    try {
      execFileSync('ip', words, { stdio: 'pipe', timeout: COMMAND_LIMIT_MS })
    } catch (error) {
      const what = error instanceof Error ? error.message.trim() : String(error)
      throw new EnvironmentProblem('bench-network', what, `see \`ip netns\`; \`${aptLine(['iproute2'])}\``)
    }
  }

  /** A fresh folder for one start of one contender. */
  freshFolder(name: string): string {
    const folder = join(this.folder, `${name}-${++this.#count}`)
    mkdirSync(folder)
    return folder
  }

  /** Starts a program that goes on until `stop`, or `close` at the latest. */
  spawn(space: Space, command: readonly string[], environment: Record<string, string> = {}): Running {
    const number = ++this.#count
    const files = { out: join(this.folder, `out-${number}`), err: join(this.folder, `err-${number}`) }
    const [out, err] = [openSync(files.out, 'w'), openSync(files.err, 'w')]
    const child = spawn('ip', ['netns', 'exec', this.#space(space), ...command], {
      stdio: ['ignore', out, err],
      env: { ...process.env, ...environment },
    })
    for (const fd of [out, err]) closeSync(fd)
    const running = new Running(child, files)
    this.#running.push(running)
    return running
  }

  /** Runs a program to its end and brings back what it said. */
  async run(space: Space, command: readonly string[], limitMs: number): Promise<Outcome> {
    const child = spawn('ip', ['netns', 'exec', this.#space(space), ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limitMs,
    })
    const outcome: Outcome = { status: null, stdout: '', stderr: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (outcome.stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (outcome.stderr += text))
    outcome.status = await new Promise(resolve => {
      child.once('error', () => resolve(null))
      child.once('close', code => resolve(code))
    })
    return outcome
  }

  async close(): Promise<void> {
    for (const running of this.#running) await running.stop()
    this.#remove()
  }

  #remove(): void {
    for (const space of ['server', 'client'] as const) spawnSync('ip', ['netns', 'del', this.#space(space)])
    rmSync(this.folder, { recursive: true, force: true })
  }
}
