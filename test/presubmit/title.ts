/** Whether a test is there by the title that somebody wrote down, when titles are also made from table rows. */

/** `%s`, `%j` and their like, `$name`, and a template's `${expression}`. */
const PLACEHOLDER = /(%[a-z]|\$\{[^}]*\}|\$[a-z0-9_.]+)/gi

export function hasPlaceholder(title: string): boolean {
  return title.search(PLACEHOLDER) >= 0
}

/** In the source as a string of any quotes, as a key, or as a number: a cell of the table that the title is made from. */
function isInTable(text: string, placeholder: string, source: string): boolean {
  if (/^%[idf]$/.test(placeholder)) return /^-?[\d.]+$/.test(text)
  if (placeholder === '%j') return source.includes(text) || isJson(text)
  const quoted = [`'${text.replaceAll("'", "\\'")}'`, `"${text.replaceAll('"', '\\"')}"`, `\`${text}\``]
  return quoted.some(form => source.includes(form)) || (/^[\w-]+$/.test(text) && isWord(text, source))
}

function isWord(text: string, source: string): boolean {
  return new RegExp(`(^|[^\\w-])${text}([^\\w-]|$)`).test(source)
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** The title itself, or what it becomes with cells of the table in its placeholders. */
function becomes(title: string, written: string, source: string): boolean {
  if (title === written) return true
  const placeholders = title.match(PLACEHOLDER) ?? []
  if (placeholders.length === 0) return false
  const fixed = title.split(PLACEHOLDER).filter((_, i) => i % 2 === 0)
  const pattern = fixed.map(part => part.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('([^]+)')
  const cells = new RegExp(`^${pattern}$`).exec(written)?.slice(1)
  return cells?.every((cell, i) => isInTable(cell, placeholders[i]!, source)) ?? false
}

/**
 * `written` names a test, or a group and so all tests in it: whole titles that follow each other somewhere between the outermost group and the
 * test itself. Source is that of the file, for titles made from tables.
 */
export function isThere(written: readonly string[], title: readonly string[], source: string): boolean {
  if (written.length === 0) return false
  for (let at = 0; at + written.length <= title.length; at += 1) {
    if (written.every((part, i) => becomes(title[at + i]!, part, source))) return true
  }
  return false
}
