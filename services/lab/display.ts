/** The lab on a terminal: what happened goes in, lines come out. `live-display.ts` writes them. */
import { styleText } from 'node:util'
import type { Instant } from '../kit/clock.ts'
import { isFinal, type Stage } from './stage.ts'

export type ShownMachine = { name: string; firmware: 'bios' | 'uefi'; mac: string }

export type Row = ShownMachine & {
  stage: Stage
  address?: string
  startedAt?: Instant
  /** When the stage began; for `iso` the rate is counted from there. */
  stageAt: Instant
  /** When it reached a final stage. */
  endedAt?: Instant
}

/** Rows in the order of the rack. */
export type LabState = { title: string; startedAt: Instant; rows: Row[] }

export type Screen = {
  width: number
  /** Lines that the table may have; more machines than that are shown as counts. */
  height: number
  colour: boolean
}

type Colour = 'red' | 'green' | 'yellow' | 'cyan' | 'dim' | 'bold'

const STAGE_COLOURS: Partial<Record<Stage['at'], Colour>> = {
  off: 'dim',
  iso: 'cyan',
  installing: 'yellow',
  installed: 'green',
  'booted-disk': 'green',
  held: 'green',
  failed: 'red',
}

/** In the order of a machine's life. */
const STAGES: readonly Stage['at'][] = [
  'off',
  'power-on',
  'dhcp',
  'loader',
  'script',
  'kernel',
  'iso',
  'answer',
  'installing',
  'reboot',
  'installed',
  'booted-disk',
  'held',
  'failed',
]

const GAP = '  '
const FIRMWARE_WIDTH = 4
const MAC_WIDTH = 17
const ELAPSED_WIDTH = 7
/** `iso 100 % 123.4 MB/s` fits; with less room the MAC gives way. */
const STAGE_MINIMUM = 20
const BAR_WIDTH = 12
/** From this width on a stage has room for a bar. */
const BAR_STAGE_WIDTH = 36
const LONGEST_NAME = 20
const LONGEST_ADDRESS = 15
/** Title, counts, an empty line, the heads of the columns and the line about the rest. */
const LINES_AROUND = 5

export function newLabState(title: string, machines: readonly ShownMachine[], now: Instant): LabState {
  return { title, startedAt: now, rows: machines.map(machine => ({ ...machine, stage: { at: 'off' }, stageAt: now })) }
}

/** The state after one machine said where it is. Machines that are not of this rack change nothing. */
export function observe(state: LabState, name: string, stage: Stage, now: Instant, address?: string): LabState {
  const rows = state.rows.map(row => (row.name === name ? move(row, stage, now, address) : row))
  return { ...state, rows }
}

function move(row: Row, stage: Stage, now: Instant, address: string | undefined): Row {
  const { endedAt, ...rest } = row
  return {
    ...rest,
    stage,
    ...(address === undefined ? {} : { address }),
    ...(stage.at === 'off' ? {} : { startedAt: row.startedAt ?? now }),
    stageAt: row.stage.at === stage.at ? row.stageAt : now,
    ...(isFinal(stage) ? { endedAt: endedAt ?? now } : {}),
  }
}

/** `0:07`, `12:03`, `1:02:03`. */
export function formatElapsed(ms: number): string {
  const seconds = Math.max(Math.floor(ms / 1000), 0)
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const two = (value: number) => String(value).padStart(2, '0')
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`
}

/** Reasons carry text of a server: no control character of it reaches the terminal. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, ' ').trim()
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(width - 1, 0))}…`
}

function fit(text: string, width: number): string {
  return cut(text, width).padEnd(width)
}

function isoText(stage: Extract<Stage, { at: 'iso' }>, sinceMs: number, width: number): string {
  const rate = sinceMs > 0 ? `${(stage.received / 1000 / sinceMs).toFixed(1)} MB/s` : ''
  if (!stage.total) return `iso ${(stage.received / 1e6).toFixed(1)} MB ${rate}`.trim()
  const share = Math.min(stage.received / stage.total, 1)
  const percent = `${Math.floor(share * 100)} %`
  if (width < BAR_STAGE_WIDTH) return `iso ${percent} ${rate}`.trim()
  const filled = Math.round(share * BAR_WIDTH)
  return `iso ${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)} ${percent} ${rate}`.trim()
}

/** What the stage column says. */
function stageText(row: Row, now: Instant, width: number): string {
  const { stage } = row
  if (stage.at === 'iso') return isoText(stage, now - row.stageAt, width)
  return stage.at === 'failed' ? `failed: ${printable(stage.why)}` : stage.at
}

function elapsedText(row: Row, now: Instant): string {
  return row.startedAt === undefined ? '' : formatElapsed((row.endedAt ?? now) - row.startedAt)
}

type Columns = { name: number; mac: boolean; address: number; stage: number }

function columnsFor(rows: readonly Row[], width: number): Columns {
  const widest = (texts: string[], least: number, most: number) =>
    Math.min(Math.max(least, ...texts.map(text => text.length)), most)
  const name = widest(
    rows.map(row => printable(row.name)),
    'name'.length,
    LONGEST_NAME,
  )
  const address = widest(
    rows.map(row => row.address ?? ''),
    'address'.length,
    LONGEST_ADDRESS,
  )
  const without = width - name - FIRMWARE_WIDTH - address - ELAPSED_WIDTH - 4 * GAP.length
  const withMac = without - MAC_WIDTH - GAP.length
  const mac = withMac >= STAGE_MINIMUM
  return { name, mac, address, stage: Math.max(mac ? withMac : without, 1) }
}

function paint(text: string, colour: Colour | undefined, screen: Screen): string {
  return colour && screen.colour ? styleText(colour, text, { validateStream: false }) : text
}

function headLine(columns: Columns, screen: Screen): string {
  const cells = [
    fit('name', columns.name),
    fit('fw', FIRMWARE_WIDTH),
    ...(columns.mac ? [fit('mac', MAC_WIDTH)] : []),
    fit('address', columns.address),
    fit('stage', columns.stage),
    'elapsed'.padStart(ELAPSED_WIDTH),
  ]
  return paint(cut(cells.join(GAP), screen.width), 'dim', screen)
}

function rowLine(row: Row, now: Instant, columns: Columns, screen: Screen): string {
  const cells = [
    fit(printable(row.name), columns.name),
    fit(row.firmware.toUpperCase(), FIRMWARE_WIDTH),
    ...(columns.mac ? [fit(row.mac, MAC_WIDTH)] : []),
    fit(row.address ?? '-', columns.address),
    paint(fit(stageText(row, now, columns.stage), columns.stage), STAGE_COLOURS[row.stage.at], screen),
    elapsedText(row, now).padStart(ELAPSED_WIDTH),
  ]
  return cells.join(GAP)
}

function countOf(state: LabState, at: Stage['at']): number {
  return state.rows.filter(row => row.stage.at === at).length
}

function titleLine(state: LabState, now: Instant, screen: Screen): string {
  const done = state.rows.filter(row => isFinal(row.stage)).length
  const failed = countOf(state, 'failed')
  const left = `${state.title}: ${state.rows.length} machines, ${done} done${failed > 0 ? `, ${failed} failed` : ''}`
  const elapsed = formatElapsed(now - state.startedAt)
  return paint(`${fit(left, Math.max(screen.width - elapsed.length - 1, 1))} ${elapsed}`, 'bold', screen)
}

/** One or more lines of `stage count`, broken at the width. */
function countLines(state: LabState, screen: Screen): string[] {
  const lines: { width: number; parts: string[] }[] = [{ width: 0, parts: [] }]
  for (const at of STAGES) {
    const count = countOf(state, at)
    if (count === 0) continue
    const part = `${at} ${count}`
    if (lines.at(-1)!.width + part.length > screen.width) lines.push({ width: 0, parts: [] })
    const line = lines.at(-1)!
    line.width += part.length + 3
    line.parts.push(paint(part, STAGE_COLOURS[at], screen))
  }
  return lines.map(({ parts }) => parts.join('   '))
}

/** Failures, since somebody has to do something about them, in at most half of the room; then whoever changed last. */
function interesting(state: LabState, room: number): { shown: Row[]; more: number } {
  const latest = state.rows.toSorted((a, b) => b.stageAt - a.stageAt)
  const failed = latest.filter(row => row.stage.at === 'failed')
  const moving = latest.filter(row => row.stage.at !== 'off' && !isFinal(row.stage))
  const forFailed = Math.max(Math.ceil(room / 2), room - moving.length)
  const shown = [...failed.slice(0, forFailed), ...moving].slice(0, room)
  return { shown, more: failed.length + moving.length - shown.length }
}

function renderMany(state: LabState, now: Instant, screen: Screen): string[] {
  const counts = countLines(state, screen)
  const { shown, more } = interesting(state, Math.max(screen.height - LINES_AROUND - counts.length + 1, 1))
  const columns = columnsFor(shown, screen.width)
  return [
    titleLine(state, now, screen),
    ...counts,
    ...(shown.length > 0 ? ['', headLine(columns, screen)] : []),
    ...shown.map(row => rowLine(row, now, columns, screen)),
    ...(more > 0 ? [paint(`and ${more} more that move or failed`, 'dim', screen)] : []),
  ]
}

/** The table, one line a machine; counts and the machines that move or fail where not all have room. No line is wider than the screen. */
export function render(state: LabState, now: Instant, screen: Screen): string[] {
  if (state.rows.length + 2 > screen.height) return renderMany(state, now, screen)
  const columns = columnsFor(state.rows, screen.width)
  return [
    titleLine(state, now, screen),
    headLine(columns, screen),
    ...state.rows.map(row => rowLine(row, now, columns, screen)),
  ]
}

/** One line about one change, for logs and pipes. */
export function changeLine(row: Row, now: Instant): string {
  const elapsed = elapsedText(row, now).padStart(ELAPSED_WIDTH)
  return [elapsed, row.name, row.address ?? '-', stageText(row, now, 0)].join(GAP)
}

function slowestLine(state: LabState, now: Instant): string[] {
  const took = (row: Row) => (row.endedAt ?? now) - (row.startedAt ?? now)
  const good = state.rows.filter(row => isFinal(row.stage) && row.stage.at !== 'failed')
  const slowest = good.toSorted((a, b) => took(b) - took(a))[0]
  return slowest ? [`slowest: ${slowest.name}, ${formatElapsed(took(slowest))}`] : []
}

/** The last words: how many of how many, what else happened to whom, the slowest, the total. Reasons stand whole. */
export function summary(state: LabState, now: Instant, screen: Screen): string[] {
  const others = (['booted-disk', 'held', 'failed'] as const)
    .map(at => ({ at, count: countOf(state, at) }))
    .filter(({ count }) => count > 0)
  const unfinished = state.rows.filter(row => !isFinal(row.stage)).length
  const words = [
    `${countOf(state, 'installed')} of ${state.rows.length} installed`,
    ...others.map(({ at, count }) => `${count} ${at}`),
    ...(unfinished > 0 ? [`${unfinished} unfinished`] : []),
    `total ${formatElapsed(now - state.startedAt)}`,
  ]
  const failures = state.rows.flatMap(row =>
    row.stage.at === 'failed' ? [paint(`${row.name}: ${stageText(row, now, 0)}`, 'red', screen)] : [],
  )
  return [paint(words.join(', '), 'bold', screen), ...slowestLine(state, now), ...failures]
}
