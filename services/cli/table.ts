/** Text in columns, for people, as wide as their terminal. */
import { styleText } from 'node:util'
import { hang, INDENT, wrap } from './wrap.ts'

export type Style = Parameters<typeof styleText>[0]

/** Colours a cell after it was padded, since colours have no width; undefined leaves it. */
export type StyleOf = (row: number, column: number) => Style | undefined

export type Shape = {
  /** Of the terminal, in characters; without it nothing is wrapped. */
  width?: number
  styleOf?: StyleOf | undefined
}

const GAP = '  '

type Row = readonly string[]

function widthsOf(rows: readonly Row[]): number[] {
  return (rows[0] ?? []).map((_, column) => rows.reduce((widest, row) => Math.max(widest, row[column]!.length), 0))
}

/** How many columns fit; the first one stands in any case. */
function fitting(widths: readonly number[], width: number): number {
  let end = -GAP.length
  const beyond = widths.findIndex(one => (end += GAP.length + one) > width)
  return beyond < 0 ? widths.length : Math.max(1, beyond)
}

/** What has no room beside the others, each after its word of the head. */
function below(cells: Row, names: Row, width: number): string[] {
  const told = cells.flatMap((cell, at) => (cell === '' ? [] : [names[at] ? `${names[at]} ${cell}` : cell]))
  return told.length === 0
    ? []
    : wrap(told.join('; ').split(' '), width - INDENT).map(line => ' '.repeat(INDENT) + line)
}

/**
 * Lines of columns that are as wide as their widest cell, two blanks between them. Where they are wider than the terminal, the last columns stand
 * below each row; of the very last one only the cells that are too long.
 */
export function columns(rows: readonly Row[], { width = Infinity, styleOf }: Shape = {}, head: Row = []): string[] {
  const widths = widthsOf(rows)
  const last = widths.length - 1
  const fits = fitting(widths, width)
  return rows.flatMap((row, at) => {
    const hasRoom = fits === last && fitting([...widths.slice(0, last), row[last]!.length], width) > last
    const beside = hasRoom ? row : row.slice(0, fits)
    const cells = beside.map((cell, column) => {
      const padded = column === beside.length - 1 ? cell : cell.padEnd(widths[column]!)
      const style = styleOf?.(at, column)
      return style ? styleText(style, padded) : padded
    })
    const rest = row === head ? [] : row.slice(beside.length)
    return [cells.join(GAP).trimEnd(), ...below(rest, head.slice(beside.length), width)]
  })
}

/** A head and its rows. `styleOf` counts rows without the head. Where there is no room for all columns, those with nothing in them make some. */
export function table(head: Row, rows: readonly Row[], { width = Infinity, styleOf }: Shape = {}): string {
  const all = head.map((_, column) => column)
  const isWide = fitting(widthsOf([head, ...rows]), width) < head.length
  const shown = isWide ? all.filter(column => rows.some(row => row[column] !== '')) : all
  const pick = (row: Row): Row => shown.map(column => row[column]!)
  const shifted: StyleOf | undefined =
    styleOf && ((row, column) => (row === 0 ? undefined : styleOf(row - 1, shown[column]!)))
  const names = pick(head)
  return columns([names, ...rows.map(pick)], { width, styleOf: shifted }, names).join('\n')
}

/** A title and what is known about it, each beside its name; what is not known has no line. */
export function factSheet(
  title: string,
  rows: readonly (readonly [name: string, value: string | undefined])[],
  width = Infinity,
): string {
  const widest = Math.max(...rows.map(([name]) => name.length))
  return [
    title,
    ...rows.flatMap(([name, value]) => (value ? [hang(`  ${name.padEnd(widest)}  `, value, width)] : [])),
  ].join('\n')
}
