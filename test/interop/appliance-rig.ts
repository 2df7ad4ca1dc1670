/**
 * The whole appliance as a process, in a network namespace with two NICs: eth1 is served, eth2 is not. Behind each stands
 * a namespace of clients:
 *
 *     rack (eth0 10.77.0.x) ── eth1 10.77.0.1/24 [appliance] eth2 10.78.0.1/24 ── (eth0 10.78.0.2) office
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildStandIn } from '../../services/lab/stand-in/build.ts'

export const ROOT = join(import.meta.dirname, '../..')
export const MAIN = join(ROOT, 'services/main.ts')
export const NODE1_MAC = '52:54:00:77:00:11'
export const NODE1_ADDRESS = '10.77.0.11'
/** On the rack's network, and of no machine that the appliance knows. */
export const STRANGER_ADDRESS = '10.77.0.60'
export const OFFICE_ADDRESS = '10.78.0.2'
export const ISO = 'proxmox-ve_9.2-1.iso'
export const LOADER_BYTES = 74_000
const COMMAND_LIMIT_MS = 15_000
const START_LIMIT_MS = 20_000
const POLL_MS = 20

export type Space = 'appliance' | 'rack' | 'office'
export type Outcome = { status: number | null; stdout: string; stderr: string }

/** Asks until there is something other than undefined or false; fails after the limit. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  limitMs = START_LIMIT_MS,
): Promise<NonNullable<T>> {
  for (const end = Date.now() + limitMs; Date.now() < end; ) {
    const found = await ask()
    if (found !== undefined && found !== false && found !== null) return found
    await new Promise(wake => setTimeout(wake, POLL_MS))
  }
  throw new Error(`${what}: not within ${limitMs} ms`)
}

export type LogLine = { level: number; msg: string; [field: string]: unknown }

/** pino's number for what only a bug or a broken disk should cause. */
export const LEVEL_ERROR = 50
export const LEVEL_WARN = 40

/** A process whose output is kept in files: nothing that a test does can fill a pipe and stop it. */
export class Running {
  readonly child: ChildProcess
  readonly #out: string
  readonly #err: string
  readonly ended: Promise<{ code: number | null; signal: string | null }>

  constructor(child: ChildProcess, files: { out: string; err: string }) {
    this.child = child
    this.#out = files.out
    this.#err = files.err
    this.ended = new Promise(resolve => child.once('exit', (code, signal) => resolve({ code, signal })))
  }

  get pid(): number {
    return this.child.pid!
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  get stdout(): string {
    return readFileSync(this.#out, 'utf8')
  }

  get stderr(): string {
    return readFileSync(this.#err, 'utf8')
  }

  log(): LogLine[] {
    const lines = this.stdout.split('\n').filter(line => line.startsWith('{') && line.endsWith('}'))
    return lines.map(line => JSON.parse(line) as LogLine)
  }

  async untilSaid(words: string, limitMs?: number): Promise<void> {
    await until(
      `"${words}" in the log`,
      () => {
        if (!this.running && !this.stdout.includes(words)) throw new Error(`it ended: ${this.stderr}${this.stdout}`)
        return this.stdout.includes(words)
      },
      limitMs,
    )
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (!this.running) return
    this.child.kill(signal)
    await this.ended
  }
}

export type SiteChange = {
  state?: string
  loaders?: string
  isos?: string
  network?: string
  /** Lines of further tables, or of tables that the text below does not have. */
  more?: string
  dhcpMode?: string
  /** Further lines of [dhcp]. */
  dhcp?: string
}

/** One rack in namespaces of its own. `close` ends what it started and removes what it made. */
export class Rig {
  readonly folder: string
  readonly #tag: string
  readonly #processes: Running[] = []
  #count = 0

  private constructor(tag: string) {
    this.#tag = `rackrise-${tag}-${process.pid}`
    this.folder = mkdtempSync(join(tmpdir(), `${this.#tag}-`))
    // The appliance may run as another user than root.
    chmodSync(this.folder, 0o755)
  }

  static async open(tag: string): Promise<Rig> {
    const rig = new Rig(tag)
    await buildStandIn({ folder: join(rig.folder, 'isos'), kind: 'small' })
    mkdirSync(join(rig.folder, 'loaders'))
    for (const name of ['undionly.kpxe', 'snponly.efi'])
      writeFileSync(join(rig.folder, 'loaders', name), Buffer.alloc(LOADER_BYTES, name))
    for (const space of ['appliance', 'rack', 'office'] as const) rig.ip('netns', 'add', rig.space(space))
    rig.#plug('eth1', '10.77.0.1/24', 'rack')
    rig.#plug('eth2', '10.78.0.1/24', 'office')
    rig.ip('-n', rig.space('rack'), 'link', 'set', 'eth0', 'address', NODE1_MAC)
    rig.ip('-n', rig.space('rack'), 'addr', 'add', `${STRANGER_ADDRESS}/24`, 'dev', 'eth0')
    rig.ip('-n', rig.space('office'), 'addr', 'add', `${OFFICE_ADDRESS}/24`, 'dev', 'eth0')
    // The office knows a way to the served address, so what it asks does arrive, on the wrong NIC.
    rig.ip('-n', rig.space('office'), 'route', 'add', 'default', 'via', '10.78.0.1')
    return rig
  }

  space(space: Space): string {
    return `${this.#tag}-${space}`
  }

  ip(...words: string[]): void {
    execFileSync('ip', words, { stdio: 'pipe', timeout: COMMAND_LIMIT_MS })
  }

  #plug(device: string, address: string, space: 'rack' | 'office'): void {
    this.ip(
      '-n',
      this.space('appliance'),
      'link',
      'add',
      device,
      'type',
      'veth',
      'peer',
      'name',
      'eth0',
      'netns',
      this.space(space),
    )
    this.ip('-n', this.space('appliance'), 'addr', 'add', address, 'dev', device)
    for (const one of ['lo', device]) this.ip('-n', this.space('appliance'), 'link', 'set', one, 'up')
    for (const one of ['lo', 'eth0']) this.ip('-n', this.space(space), 'link', 'set', one, 'up')
  }

  path(...names: string[]): string {
    return join(this.folder, ...names)
  }

  /** Writes a site file and returns its path. */
  site(change: SiteChange = {}): string {
    const file = this.path(`site-${++this.#count}.toml`)
    const text = `
[site]
name = "rack-7"
domain = "rack7.example.org"
[network]
${change.network ?? 'interface = "eth1"\naddress = "10.77.0.1/24"'}
[dhcp]
mode = "${change.dhcpMode ?? 'server'}"
${change.dhcp ?? ''}
[[dhcp.subnet]]
prefix = "10.77.0.0/24"
pools = ["10.77.0.100-10.77.0.199"]
[[dns.record]]
name = "mirror"
type = "A"
value = "10.77.0.5"
[boot]
loaders = "${change.loaders ?? this.path('loaders')}"
[paths]
isos = "${change.isos ?? this.path('isos')}"
answers = "${join(ROOT, 'answers')}"
state = "${change.state ?? this.path('state')}"
[[profile]]
name = "pve"
iso = "${ISO}"
answers = ["base", "ext4"]
[[machine]]
name = "node1"
mac = ["${NODE1_MAC}"]
address = "${NODE1_ADDRESS}"
profile = "pve"
approve = true
${change.more ?? ''}
`
    writeFileSync(file, text, { mode: 0o644 })
    return file
  }

  /** Starts a program that goes on; it is killed by `close` at the latest. */
  spawn(space: Space, command: string[]): Running {
    const number = ++this.#count
    const files = { out: this.path(`out-${number}`), err: this.path(`err-${number}`) }
    const [out, err] = [openSync(files.out, 'w'), openSync(files.err, 'w')]
    // Dozens of starts read the same source.
    const env = { ...process.env, NODE_COMPILE_CACHE: this.path('cache') }
    const child = spawn('ip', ['netns', 'exec', this.space(space), ...command], {
      cwd: ROOT,
      stdio: ['ignore', out, err],
      env,
    })
    for (const fd of [out, err]) closeSync(fd)
    const running = new Running(child, files)
    this.#processes.push(running)
    return running
  }

  /** Runs a program to its end. */
  async run(space: Space, command: string[], limitMs = COMMAND_LIMIT_MS): Promise<Outcome> {
    const running = this.spawn(space, command)
    const timer = setTimeout(() => running.child.kill('SIGKILL'), limitMs)
    const { code } = await running.ended
    clearTimeout(timer)
    return { status: code, stdout: running.stdout, stderr: running.stderr }
  }

  serveCommand(site: string): string[] {
    return [process.execPath, MAIN, 'serve', '--config', site]
  }

  async serve(site: string): Promise<Running> {
    const appliance = this.spawn('appliance', this.serveCommand(site))
    await appliance.untilSaid('is serving')
    return appliance
  }

  cli(site: string, ...words: string[]): Promise<Outcome> {
    return this.run('appliance', [process.execPath, MAIN, ...words, '--config', site])
  }

  async close(): Promise<void> {
    for (const running of this.#processes) await running.kill()
    for (const space of ['appliance', 'rack', 'office'] as const) spawnSync('ip', ['netns', 'del', this.space(space)])
    rmSync(this.folder, { recursive: true, force: true })
  }
}
