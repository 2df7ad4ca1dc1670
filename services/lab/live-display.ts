/** Writes the lab's table: redrawn in place on a terminal, a line for every change anywhere else. */
import type { Clock } from '../kit/clock.ts'
import {
  changeLine,
  newLabState,
  observe,
  render,
  summary,
  type LabState,
  type Screen,
  type ShownMachine,
} from './display.ts'
import type { Stage } from './stage.ts'

/** The part of `process.stdout` that is needed. */
export type Terminal = { isTTY?: boolean; columns?: number; rows?: number; write(text: string): unknown }

const REDRAW_MS = 200
/** Without a terminal the download is told in quarters. */
const TOLD_PARTS = 4
const DEFAULT_WIDTH = 80
const DEFAULT_HEIGHT = 24
const CLEAR_BELOW = '\u001b[J'
const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'

function upBy(lines: number): string {
  return lines > 0 ? `\u001b[${lines}A\r` : '\r'
}

/** Which part of the download a stage stands in; other stages are one part. */
function partOf(stage: Stage): string {
  if (stage.at !== 'iso') return stage.at
  return stage.total ? `iso ${Math.floor((stage.received / stage.total) * TOLD_PARTS)}` : 'iso'
}

export class LiveDisplay {
  private state: LabState
  private readonly terminal: Terminal
  private readonly clock: Clock
  private drawn = 0
  private cancel = () => {}

  constructor(title: string, machines: readonly ShownMachine[], terminal: Terminal, clock: Clock) {
    this.terminal = terminal
    this.clock = clock
    this.state = newLabState(title, machines, clock.now())
    if (!terminal.isTTY) return
    terminal.write(HIDE_CURSOR)
    this.draw()
  }

  /** Some terminals (serial ones, pipes in disguise) say that they are 0 by 0. */
  private screen(): Screen {
    const { isTTY, columns, rows } = this.terminal
    return { width: columns || DEFAULT_WIDTH, height: (rows || DEFAULT_HEIGHT) - 1, colour: isTTY === true }
  }

  private draw(): void {
    this.redraw()
    this.cancel = this.clock.after(REDRAW_MS, () => this.draw())
  }

  private redraw(): void {
    const lines = render(this.state, this.clock.now(), this.screen())
    this.terminal.write(`${upBy(this.drawn)}${CLEAR_BELOW}${lines.join('\n')}\n`)
    this.drawn = lines.length
  }

  /** A machine reached a stage, or went on in it. */
  show(name: string, stage: Stage, address?: string): void {
    const before = this.state.rows.find(row => row.name === name)
    this.state = observe(this.state, name, stage, this.clock.now(), address)
    if (this.terminal.isTTY || !before || partOf(before.stage) === partOf(stage)) return
    const row = this.state.rows.find(({ name: other }) => other === name)!
    this.terminal.write(`${changeLine(row, this.clock.now())}\n`)
  }

  /** A line of text above the table. */
  say(text: string): void {
    if (!this.terminal.isTTY) return void this.terminal.write(`${text}\n`)
    this.terminal.write(`${upBy(this.drawn)}${CLEAR_BELOW}${text}\n`)
    this.drawn = 0
    this.redraw()
  }

  /** The last table and the summary. */
  close(): void {
    this.cancel()
    if (this.terminal.isTTY) {
      this.redraw()
      this.terminal.write(SHOW_CURSOR)
    }
    this.terminal.write(`${summary(this.state, this.clock.now(), this.screen()).join('\n')}\n`)
  }
}
