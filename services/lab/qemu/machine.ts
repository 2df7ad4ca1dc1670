/** A machine of the lab with real firmware: QEMU, a disk that lasts, a serial port that is heard, a plug that can be pulled. */
import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { type FileHandle, mkdir, open, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { EnvironmentProblem } from '../../kit/problem.ts'
import {
  commandLine,
  DESCRIPTORS,
  diskFile,
  FILTER_ID,
  isUnmarked,
  type QemuMachineRequest,
  variablesFile,
} from './command-line.ts'
import { type Control, openControl } from './control.ts'
import { relayFrames } from './frame-relay.ts'
import { missingForQemu, missingPackagesProblem, SECURE_VARIABLES, UEFI_VARIABLES } from './requirements.ts'
import { SerialLog } from './serial-log.ts'
import { withBootOrder } from './uefi-variables.ts'

export type { Acceleration, QemuMachineRequest } from './command-line.ts'

/** How a machine came to be off: by itself, by its plug, or because QEMU could not run. */
export type PowerOff = { why: 'guest' | 'plug' } | { why: 'qemu'; message: string }

export type QemuMachineEvents = {
  /** One line of the serial port, without control sequences. */
  line: [text: string]
  'power-on': []
  /** The guest, or firmware, started the machine anew. */
  reset: []
  /** The firmware of this boot asked for a file by TFTP (BIOS machines only). */
  loader: []
  'power-off': [how: PowerOff]
}

export class QemuMachine {
  readonly request: QemuMachineRequest
  readonly events = new EventEmitter<QemuMachineEvents>()
  readonly serial: SerialLog
  #process: ChildProcess | undefined
  #control: Control | undefined
  #exited: Promise<PowerOff> = Promise.resolve({ why: 'plug' })
  #pulled = false

  /** Use `startQemuMachine`. */
  constructor(request: QemuMachineRequest, log: FileHandle) {
    this.request = request
    this.serial = new SerialLog(log, text => this.events.emit('line', text))
  }

  get name(): string {
    return this.request.name
  }

  /** Of the present run; settled when the machine is off. */
  get exited(): Promise<PowerOff> {
    return this.#exited
  }

  get isOn(): boolean {
    return this.#process !== undefined
  }

  /** Does nothing when it is on. */
  powerOn(): void {
    if (this.#process) return
    const [command, ...rest] = commandLine(this.request)
    const pipes = isUnmarked(this.request) ? (['pipe', 'pipe', 'pipe'] as const) : (['pipe'] as const)
    const child = spawn(command!, rest, { stdio: ['ignore', 'pipe', 'pipe', ...pipes] })
    this.#process = child
    this.#pulled = false
    this.#exited = this.#watch(child)
    child.stdout!.on('data', (bytes: Buffer) => this.serial.add(bytes))
    this.#listen(child)
    this.events.emit('power-on')
  }

  /** By QEMU's name of the key; nothing happens while it is off. */
  pressKey(code: string): void {
    if (this.#process) this.#control?.pressKey(code)
  }

  /** Pulls the plug. What the guest wrote to its disk stays written. */
  async powerOff(): Promise<void> {
    this.#pulled = true
    this.#process?.kill('SIGKILL')
    await this.#exited
  }

  /** Pulls the plug and puts it in again. */
  async powerCycle(): Promise<void> {
    await this.powerOff()
    this.powerOn()
  }

  /** Pulls the plug for good. */
  async close(): Promise<void> {
    await this.powerOff()
    await this.serial.close()
  }

  #listen(child: ChildProcess): void {
    const pipe = (number: number): Duplex => child.stdio[number] as Duplex
    const unmarked = isUnmarked(this.request)
    const control = openControl(pipe(DESCRIPTORS.control), () => {
      relay?.bootBegins()
      if (unmarked) control.switchFilter(FILTER_ID, 'on')
      this.events.emit('reset')
    })
    this.#control = control
    const relay = unmarked
      ? relayFrames(pipe(DESCRIPTORS.framesOut), pipe(DESCRIPTORS.framesIn), () => {
          // Nothing is left to blank, and a download is quicker without this process in its way.
          control.switchFilter(FILTER_ID, 'off')
          this.events.emit('loader')
        })
      : undefined
  }

  #watch(child: ChildProcess): Promise<PowerOff> {
    let complaint = ''
    child.stderr!.on('data', (bytes: Buffer) => {
      complaint = (complaint + bytes.toString()).slice(-2000)
    })
    return new Promise(resolve => {
      const off = (how: PowerOff): void => {
        if (this.#process !== child) return
        this.#process = undefined
        this.events.emit('power-off', how)
        resolve(how)
      }
      child.once('error', error => off({ why: 'qemu', message: error.message }))
      // 'close' and not 'exit': the last serial lines come before it.
      child.once('close', code => {
        if (this.#pulled) off({ why: 'plug' })
        else off(code === 0 ? { why: 'guest' } : { why: 'qemu', message: complaint.trim() || `exit status ${code}` })
      })
    })
  }
}

/**
 * Makes the folder and the disk if they are not there, and switches the machine on.
 * Throws EnvironmentProblem `missing-packages`, or `bad-folder` when the folder cannot be written.
 */
export async function startQemuMachine(request: QemuMachineRequest): Promise<QemuMachine> {
  const missing = await missingForQemu()
  if (missing.length > 0) throw missingPackagesProblem(missing, 'a QEMU machine')
  const machine = new QemuMachine(request, await prepare(request))
  machine.powerOn()
  return machine
}

async function prepare(request: QemuMachineRequest): Promise<FileHandle> {
  try {
    await mkdir(request.folder, { recursive: true })
    const disk = await open(diskFile(request), 'a')
    const { size } = await disk.stat()
    // Holes only: an empty disk takes no room.
    if (size < request.diskMiB * 1024 * 1024) await disk.truncate(request.diskMiB * 1024 * 1024)
    await disk.close()
    const variables = variablesFile(request)
    const template = request.secureBoot ? SECURE_VARIABLES : UEFI_VARIABLES
    if (request.firmware === 'uefi' && !(await stat(variables).catch(() => undefined))) {
      await writeFile(
        variables,
        withBootOrder(await readFile(template), request.tap === undefined ? undefined : request),
      )
    }
    return await open(join(request.folder, 'serial.log'), 'a')
  } catch (error) {
    const message = `can't make machine ${request.name} in ${request.folder}: ${String(error)}`
    throw new EnvironmentProblem('bad-folder', message, 'give the lab a folder that it may write')
  }
}
