/** CHANGELOG.md in the form that Debian's tools read (deb-changelog(5)). */
const WIDTH = 78

/** At spaces; a word that is longer stands alone. */
function wrap(text: string, first: string, rest: string): string {
  const lines: string[] = []
  let line = first
  for (const word of text.split(/\s+/)) {
    const next = line === first || line === rest ? `${line}${word}` : `${line} ${word}`
    if (next.length > WIDTH && line !== first && line !== rest) {
      lines.push(line)
      line = `${rest}${word}`
    } else line = next
  }
  return [...lines, line].join('\n')
}

function itemsOf(section: string): string[] {
  const lines = section.split('\n').filter(line => line.startsWith('- '))
  return lines.map(line => line.slice(2))
}

/** The items of the newest section that has any: on the day of a release nothing is unreleased. */
export function newestItems(markdown: string): string[] {
  const [, ...sections] = markdown.split(/^## .*$/m)
  return sections.map(itemsOf).find(items => items.length > 0) ?? []
}

export type Release = { version: string; maintainer: string; at: Date; items: readonly string[] }

export function debianChangelog({ version, maintainer, at, items }: Release): string {
  const date = at.toUTCString().replace('GMT', '+0000')
  const changes = items.map(item => wrap(item, '  * ', '    ')).join('\n')
  return `rackrise (${version}) unstable; urgency=medium\n\n${changes}\n\n -- ${maintainer}  ${date}\n`
}
