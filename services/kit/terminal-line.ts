/** A line of the log for people: time, level, room, machine, what happened, and after it what the words do not say. */
import { styleText } from 'node:util'

export type WrittenLine = { time: string; level: number; msg: string; [field: string]: unknown }

const LEVELS: Record<number, { word: string; style: Parameters<typeof styleText>[0] }> = {
  20: { word: 'debug', style: 'dim' },
  40: { word: 'warn', style: 'yellow' },
  50: { word: 'ERROR', style: 'red' },
}
const QUIET = { word: '', style: 'reset' } as const
const LEVEL_WIDTH = 5
/** As wide as the longest room. */
const ROOM_WIDTH = 8
/** Of a MAC, which is what a machine without a name is called; a longer name pushes its line to the right. */
const MACHINE_WIDTH = 17
/** Columns of their own, or of no use to people. */
const ELSEWHERE = new Set(['time', 'level', 'msg', 'room', 'source', 'machine', 'event', 'hint', 'xid', 'type', 'port'])

/** Local time of day with milliseconds: the day is whose screen it is to know. */
function timeOfDay(time: string): string {
  const at = new Date(time)
  const [hours, minutes, seconds] = [at.getHours(), at.getMinutes(), at.getSeconds()].map(part =>
    String(part).padStart(2, '0'),
  )
  return `${hours}:${minutes}:${seconds}.${String(at.getMilliseconds()).padStart(3, '0')}`
}

/** Control characters would move the cursor of whoever reads; machines choose some of these words. */
function shown(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return text.replaceAll(/\p{Cc}+/gu, ' ').trim()
}

function restOf(line: WrittenLine, message: string): string {
  const isSaid = (name: string, value: unknown): boolean =>
    ELSEWHERE.has(name) || (name === 'mac' && line['machine'] !== undefined) || message.includes(shown(value))
  return Object.entries(line)
    .filter(([name, value]) => !isSaid(name, value))
    .map(([name, value]) => `${name}=${shown(value)}`)
    .join(' ')
}

type Parts = { room: string; machine: string; what: string; rest: string }

/** With the hint where something is to be done. */
function partsOf(line: WrittenLine): Parts {
  const message = shown(line.msg)
  const hint = line['hint'] === undefined || !(line.level in LEVELS) ? '' : `; ${shown(line['hint'])}`
  return {
    room: shown(line['source'] ?? line['room'] ?? ''),
    machine: shown(line['machine'] ?? ''),
    what: `${message}${hint}`,
    rest: restOf(line, message),
  }
}

/** Colours are left out where the terminal or its user (NO_COLOR) wants none. */
export function terminalLine(line: WrittenLine): string {
  const { word, style } = LEVELS[line.level] ?? QUIET
  const { room, machine, what, rest } = partsOf(line)
  const said = word === '' ? what : styleText(style, what)
  return [
    styleText('dim', timeOfDay(line.time)),
    styleText(style, word.padEnd(LEVEL_WIDTH)),
    styleText('cyan', room.padEnd(ROOM_WIDTH)),
    styleText('bold', machine.padEnd(MACHINE_WIDTH)),
    rest === '' ? said : `${said}  ${styleText('dim', rest)}`,
  ].join('  ')
}

/** The journal has time and level by itself, and columns of its own before the text: as `dhcp node1: acknowledged 10.77.0.11`. */
export function journalLine(line: WrittenLine): string {
  const { room, machine, what, rest } = partsOf(line)
  const where = [room, machine].filter(Boolean).join(' ')
  return `${where}${where && ': '}${what}${rest && `  ${rest}`}`
}
