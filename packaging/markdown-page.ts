/** A page of the reference as a manual page: of Markdown, what those pages use, which is headings, paragraphs, items, tables and code. */
import { type ManualPage, roff } from './manual-pages.ts'

/** Code in bold, links as their text; all else as it stands. */
function inline(text: string): string {
  const parts = text.replaceAll(/\[([^\]]+)\]\([^)]*\)/g, '$1').split(/`([^`]+)`/)
  return parts.map((part, index) => (index % 2 === 1 ? `\\fB${roff(part)}\\fR` : roff(part))).join('')
}

const heading = (text: string): string => `"${inline(text).replaceAll('"', '\\(dq')}"`

/** One line of Markdown as lines of troff. */
function lineOf(line: string): string[] {
  const [, marks, title] = /^(##+) (.*)$/.exec(line) ?? []
  if (marks) return [`.${marks.length === 2 ? 'SH' : 'SS'} ${heading(title!)}`]
  if (line.startsWith('- ')) return ['.IP \\(bu 2', inline(line.slice(2))]
  const cells = /^\| (.*) \|$/.exec(line)?.[1]?.split(' | ')
  if (cells) return ['.TP', inline(cells[0]!), inline(cells.slice(1).join(' | '))]
  return line === '' ? ['.PP'] : [inline(line)]
}

const LEFT_OUT = [/^# /, /^<!--/, /^\|-+\|/]
/** Where a paragraph begins by itself, or where it would be empty. */
const OPENS = /^\.(SH|SS|IP|TP|PP)/

/** @param about `date` as 2026-11-26, `summary` for the line of names */
export function markdownPage(
  markdown: string,
  about: { name: string; section: number; summary: string; date: string; version: string },
): ManualPage {
  const { name, section, summary, date, version } = about
  const lines = markdown
    .split('\n')
    .filter(line => !LEFT_OUT.some(pattern => pattern.test(line)))
    .flatMap(lineOf)
  const body = lines.filter((line, index) => line !== '.PP' || !OPENS.test(lines[index + 1] ?? '.PP'))
  const opening = body[0] === '.PP' ? body.slice(1) : body
  const text = [
    `.TH "${roff(name.toUpperCase())}" ${section} "${date}" "Rackrise ${roff(version)}" "Rackrise"`,
    '.SH NAME',
    `${roff(name)} \\- ${roff(summary)}`,
    '.SH DESCRIPTION',
    ...opening.filter((line, index) => line !== '.PP' || !/^\.S[HS]/.test(opening[index - 1] ?? '')),
    '.SH "SEE ALSO"',
    '.BR rackrise (1) ,\n.BR rackrise\\-check (1)',
  ]
  return { name, section, text: `${text.join('\n')}\n` }
}
