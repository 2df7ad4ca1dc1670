/** Hostile and clumsy neighbours, one after the other, each a process of its own with an address of its own, until it is over. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { type Ipv4, ipv4FromNumber, ipv4ToNumber } from '../../services/kit/ipv4.ts'

const ASSAULT = join(import.meta.dirname, '../interop/appliance-assault.ts')
const NEIGHBOUR = join(import.meta.dirname, 'neighbour.ts')
/** In turn; each ends by itself but `hold`, which ends with its input. */
const PROGRAMS: readonly (readonly [file: string, what: string])[] = [
  [NEIGHBOUR, 'flood'],
  [ASSAULT, 'udp'],
  [NEIGHBOUR, 'scan'],
  [ASSAULT, 'http'],
  [NEIGHBOUR, 'slow'],
  [ASSAULT, 'hold'],
]
/** From the end of one to the beginning of the next. */
const PAUSE_MS = 5_000
const HOLD_MS = 15_000
const RUN_LIMIT_MS = 60_000

/** One run; undefined when it went well. */
function run(file: string, words: readonly string[]): Promise<string | undefined> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [file, ...words], { stdio: ['pipe', 'ignore', 'pipe'] })
    let complaint = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
    child.stdin.on('error', () => {})
    const hold = setTimeout(() => child.stdin.end(), HOLD_MS)
    const limit = setTimeout(() => child.kill('SIGKILL'), RUN_LIMIT_MS)
    child.once('close', code => {
      clearTimeout(hold)
      clearTimeout(limit)
      resolve(code === 0 ? undefined : `${words[0]} ended with ${code}: ${complaint.trim().slice(0, 300)}`)
    })
  })
}

export class Garbage {
  /** Runs by their names. */
  readonly runs: Record<string, number> = {}
  readonly wrong: string[] = []
  readonly #work: Promise<void>
  #isOver = false

  /** @param first an address of the rack that nobody leases, with as many after it as there are programs */
  constructor(first: Ipv4) {
    this.#work = this.#go(first)
  }

  /** Ends with the one that is under way. */
  async stop(): Promise<void> {
    this.#isOver = true
    await this.#work
  }

  async #go(first: Ipv4): Promise<void> {
    for (let turn = 0; !this.#isOver; turn++) {
      const index = turn % PROGRAMS.length
      const [file, what] = PROGRAMS[index]!
      const from = ipv4FromNumber(ipv4ToNumber(first) + index)
      const problem = await run(file, [what, from, String(turn + 1)])
      this.runs[what] = (this.runs[what] ?? 0) + 1
      if (problem) this.wrong.push(`a neighbour failed: ${problem}`)
      if (!this.#isOver) await new Promise(wake => setTimeout(wake, PAUSE_MS))
    }
  }
}
