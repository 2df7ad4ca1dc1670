/** What pages of the reference share: their head, tables, and text that stands in a cell. */

/** A page that is made of the code says so first. */
export function head(title: string, ...about: string[]): string {
  const made = '<!-- Made by `npm run reference`; a test compares it with the code. -->'
  return [`# ${title}`, '', made, '', ...about, ''].join('\n')
}

/** A bar would end the cell. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
  return [line(columns), `|${'---|'.repeat(columns.length)}`, ...rows.map(line)].join('\n')
}

export function code(text: string): string {
  return `\`${text}\``
}
