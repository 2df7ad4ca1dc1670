/**
 * A real systemd as the first process of namespaces of its own, with this host's Debian as its root (`systemd-space.sh`): units run there as on a machine,
 * with everything that systemd does to a process. Native, so that a start takes a second also where no processor can be virtualised.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './appliance-rig.ts'

const SCRIPT = join(import.meta.dirname, 'systemd-space.sh')
const BOOT_LIMIT_MS = 60_000
const COMMAND_LIMIT_MS = 60_000

/** What would touch the kernel that this host has, too, and what nobody looks at. */
const MASKED = `systemd-sysctl.service systemd-binfmt.service proc-sys-fs-binfmt_misc.automount systemd-modules-load.service modprobe@.service
  systemd-random-seed.service systemd-pstore.service systemd-udev-trigger.service systemd-remount-fs.service systemd-journald-audit.socket
  kmod-static-nodes.service sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount sys-fs-fuse-connections.mount dev-hugepages.mount
  dev-mqueue.mount systemd-logind.service console-getty.service getty.target systemd-update-utmp.service systemd-update-utmp-runlevel.service
  systemd-user-sessions.service systemd-ask-password-wall.path systemd-ask-password-console.path`

export type Done = { status: number | null; stdout: string; stderr: string }

/** Of processes: PIDs that a process has as its children. */
function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}

/** A group of the unified hierarchy below our own, in which nobody else is: what its namespace has as its root. Mounted where nobody else sees it. */
const GROUPS = `mount -t cgroup2 cgroup2 "$1" && group=$1$(sed -n s/^0:://p /proc/self/cgroup)/rackrise-systemd-$2`
const JOIN = `${GROUPS} && mkdir "$group" && echo $$ > "$group/cgroup.procs" && umount "$1" && shift 2 && exec unshare "$@"`
const LEAVE = `${GROUPS} && find "$group" -depth -type d -exec rmdir {} +`

export class SystemdSpace {
  /** Its `/srv/rig`. */
  readonly rig: string
  readonly #folder: string
  #outer: ChildProcess | undefined
  #pid = 0

  private constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), 'rackrise-systemd-'))
    chmodSync(this.#folder, 0o755)
    this.rig = join(this.#folder, 'rig')
    for (const folder of [this.rig, this.#groups]) mkdirSync(folder)
  }

  get #groups(): string {
    return join(this.#folder, 'groups')
  }

  /** Resolves when its systemd has started what belongs to it. */
  static async boot(): Promise<SystemdSpace> {
    const space = new SystemdSpace()
    try {
      await space.#boot()
      return space
    } catch (error) {
      await space.close()
      throw error
    }
  }

  async #boot(): Promise<void> {
    const own = ['--mount', '--pid', '--net', '--uts', '--ipc', '--cgroup', '--fork', '--kill-child']
    const alone = ['setpriv', '--pdeathsig', 'KILL', 'unshare', '--mount', 'sh', '-c', JOIN, 'sh']
    const words = [...alone, this.#groups, String(process.pid), ...own, 'sh', SCRIPT, this.#folder, MASKED]
    this.#outer = spawn(words[0]!, words.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    this.#outer.stderr!.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await until(
      'a systemd',
      () => {
        if (this.#outer!.exitCode !== null) throw new Error(`no systemd: ${said}`)
        this.#pid = childrenOf(this.#outer!.pid!)[0] ?? 0
        return this.#pid > 0 && readFileSync(`/proc/${this.#pid}/comm`, 'utf8') === 'systemd\n'
      },
      BOOT_LIMIT_MS,
    )
    await until('its bus', async () => (await this.run('systemctl show-environment')).status === 0, BOOT_LIMIT_MS)
    const { stdout } = await this.run('systemctl is-system-running --wait; systemctl --failed --no-legend')
    if (stdout !== 'running\n') throw new Error(`systemd is ${stdout}`)
  }

  /** As root, by its shell. */
  run(script: string, limitMs = COMMAND_LIMIT_MS): Promise<Done> {
    const enter = ['--target', String(this.#pid), '--mount', '--pid', '--net', '--uts', '--ipc', '--cgroup']
    const environment = [
      'env',
      '-i',
      'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
      'LANG=C.UTF-8',
      'SYSTEMD_COLORS=0',
      'SYSTEMD_PAGER=',
    ]
    const child = spawn('nsenter', [...enter, ...environment, 'sh', '-c', script], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const done = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr'] as const)
      child[name].setEncoding('utf8').on('data', (text: string) => {
        done[name] += text
      })
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
    return new Promise((resolve, reject) => {
      child.once('error', reject).once('close', status => {
        clearTimeout(timer)
        resolve({ status, ...done })
      })
    })
  }

  /** The first process takes all others with it. */
  async close(): Promise<void> {
    const outer = this.#outer
    if (outer && outer.exitCode === null && outer.signalCode === null) {
      const ended = new Promise(resolve => outer.once('close', resolve))
      if (this.#pid > 0) process.kill(this.#pid, 'SIGKILL')
      else outer.kill('SIGKILL')
      await ended
    }
    execFileSync('unshare', ['--mount', 'sh', '-c', LEAVE, 'sh', this.#groups, String(process.pid)])
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
