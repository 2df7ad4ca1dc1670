/** People and programs that look at the appliance all day: a console that is open, a list that is asked for again and again, a command in a terminal. */
import { spawn } from 'node:child_process'
import { request } from 'node:http'
import { join } from 'node:path'
import type { Fleet } from '../../services/console/fleet.ts'
import { NOTHING_READ, readChunk, type SentEvent } from '../../services/console/page/wire/event-stream.ts'
import type { MachineView } from '../../services/console/schema/machine.ts'

const MAIN = join(import.meta.dirname, '../../services/main.ts')
const LIST_EVERY_MS = 2_000
const COMMAND_EVERY_MS = 20_000

export type Watched = {
  /** From the stream: all events, and how often it could not tell what was missed. */
  events: number
  resets: number
  lists: number
  commands: number
  /** Milliseconds of each list, as whoever asks waits for it. */
  listMs: number[]
}

/** The stream of events, read as the page reads it; what is wrong with it is a line in `wrong`. */
function openStream(socketPath: string, watched: Watched, states: Map<string, string>, wrong: string[]): () => void {
  let isOver = false
  let reading = NOTHING_READ
  let last = 0
  const take = ({ name, data, id }: SentEvent): void => {
    if (name === 'reset') watched.resets += 1
    if (name !== 'machine') return
    watched.events += 1
    if (Number(id) <= last) wrong.push(`the stream of events told number ${id} after ${last}`)
    last = Number(id)
    const { machine } = JSON.parse(data) as { machine: MachineView }
    states.set(machine.id, machine.state)
  }
  const call = request({ socketPath, path: '/api/v1/events' }, response => {
    response.setEncoding('utf8').on('data', (text: string) => {
      const read = readChunk(reading, text)
      reading = read.reading
      for (const event of read.events) take(event)
    })
    response.on('error', () => {})
    response.on('close', () => void (isOver || wrong.push('the stream of events broke off')))
  })
  call.on('error', (error: Error) => void (isOver || wrong.push(`no stream of events: ${error.message}`)))
  call.end()
  return () => {
    isOver = true
    call.destroy()
  }
}

function runList(siteFile: string): Promise<string | undefined> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [MAIN, 'machine', 'list', '--config', siteFile, '--json'])
    let [said, complaint] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
    child.once('close', code =>
      resolve(
        code === 0 && said.startsWith('[') ? undefined : `\`machine list\` ended with ${code}: ${complaint.trim()}`,
      ),
    )
  })
}

export class Watchers {
  readonly watched: Watched = { events: 0, resets: 0, lists: 0, commands: 0, listMs: [] }
  readonly wrong: string[] = []
  /** The latest state of each machine, as the stream told it. */
  readonly states = new Map<string, string>()
  readonly #fleet: Fleet
  readonly #siteFile: string
  readonly #closeStream: () => void
  readonly #work: Promise<unknown>
  #isOver = false

  constructor(fleet: Fleet, siteFile: string, socketPath: string) {
    this.#fleet = fleet
    this.#siteFile = siteFile
    this.#closeStream = openStream(socketPath, this.watched, this.states, this.wrong)
    this.#work = Promise.all([
      this.#again(LIST_EVERY_MS, () => this.#list()),
      this.#again(COMMAND_EVERY_MS, () => this.#command()),
    ])
  }

  /** Ends the asking; the stream stays open. */
  async stopAsking(): Promise<void> {
    this.#isOver = true
    await this.#work
  }

  /** What the stream told last must be what the list says now. */
  async compare(): Promise<void> {
    for (const { id, name, state } of await this.#fleet.list()) {
      const told = this.states.get(id)
      if (told !== undefined && told !== state)
        this.wrong.push(`the stream of events has ${name} as ${told}, the list as ${state}`)
    }
  }

  close(): void {
    this.#closeStream()
  }

  async #again(everyMs: number, work: () => Promise<void>): Promise<void> {
    for (let next = Date.now() + everyMs; !this.#isOver; ) {
      await new Promise(wake => setTimeout(wake, 200))
      if (Date.now() < next) continue
      await work()
      next = Date.now() + everyMs
    }
  }

  async #list(): Promise<void> {
    const began = performance.now()
    const views = await this.#fleet.list()
    this.watched.listMs.push(performance.now() - began)
    this.watched.lists += 1
    if (views.length === 0) this.wrong.push('the list of machines is empty')
  }

  async #command(): Promise<void> {
    const problem = await runList(this.#siteFile)
    this.watched.commands += 1
    if (problem) this.wrong.push(problem)
  }
}
