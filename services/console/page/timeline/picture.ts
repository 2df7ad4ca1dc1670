/** An attempt as a picture: time runs across, one lane for each protocol, marks for entries, bars for downloads. Pure; positions from 0 to 1. */
import type { TimelineEntry } from '../../schema/machine.ts'
import type { Download, Step } from './attempts.ts'
import { duration } from '../words/quantities.ts'

/** From the machine's side of the wire to people's. */
export const LANES = ['dhcp', 'tftp', 'http', 'dns', 'answer', 'webhook', 'operator', 'site', 'clock'] as const

export type Mark = { at: number; entry: TimelineEntry }
export type Bar = { from: number; to: number; entry: TimelineEntry; download: Download }
export type Lane = { source: string; marks: Mark[]; bars: Bar[] }
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

export function pictureOf(steps: readonly Step[]): Picture {
  const times = steps.map(({ entry }) => Date.parse(entry.at))
  const { at, breaks } = scaleOf(times)
  const lanes = new Map<string, Lane>()
  for (const [index, { entry, download }] of steps.entries()) {
    const lane = lanes.get(entry.source) ?? { source: entry.source, marks: [], bars: [] }
    lanes.set(entry.source, lane)
    lane.marks.push({ at: at[index]!, entry })
    if (download) lane.bars.push({ from: at[beginOf(times, index, download)]!, to: at[index]!, entry, download })
  }
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
