/** An attempt as a picture: time runs across, one lane for each protocol, marks for entries, bars for downloads. Pure; positions from 0 to 1. */
import type { MachineView, TimelineEntry } from '../../schema/machine.ts'
import { beginOfFile, type Download, type Step } from './attempts.ts'
import { duration } from '../words/quantities.ts'

/** From the machine's side of the wire to people's. */
export const LANES = ['dhcp', 'tftp', 'http', 'dns', 'answer', 'webhook', 'operator', 'site', 'clock'] as const

export type Mark = { at: number; entry: TimelineEntry }
export type Bar = { from: number; to: number; entry: TimelineEntry; download: Download }
/** A download that is under way: `to` is now, `part` of it is sent. */
export type LiveBar = { from: number; to: number; part: number }
export type Lane = { source: string; marks: Mark[]; bars: Bar[]; live?: LiveBar }
/** `breaks` are where a long silence was cut. */
export type Picture = { lanes: Lane[]; ticks: { at: number; text: string }[]; breaks: number[] }

/** A silence longer than this is drawn as long as this, seconds. */
const LONGEST_DRAWN = 150
/** What happens at once is drawn this far apart, seconds, so that two marks are not one. */
const SHORTEST_DRAWN = 1.5
/** Between the labels of the axis. */
const APART = 0.16

type Scale = { at: readonly number[]; breaks: number[] }

function scaleOf(times: readonly number[]): Scale {
  const drawn = times.map((time, index) => {
    const silent = index === 0 ? 0 : (time - times[index - 1]!) / 1000
    return { silent, width: index === 0 ? 0 : Math.min(LONGEST_DRAWN, Math.max(SHORTEST_DRAWN, silent)) }
  })
  const whole = drawn.reduce((sum, { width }) => sum + width, 0) || 1
  let sum = 0
  const at: number[] = []
  const breaks: number[] = []
  for (const { silent, width } of drawn) {
    if (silent > LONGEST_DRAWN) breaks.push((sum + width / 2) / whole)
    sum += width
    at.push(sum / whole)
  }
  return { at, breaks }
}

function ticksOf(times: readonly number[], at: readonly number[]): Picture['ticks'] {
  const ticks: Picture['ticks'] = []
  for (const [index, time] of times.entries()) {
    const last = ticks.at(-1)
    if (last && at[index]! - last.at < APART) continue
    ticks.push({ at: at[index]!, text: index === 0 ? '0' : `+${duration((time - times[0]!) / 1000)}` })
  }
  return ticks
}

/** Where a download began: as far back as it took. */
function beginOf(times: readonly number[], index: number, { seconds }: Download): number {
  const begin = times[index]! - seconds * 1000
  return Math.max(
    0,
    times.slice(0, index).findLastIndex(time => time <= begin),
  )
}

/** What is under way, and what time it is by the appliance's clock, milliseconds since 1970. */
export type UnderWay = { progress: NonNullable<MachineView['progress']>; now: number }

/** Loaders come by TFTP, or by HTTP as all else does: as the lane says in which the last one came. */
function liveLane({ file }: UnderWay['progress'], lanes: ReadonlyMap<string, Lane>): string {
  return file === 'loader' && !lanes.has('http') ? 'tftp' : 'http'
}

function addLive(
  lanes: Map<string, Lane>,
  steps: readonly Step[],
  at: readonly number[],
  { progress }: UnderWay,
): void {
  const source = liveLane(progress, lanes)
  const lane = lanes.get(source) ?? { source, marks: [], bars: [] }
  const begin = beginOfFile(progress.file, steps)
  const from = at[begin ? steps.findIndex(({ entry }) => entry === begin) : steps.length - 1]!
  const part = progress.total > 0 ? Math.min(1, progress.sent / progress.total) : 0
  lanes.set(source, { ...lane, live: { from, to: 1, part } })
}

/** @param underWay a download of the latest attempt; the picture ends now then */
export function pictureOf(steps: readonly Step[], underWay?: UnderWay): Picture {
  const told = steps.map(({ entry }) => Date.parse(entry.at))
  const times = underWay ? [...told, Math.max(underWay.now, told.at(-1) ?? 0)] : told
  const { at, breaks } = scaleOf(times)
  const lanes = new Map<string, Lane>()
  for (const [index, { entry, download }] of steps.entries()) {
    const lane = lanes.get(entry.source) ?? { source: entry.source, marks: [], bars: [] }
    lanes.set(entry.source, lane)
    lane.marks.push({ at: at[index]!, entry })
    if (download) lane.bars.push({ from: at[beginOf(times, index, download)]!, to: at[index]!, entry, download })
  }
  if (underWay && steps.length > 0) addLive(lanes, steps, at, underWay)
  const order = (source: string): number => {
    const known = (LANES as readonly string[]).indexOf(source)
    return known < 0 ? LANES.length : known
  }
  return {
    lanes: [...lanes.values()].toSorted((a, b) => order(a.source) - order(b.source)),
    ticks: ticksOf(times, at),
    breaks,
  }
}
