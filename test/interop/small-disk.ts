/** A disk of its own that can be as small as it likes: a tmpfs in a mount namespace that a process holds open, whose limits change while it is in use. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, statfsSync } from 'node:fs'
import { join } from 'node:path'

/** What is room for anything here. */
const PLENTY = 'size=512m,nr_inodes=10000'
const PROGRAM_LIMIT_MS = 60_000

/** What is left of it: octets, or files that can be made. */
export type Left = { bytes: number } | { files: number }

export class SmallDisk {
  readonly #holder: ChildProcess
  readonly #path: string

  private constructor(holder: ChildProcess, path: string) {
    this.#holder = holder
    this.#path = path
  }

  /** @param path a folder, where processes that run on it find it */
  static async make(path: string): Promise<SmallDisk> {
    mkdirSync(path)
    const script = 'mount -t tmpfs -o "$1" none "$2" && echo there && exec cat'
    const command = ['--mount', 'sh', '-c', script, 'sh', PLENTY, path]
    const holder = spawn('unshare', command, { stdio: ['pipe', 'pipe', 'inherit'] })
    await new Promise((resolve, reject) => {
      holder.stdout.once('data', resolve)
      holder.once('exit', code => reject(new Error(`no disk of its own: ${code}`)))
    })
    return new SmallDisk(holder, path)
  }

  /** The same files, seen from outside. */
  outside(...names: string[]): string {
    return join('/proc', `${this.#holder.pid}`, 'root', this.#path, ...names)
  }

  inside(...names: string[]): string {
    return join(this.#path, ...names)
  }

  /** Runs a program that sees it, to its end. */
  run(command: string[]): { status: number | null; stdout: string; stderr: string } {
    const words = [`--mount=/proc/${this.#holder.pid}/ns/mnt`, ...command]
    return spawnSync('nsenter', words, { encoding: 'utf8', timeout: PROGRAM_LIMIT_MS })
  }

  #limit(options: string): void {
    const { status, stderr } = this.run(['mount', '-o', `remount,${options}`, this.#path])
    if (status !== 0) throw new Error(`mount -o remount,${options}: ${stderr}`)
  }

  leave(left: Left): void {
    const { blocks, bfree, bsize, files, ffree } = statfsSync(this.outside())
    this.#limit(
      'bytes' in left ? `size=${(blocks - bfree) * bsize + left.bytes}` : `nr_inodes=${files - ffree + left.files}`,
    )
  }

  makeRoom(): void {
    this.#limit(PLENTY)
  }

  async close(): Promise<void> {
    const ended = new Promise(resolve => this.#holder.once('exit', resolve))
    this.#holder.kill('SIGKILL')
    await ended
  }
}
