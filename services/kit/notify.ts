/**
 * What the service manager is told, as sd_notify(3) writes it: when all is served, what goes on, that the event loop turns. `native-notify.ts` sends it;
 * without a NOTIFY_SOCKET nothing is sent, and nothing else changes. A reload calls `reloading()`, and `ready(status)` at its end, also when the new
 * site was refused and the old one goes on: systemd waits for it.
 */

const US_PER_MS = 1000
const NS_PER_US = 1000n

/** What a step of a start may take before the next word, whatever TimeoutStartSec= says: a copy of a large database on a slow disk is one step. */
const PATIENCE_MS = 10 * 60_000

/** Sends one datagram; false when the manager does not take it now. */
export type SendNotice = (text: string) => boolean

/** Nanoseconds of CLOCK_MONOTONIC. */
export type Monotonic = () => bigint

/** The manager shows one line, and a line feed would begin another assignment. */
export function statusLine(text: string): string {
  return `STATUS=${text.replaceAll(/\p{Cc}+/gu, ' ').trim()}`
}

export class ServiceManager {
  readonly #send: SendNotice | undefined
  readonly #monotonic: Monotonic
  /** Half of WatchdogSec=; undefined where the unit asks for no watchdog. */
  readonly aliveEveryMs: number | undefined
  /** What was not taken yet: the newest state and the newest status, each of which replaces the one before it. */
  #state: string[] = []
  #status: string | undefined
  #shown: string | undefined
  #isStopping = false

  constructor(send: SendNotice | undefined, monotonic: Monotonic, aliveEveryMs?: number) {
    this.#send = send
    this.#monotonic = monotonic
    this.aliveEveryMs = send && aliveEveryMs
  }

  /** Whether anybody listens. */
  get isThere(): boolean {
    return this.#send !== undefined
  }

  /** The start goes on, and its next step may take ten minutes. */
  starting(status: string): void {
    this.#status = status
    this.#tell(`EXTEND_TIMEOUT_USEC=${PATIENCE_MS * US_PER_MS}`)
  }

  /** All is served, at first or again after a reload. */
  ready(status: string): void {
    this.#enter(['READY=1'], status)
  }

  /** Another site is read; the manager waits for `ready`. */
  reloading(status = 'reading the site file again'): void {
    this.#enter(['RELOADING=1', `MONOTONIC_USEC=${this.#monotonic() / NS_PER_US}`], status)
  }

  /** From here on the status stays that. */
  stopping(status: string): void {
    this.#isStopping = true
    this.#enter(['STOPPING=1'], status)
  }

  /** What is going on, in words for `systemctl status`. Tells it if it is news, or was not taken the last time. */
  status(text: string): void {
    if (text !== this.#shown && !this.#isStopping) this.#status = text
    if (this.#state.length > 0 || this.#status !== undefined) this.#tell()
  }

  /** The event loop turns. Called by it and by nothing else, so that the manager ends a process that is stuck. */
  alive(): void {
    this.#tell('WATCHDOG=1')
  }

  #enter(state: string[], status: string): void {
    this.#state = state
    this.#status = status
    this.#tell()
  }

  /** State and status wait until they are taken; what counts for the moment only is not said later. */
  #tell(...momentary: string[]): void {
    if (!this.#send) return
    const status = this.#status === undefined ? [] : [statusLine(this.#status)]
    if (!this.#send([...this.#state, ...momentary, ...status].join('\n'))) return
    this.#state = []
    this.#shown = this.#status ?? this.#shown
    this.#status = undefined
  }
}

/** Half of WATCHDOG_USEC, as sd_watchdog_enabled(3) advises; undefined if there is none, or it is meant for another process. */
export function aliveEvery(environment: Record<string, string | undefined>, pid: number): number | undefined {
  const microseconds = Number(environment['WATCHDOG_USEC'])
  const meantFor = environment['WATCHDOG_PID']
  if (!(microseconds > 0) || (meantFor !== undefined && meantFor !== String(pid))) return undefined
  return Math.max(1, Math.floor(microseconds / US_PER_MS / 2))
}

const AF_UNIX = 1
/** Of struct sockaddr_un. */
const PATH_BYTES = 108

/** struct sockaddr_un of NOTIFY_SOCKET, a path or `@` and an abstract name. Undefined for another kind (`vsock:`) and for one that does not fit. */
export function unixAddress(name: string): Uint8Array | undefined {
  if (!/^[/@]./s.test(name)) return undefined
  const isAbstract = name.startsWith('@')
  // The end of a path is a zero byte; the end of an abstract name is that of the address, and zero is what it begins with.
  const path = new TextEncoder().encode(isAbstract ? `\0${name.slice(1)}` : `${name}\0`)
  if (path.length > PATH_BYTES) return undefined
  const address = new Uint8Array(2 + path.length)
  new DataView(address.buffer).setUint16(0, AF_UNIX, true)
  address.set(path, 2)
  return address
}
