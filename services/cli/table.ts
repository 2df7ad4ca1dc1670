/** Text in columns, for people. */
import { styleText } from 'node:util'

export type Style = Parameters<typeof styleText>[0]

/** Colours a cell after it was padded, since colours have no width; undefined leaves it. */
export type StyleOf = (row: number, column: number) => Style | undefined

/**
 * Lines of columns that are as wide as their widest cell, two blanks between them. A cell wider than `widest` stands out, and what follows it
 * is out of line.
 */
export function columns(
  rows: readonly (readonly string[])[],
  { widest = Infinity, styleOf }: { widest?: number; styleOf?: StyleOf | undefined } = {},
): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    rows.reduce((width, row) => Math.max(width, Math.min(widest, row[column]!.length)), 0),
  )
  return rows.map((row, at) =>
    row
      .map((cell, column) => {
        const padded = column === row.length - 1 ? cell : cell.padEnd(widths[column]!)
        const style = styleOf?.(at, column)
        return style ? styleText(style, padded) : padded
      })
      .join('  ')
      .trimEnd(),
  )
}

/** A head and its rows. `styleOf` counts rows without the head. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], styleOf?: StyleOf): string {
  const shifted: StyleOf | undefined = styleOf && ((row, column) => (row === 0 ? undefined : styleOf(row - 1, column)))
  return columns([head, ...rows], { styleOf: shifted }).join('\n')
}

/** A title and what is known about it, a line each; what is not known has none. */
export function factSheet(
  title: string,
  rows: readonly (readonly [name: string, value: string | undefined])[],
): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return [title, ...rows.flatMap(([name, value]) => (value ? [`  ${name.padEnd(width)}  ${value}`] : []))].join('\n')
}
