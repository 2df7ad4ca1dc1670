/** The manual as pages, with what tests ask of them: fences, inline code, links and anchors. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { ROOT } from '../presubmit/source.ts'

/** A fenced block; `toml answer` has the language `toml` and the kind `answer`. */
export type Fence = { page: string; line: number; language: string; kind: string; text: string }
export type Page = {
  /** From the root of the repository. */
  path: string
  text: string
  fences: Fence[]
  /** The text without its fences, line for line. */
  prose: string
  /** Of its headings, as GitHub makes them. */
  anchors: Set<string>
}

const FOREIGN = new Set(['node_modules', 'dist', '.git', '.lab'])

function markdownIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    if (FOREIGN.has(entry.name)) return []
    const path = join(folder, entry.name)
    return entry.isDirectory() ? markdownIn(path) : entry.name.endsWith('.md') ? [path] : []
  })
}

/** Letters, digits, dashes and underscores of it, in small letters, with dashes for blanks. */
export function anchorOf(heading: string): string {
  return heading
    .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')
}

export function readPage(path: string, text: string): Page {
  const fences: Fence[] = []
  const prose: string[] = []
  let open: { mark: string; fence: Fence } | undefined
  for (const [at, line] of text.split('\n').entries()) {
    const [, indent = '', mark, info = ''] = /^( *)(```+)(.*)$/.exec(line) ?? []
    if (open && mark === open.mark && info === '') open = undefined
    else if (open) open.fence.text += `${line}\n`
    else if (mark !== undefined) {
      const [language = '', ...kind] = info.trim().split(' ')
      open = { mark, fence: { page: path, line: at + 1, language, kind: kind.join(' '), text: '' } }
      fences.push(open.fence)
      if (indent !== '') open.fence.kind = `${open.fence.kind} indented`.trim()
    }
    prose.push(open || mark !== undefined ? '' : line)
  }
  const headings = prose.flatMap(line => /^#+ (.*)$/.exec(line)?.[1] ?? [])
  return {
    path,
    text,
    fences: fences.map(unindented),
    prose: prose.join('\n'),
    anchors: new Set(headings.map(anchorOf)),
  }
}

/** A block within a list stands under its item. */
function unindented(fence: Fence): Fence {
  const depth = Math.min(
    ...fence.text.split('\n').flatMap(line => (line.trim() === '' ? [] : [/^ */.exec(line)![0].length])),
  )
  const isIndented = / ?indented$/.test(fence.kind)
  return isIndented
    ? {
        ...fence,
        kind: fence.kind.replace(/ ?indented$/, ''),
        text: fence.text.replaceAll(new RegExp(`^ {${depth}}`, 'gm'), ''),
      }
    : fence
}

/** Every page for people in the repository. */
export const PAGES: readonly Page[] = markdownIn(ROOT)
  .map(file => readPage(relative(ROOT, file), readFileSync(file, 'utf8')))
  .toSorted((a, b) => (a.path < b.path ? -1 : 1))

/** Those of docs/, and the entrance. */
export const MANUAL: readonly Page[] = PAGES.filter(({ path }) => path.startsWith('docs/') || path === 'README.md')

/** What stands between single backticks, outside fences. */
export function inlineCode(page: Page): { line: number; code: string }[] {
  return page.prose
    .split('\n')
    .flatMap((text, at) =>
      [...text.matchAll(/(`+)(.+?)\1(?!`)/g)].map(([, , code]) => ({ line: at + 1, code: code!.trim() })),
    )
}
